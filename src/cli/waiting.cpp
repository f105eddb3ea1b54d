#include "cli/waiting.h"

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <system_error>

#include "cli/terminal.h"

namespace continuo {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kFirst{1000}, kNext{250};

void write_to_terminal(const std::string& text) {
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

Waiting::Waiting(const Options& options, std::string what) : what_(std::move(what)) {
  if (options.verbosity < 0 || !isatty(STDERR_FILENO)) return;
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {  // no thread to be had: no progress
  }
}

Waiting::~Waiting() { end(); }

void Waiting::end() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Waiting::run() {
  sigset_t all;  // signals are for the main thread
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  const auto start = Clock::now();
  std::unique_lock lock(mutex_);
  bool shown = false;
  while (!changed_.wait_for(lock, shown ? kNext : kFirst, [this] { return ended_; })) {
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    write_to_terminal("\r" + line(elapsed.count()) + "\x1b[K");
    shown = true;
  }
  if (shown) write_to_terminal("\r\x1b[K");
}

std::string Waiting::line(double seconds) const {
  const std::uint64_t done = done_, total = total_;
  std::string out = fmt::format("{}, {:.0f} s", what_, seconds);
  if (total > 0) {
    const double share = static_cast<double>(done) / static_cast<double>(total);
    out += fmt::format(", {:.0f} %", 100 * share);
    if (done > 0 && share < 1) out += fmt::format(", {:.0f} s left", seconds * (1 - share) / share);
  }
  return out.substr(0, text_width(STDERR_FILENO) - 1);
}

}  // namespace continuo
