// The program running beside the test: fed, read and signalled piece by piece.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support.h"

namespace continuo::test {

class Coprocess {
 public:
  explicit Coprocess(const std::vector<std::string>& arguments) {
    signal(SIGPIPE, SIG_IGN);
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    process_ = fork();
    if (process_ == 0) {
      dup2(in[0], STDIN_FILENO);
      dup2(out[1], STDOUT_FILENO);
      dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
      std::vector<char*> argv{const_cast<char*>("continuo")};
      for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
      argv.push_back(nullptr);
      execv(CONTINUO_BINARY, argv.data());
      _exit(127);
    }
    close(in[0]);
    close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }
  ~Coprocess() {
    if (process_ > 0) {
      signal_it(SIGKILL);
      wait();
    }
    close_input();
    close(out_);
  }
  Coprocess(const Coprocess&) = delete;
  Coprocess& operator=(const Coprocess&) = delete;

  // False if the program no longer reads.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = write(in_, text.data(), text.size());
      if (n < 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  // What it takes within the time; the rest is not sent.
  std::size_t send_what_it_takes(std::string_view text, int milliseconds) {
    fcntl(in_, F_SETFL, O_NONBLOCK);
    std::size_t sent = 0;
    pollfd ready{in_, POLLOUT, 0};
    while (sent < text.size() && poll(&ready, 1, milliseconds) > 0) {
      const ssize_t n = write(in_, text.data() + sent, text.size() - sent);
      if (n <= 0) break;
      sent += static_cast<std::size_t>(n);
    }
    return sent;
  }
  void close_input() {
    if (in_ >= 0) close(in_);
    in_ = -1;
  }
  // A line without its end; nothing at the end, or if none comes for `milliseconds`.
  std::optional<std::string> line(int milliseconds = 20000) {
    for (;;) {
      if (const std::size_t end = buffer_.find('\n'); end != std::string::npos) {
        std::string text = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return text;
      }
      pollfd ready{out_, POLLIN, 0};
      if (poll(&ready, 1, milliseconds) <= 0) return std::nullopt;
      char block[65536];
      const ssize_t n = read(out_, block, sizeof block);
      if (n <= 0) return std::nullopt;
      buffer_.append(block, static_cast<std::size_t>(n));
    }
  }
  void signal_it(int number) { kill(process_, number); }
  // Exit code, or -signal.
  int wait() {
    int status = 0;
    while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // Bytes of memory at the most so far.
  std::size_t peak_memory() const {
    const std::string status = read_file("/proc/" + std::to_string(process_) + "/status");
    const std::size_t at = status.find("VmHWM:");
    return at == std::string::npos ? 0 : std::stoull(status.substr(at + 6)) * 1024;
  }

 private:
  pid_t process_ = -1;
  int in_ = -1, out_ = -1;
  std::string buffer_;
};

}  // namespace continuo::test
