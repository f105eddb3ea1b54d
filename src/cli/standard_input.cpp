#include "cli/standard_input.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

namespace continuo {

namespace {

bool has_bytes(int milliseconds) {
  struct stat status {};
  if (fstat(STDIN_FILENO, &status) != 0) return false;
  if (S_ISREG(status.st_mode)) {
    const off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
    return at >= 0 && at < status.st_size;
  }
  if (!S_ISFIFO(status.st_mode) && !S_ISSOCK(status.st_mode)) return false;
  pollfd ready{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, milliseconds) <= 0) return false;
  int bytes = 0;
  return ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 && bytes > 0;
}

// Programs that start another one and leave their stdin to it.
constexpr std::string_view kWrappers[] = {"timeout", "time", "flock", "strace", "ltrace",
                                          "perf",    "sudo", "doas",  "setsid"};

// The name of a process and its parent, from "PID (NAME) STATE PPID ...".
struct Process {
  std::string name;
  pid_t parent = 0;
};

Process process(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  std::getline(file, line);
  const std::size_t open = line.find('('), close = line.rfind(')');
  if (open == std::string::npos || close == std::string::npos) return {};
  Process found{line.substr(open + 1, close - open - 1)};
  char state = 0;
  if (std::sscanf(line.c_str() + close + 1, " %c %d", &state, &found.parent) != 2) return {};
  return found;
}

// True where the parent has the same stdin, and where nobody can know.
bool is_inherited() {
  struct stat ours {};
  if (fstat(STDIN_FILENO, &ours) != 0) return true;
  pid_t parent = getppid();
  for (int generation = 0; generation < 8; ++generation) {
    if (parent == 0) return false;  // the first process of a container
    struct stat theirs {};
    if (stat(fmt::format("/proc/{}/fd/0", parent).c_str(), &theirs) != 0)
      return errno != ENOENT || access("/proc/self", F_OK) != 0;
    if (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino) return false;
    const Process wrapper = process(parent);
    if (std::ranges::find(kWrappers, wrapper.name) == std::end(kWrappers)) return true;
    parent = wrapper.parent;
  }
  return true;
}

}  // namespace

bool stdin_has_text(int milliseconds) { return !is_inherited() && has_bytes(milliseconds); }

Result<void> refuse_text_on_stdin(int milliseconds) {
  if (!stdin_has_text(milliseconds)) return {};
  return usage_error("there is text on stdin, and the text to work on is given as well; expected one of them",
                     "{ printf %s PROMPT; cat; } | continuo joins both; < /dev/null leaves stdin out");
}

}  // namespace continuo
