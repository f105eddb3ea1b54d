#include "cli/batch/progress.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace continuo {

namespace {

constexpr std::chrono::milliseconds kOnTerminal{250};
constexpr std::chrono::seconds kInLog{30};

std::string duration(double seconds) {
  const auto s = static_cast<std::uint64_t>(seconds);
  if (s >= 3600) return fmt::format("{}h{:02}m", s / 3600, s / 60 % 60);
  return s >= 60 ? fmt::format("{}m{:02}s", s / 60, s % 60) : fmt::format("{}s", s);
}

void write_to_terminal(const std::string& text) {
  [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace

Progress::Progress(Show show, std::optional<std::uint64_t> total, std::uint64_t done)
    : show_(show), total_(total), before_(done), done_(done), start_(Clock::now()), shown_(start_) {}

Progress::~Progress() { clear(); }

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

std::string Progress::line() const {
  const double elapsed = seconds();
  std::string out = fmt::format("{}", done_);
  if (total_) out += fmt::format("/{}", *total_);
  out += fmt::format(" requests, {:.1f} tokens/s", elapsed > 0 ? static_cast<double>(tokens_) / elapsed : 0);
  if (total_ && done_ > before_ && *total_ >= done_) {
    const double each = elapsed / static_cast<double>(done_ - before_);
    out += fmt::format(", {} left", duration(each * static_cast<double>(*total_ - done_)));
  }
  return out;
}

void Progress::show() {
  if (show_ == Show::never) return;
  const auto now = Clock::now();
  if (now - shown_ < (show_ == Show::terminal ? Clock::duration(kOnTerminal) : Clock::duration(kInLog))) return;
  shown_ = now;
  if (show_ == Show::log) {
    spdlog::info("{}", line());
    return;
  }
  write_to_terminal("\r" + line() + "\x1b[K");  // the rest of the line is erased
  on_screen_ = true;
}

void Progress::sum_up(std::uint64_t errors) const {
  if (show_ != Show::terminal) return;
  const double elapsed = seconds();
  write_to_terminal(fmt::format("{} requests answered, {} with an error; {} tokens in {:.1f} s, {:.1f} tokens/s\n",
                                done_, errors, tokens_, elapsed,
                                elapsed > 0 ? static_cast<double>(tokens_) / elapsed : 0));
}

void Progress::clear() {
  if (on_screen_) write_to_terminal("\r\x1b[K");
  on_screen_ = false;
}

}  // namespace continuo
