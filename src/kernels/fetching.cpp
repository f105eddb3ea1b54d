#include "kernels/fetching.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace continuo {

namespace {

// AMD64 Architecture Programmer's Manual, vol. 3, appendix E: functions 0 (vendor) and 1 (family).
bool is_zen5() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return false;
  const bool amd = b == signature_AMD_ebx && c == signature_AMD_ecx && d == signature_AMD_edx;
  if (!amd || !__get_cpuid(1, &a, &b, &c, &d)) return false;
  const unsigned base = a >> 8 & 0xf, extended = a >> 20 & 0xff;
  return base == 0xf && base + extended == 0x1a;
#else
  return false;
#endif
}

}  // namespace

bool streams_by_itself() {
  static const bool known = is_zen5();
  return known;
}

}  // namespace continuo
