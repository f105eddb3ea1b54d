#include <cstdio>
#include <new>

#include "cli/cli.h"

int main(int argc, char** argv) {
  try {
    return continuo::run_command_line(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("continuo: error: out of memory\n", stderr);
    return 3;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "continuo: internal error: %s; please report it\n", e.what());
    return 70;
  }
}
