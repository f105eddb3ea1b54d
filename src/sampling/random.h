// Random numbers as a pure function of where they are used: no state, so any order of computation draws
// alike.
#pragma once

#include <array>
#include <cstdint>

namespace continuo {

// Philox4x32 with ten rounds: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// A number in [0, 1), a multiple of 2^-53. Key: seed; counter: position (low, high), sample (low, high).
double uniform(std::uint64_t seed, std::uint64_t sample, std::uint64_t position);

}  // namespace continuo
