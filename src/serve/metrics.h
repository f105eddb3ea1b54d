// What the server counts, in the text format of Prometheus.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace continuo {

// Seconds, in buckets whose bounds double.
class SecondsHistogram {
 public:
  void add(double seconds);
  // The lines of a histogram named `name`.
  std::string lines(const std::string& name, const std::string& help) const;
  std::uint64_t count() const { return count_; }
  double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

 private:
  static constexpr std::size_t kBuckets = 16;
  static constexpr double kFirst = 0.005;
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
};

struct Metrics {
  std::map<int, std::uint64_t> answers;  // by status
  std::uint64_t cancelled = 0;           // requests whose client went away
  std::uint64_t prompt_tokens = 0, generated_tokens = 0;
  std::uint64_t computed_tokens = 0, shared_tokens = 0, preemptions = 0;  // of the engine
  std::size_t running = 0;                                                // requests on their way
  std::size_t sequences = 0;                                              // samples and prompts with the engine
  std::size_t connections = 0;
  SecondsHistogram first_token, whole;

  std::string text() const;
};

}  // namespace continuo
