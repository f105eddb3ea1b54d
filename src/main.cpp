#include <csignal>
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

#include <unistd.h>

#include "cli/cli.h"

namespace {

// The weights are mapped, so a file that somebody shortens while it is in use shows as this signal.
extern "C" void on_lost_page(int) {
  constexpr char kMessage[] = "continuo: error: a model file was cut short while in use\n";
  [[maybe_unused]] const auto written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
  _exit(3);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGBUS, on_lost_page);
  try {
    return continuo::run_command_line(argc, argv);
  } catch (const std::bad_alloc&) {
    std::fputs("continuo: error: out of memory\n", stderr);
    return 3;
  } catch (const std::system_error& e) {  // a thread that cannot be started, and the like
    std::fprintf(stderr, "continuo: error: the system refuses: %s (is there a limit on processes or threads?)\n",
                 e.code().message().c_str());
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "continuo: internal error: %s; please report it\n", e.what());
    return 70;
  }
}
