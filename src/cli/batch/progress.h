// How far a run is, on stderr: a line that changes on a terminal, otherwise one line in thirty seconds with
// -v.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace continuo {

class Progress {
 public:
  enum class Show { never, terminal, log };

  // `total`: requests of the run, where that is known; `done` of them were answered before it began.
  Progress(Show show, std::optional<std::uint64_t> total, std::uint64_t done);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void count_answer() { ++done_; }
  void count_token() { ++tokens_; }
  // Shows it, if it is time to.
  void show();
  // Takes the changing line away.
  void clear();
  // On a terminal, one line at the end: answers, `errors` among them, tokens and time.
  void sum_up(std::uint64_t errors) const;

  std::uint64_t done() const { return done_; }
  std::uint64_t tokens() const { return tokens_; }
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;
  std::string line() const;

  Show show_;
  std::optional<std::uint64_t> total_;
  std::uint64_t before_, done_, tokens_ = 0;
  Clock::time_point start_, shown_;
  bool on_screen_ = false;
};

}  // namespace continuo
