// What takes longer than a second, on a terminal: a line on stderr that says what is going on, and how far it is.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "cli/options.h"

namespace continuo {

// Shows its line from a second after its beginning until its end. Where stderr is no terminal, and with --quiet, it
// does nothing at all. One at a time.
class Waiting {
 public:
  Waiting(const Options& options, std::string what);
  ~Waiting();
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  // How far it is: `done` of `total` units; 0 of 0 is unknown.
  void set(std::uint64_t done, std::uint64_t total) {
    done_ = done;
    total_ = total;
  }
  // Takes the line away for good, before anything else is printed.
  void end();

 private:
  void run();
  std::string line(double seconds) const;

  std::string what_;
  std::atomic<std::uint64_t> done_{0}, total_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;
};

// What f() gives, with a line that says `what` while it takes its time.
template <class F>
auto while_waiting(const Options& options, std::string what, F f) {
  const Waiting waiting(options, std::move(what));
  return f();
}

}  // namespace continuo
