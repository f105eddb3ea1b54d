#include "cli/program.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>

namespace continuo::test {

namespace {

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return ends;
}

[[noreturn]] void execute(const std::string& program, const std::vector<std::string>& arguments,
                          const std::map<std::string, std::string>& environment) {
  std::vector<char*> argv{const_cast<char*>("continuo")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  unsetenv("CONTINUO_MODEL");
  setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  signal(SIGPIPE, SIG_DFL);
  execv(program.c_str(), argv.data());
  _exit(127);
}

int wait_for(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0) return;  // the program did not want it
    text.remove_prefix(static_cast<std::size_t>(n));
  }
}

void connect_stdout(const Run& run, int pipe_end) {
  if (!run.stdout_path) {
    dup2(pipe_end, STDOUT_FILENO);
  } else if (run.stdout_path->empty()) {
    close(STDOUT_FILENO);
  } else {
    dup2(open(run.stdout_path->c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644), STDOUT_FILENO);
  }
}

}  // namespace

Ran run_program(const Run& run) {
  signal(SIGPIPE, SIG_IGN);
  auto in = make_pipe(), out = make_pipe(), err = make_pipe();
  const pid_t process = fork();
  if (process == 0) {
    dup2(in[0], STDIN_FILENO);
    dup2(err[1], STDERR_FILENO);
    connect_stdout(run, out[1]);
    execute(run.program, run.arguments, run.environment);
  }
  close(in[0]);
  close(out[1]);
  close(err[1]);
  std::thread feeder([&] {
    write_all(in[1], run.input);
    close(in[1]);
  });
  Ran ran;
  std::array<pollfd, 2> sources{pollfd{out[0], POLLIN, 0}, pollfd{err[0], POLLIN, 0}};
  std::array<char, 4096> block;
  while (sources[0].fd >= 0 || sources[1].fd >= 0) {
    poll(sources.data(), sources.size(), -1);
    for (pollfd& source : sources) {
      if (source.fd < 0 || !source.revents) continue;
      const bool is_out = &source == &sources[0];
      const std::size_t limit = is_out ? std::min(block.size(), run.read_at_most - ran.out.size()) : block.size();
      const ssize_t n = read(source.fd, block.data(), limit);
      std::string& text = is_out ? ran.out : ran.err;
      const auto& on_first = is_out ? run.on_first_output : run.on_first_message;
      if (n > 0 && text.empty() && on_first) on_first(process);
      if (n > 0) text.append(block.data(), static_cast<std::size_t>(n));
      if (n <= 0 || (is_out && ran.out.size() >= run.read_at_most)) {
        close(source.fd);
        source.fd = -1;
      }
    }
  }
  ran.code = wait_for(process);
  feeder.join();
  return ran;
}

Ran run_program(std::vector<std::string> arguments, std::string_view input) {
  return run_program(Run{.arguments = std::move(arguments), .input = std::string(input)});
}

Ran run_on_terminal(std::vector<std::string> arguments, std::string_view typed, bool redirect_stderr) {
  auto err = make_pipe();
  int terminal = -1;
  const pid_t process = forkpty(&terminal, nullptr, nullptr, nullptr);
  if (process == 0) {
    if (redirect_stderr) dup2(err[1], STDERR_FILENO);
    execute(CONTINUO_BINARY, arguments, {});
  }
  close(err[1]);
  write_all(terminal, typed);
  Ran ran;
  std::array<char, 4096> block;
  for (ssize_t n; (n = read(terminal, block.data(), block.size())) > 0;)
    ran.out.append(block.data(), static_cast<std::size_t>(n));
  for (ssize_t n; (n = read(err[0], block.data(), block.size())) > 0;)
    ran.err.append(block.data(), static_cast<std::size_t>(n));
  close(terminal);
  close(err[0]);
  ran.code = wait_for(process);
  return ran;
}

}  // namespace continuo::test
