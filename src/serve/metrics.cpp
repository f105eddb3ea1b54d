#include "serve/metrics.h"

#include <fmt/format.h>

namespace continuo {

void SecondsHistogram::add(double seconds) {
  ++count_;
  sum_ += seconds;
  double bound = kFirst;
  for (std::uint64_t& count : counts_) {
    if (seconds <= bound) ++count;  // buckets are cumulative
    bound *= 2;
  }
}

std::string SecondsHistogram::lines(const std::string& name, const std::string& help) const {
  std::string out = fmt::format("# HELP {0} {1}\n# TYPE {0} histogram\n", name, help);
  double bound = kFirst;
  for (const std::uint64_t count : counts_) {
    out += fmt::format("{}_bucket{{le=\"{:g}\"}} {}\n", name, bound, count);
    bound *= 2;
  }
  return out + fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2:g}\n{0}_count {1}\n", name, count_, sum_);
}

std::string Metrics::text() const {
  std::string out = "# HELP continuo_answers_total Answers, by HTTP status.\n# TYPE continuo_answers_total counter\n";
  for (const auto& [status, count] : answers)
    out += fmt::format("continuo_answers_total{{status=\"{}\"}} {}\n", status, count);
  const auto one = [&](const char* name, const char* type, const char* help, std::uint64_t value) {
    out += fmt::format("# HELP continuo_{0} {1}\n# TYPE continuo_{0} {2}\ncontinuo_{0} {3}\n", name, help, type, value);
  };
  one("cancelled_total", "counter", "Completions whose client went away before their end.", cancelled);
  one("prompt_tokens_total", "counter", "Tokens of prompts that were answered.", prompt_tokens);
  one("generated_tokens_total", "counter", "Tokens that were generated.", generated_tokens);
  one("computed_tokens_total", "counter", "Tokens that went through the network.", computed_tokens);
  one("shared_tokens_total", "counter", "Tokens of prompts that were known from other requests.", shared_tokens);
  one("preemptions_total", "counter", "Times that a sequence gave its memory back.", preemptions);
  one("completions_running", "gauge", "Completions on their way.", running);
  one("sequences", "gauge", "Samples and scored prompts with the engine.", sequences);
  one("connections", "gauge", "Open connections.", connections);
  return out + first_token.lines("continuo_first_token_seconds", "From a request's arrival to its first token.") +
         whole.lines("continuo_completion_seconds", "From a request's arrival to the end of its text.");
}

}  // namespace continuo
