// What a compiler must be told where vectors of a processor are written out.
#pragma once

// For functions that are compiled once for each kind of processor, within their callers.
#define CONTINUO_INLINE inline __attribute__((always_inline))

// A loop over values in registers, which live there only if it vanishes.
#define CONTINUO_UNROLL _Pragma("GCC unroll 16")
