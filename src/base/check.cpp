#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace continuo {

void check_failed(const char* condition, const char* message, const char* file, int line) {
  std::fprintf(stderr, "continuo: internal error: %s (%s) at %s:%d; please report it\n", message, condition, file,
               line);
  std::fflush(stderr);
  std::_Exit(70);
}

}  // namespace continuo
