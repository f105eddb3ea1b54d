#include "cli/output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace continuo {

namespace {

constexpr std::size_t kBlock = std::size_t{64} << 10;

}  // namespace

void set_up_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) != -1) continue;
    // open takes the lowest free number, which is fd.
    [[maybe_unused]] const int opened = open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool is_stdout(int fd) {
  struct stat in {
  }, out{};
  return fstat(fd, &in) == 0 && fstat(STDOUT_FILENO, &out) == 0 && S_ISREG(in.st_mode) && in.st_dev == out.st_dev &&
         in.st_ino == out.st_ino;
}

Output::Output() : is_terminal_(isatty(STDOUT_FILENO) != 0) {
  struct stat status {};
  at_once_ = fstat(STDOUT_FILENO, &status) != 0 || !S_ISREG(status.st_mode);
}

bool Output::write(std::string_view text) {
  if (!text.empty()) line_open_ = text.back() != '\n';
  buffer_ += text;
  if (at_once_ || buffer_.size() >= kBlock) flush();
  return !reader_gone_ && failure_ == 0;
}

void Output::end_line() {
  if (is_terminal_ && line_open_) write("\n");
}

void Output::flush() {
  std::string_view left = buffer_;
  while (!left.empty() && !reader_gone_ && failure_ == 0) {
    const ssize_t written = ::write(STDOUT_FILENO, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {  // a pipe that someone made non-blocking
      pollfd ready{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
      poll(&ready, 1, -1);
    } else if (errno == EPIPE) {
      reader_gone_ = true;
    } else if (errno != EINTR) {
      failure_ = errno;
    }
  }
  buffer_.clear();
}

Result<void> Output::finish() {
  flush();
  if (failure_ == 0) return {};
  return Error{.kind = ErrorKind::output, .what = std::string("cannot write to stdout: ") + std::strerror(failure_)};
}

Result<void> print(std::string_view text) {
  Output output;
  output.write(text);
  return output.finish();
}

}  // namespace continuo
