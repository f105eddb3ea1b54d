#include "kernels/tiles_usable.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace continuo {

#if defined(__x86_64__) && defined(__linux__)

namespace {

// Intel's manual, vol. 1, chapter 18.
constexpr unsigned kTiles = 1u << 24, kByteProducts = 1u << 25;  // CPUID 7.0, EDX
constexpr unsigned kOsSavesState = 1u << 27;                     // CPUID 1, ECX
constexpr unsigned kTileState = 3u << 17;                        // XCR0: shapes and data

bool processor_has_tiles() {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kOsSavesState)) return false;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & kTiles) == 0 || (d & kByteProducts) == 0) return false;
  unsigned enabled, high;
  asm volatile("xgetbv" : "=a"(enabled), "=d"(high) : "c"(0));
  return (enabled & kTileState) == kTileState;
}

}  // namespace

bool tiles_usable() {
  constexpr long kRequestPermission = 0x1023,
                 kTileData = 18;  // arch_prctl's, Linux Documentation/arch/x86/xstate.rst
  return processor_has_tiles() && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

#else

bool tiles_usable() { return false; }

#endif

}  // namespace continuo
