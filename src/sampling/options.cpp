#include "sampling/options.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string_view>

namespace continuo {

namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

struct Range {
  std::string_view option;
  float SamplingOptions::*member;
  float smallest, largest;
  bool smallest_allowed;
  std::string_view expected;
};

constexpr Range kRanges[] = {
    {"--temperature", &SamplingOptions::temperature, 0, kLargest, true, "a number >= 0"},
    {"--top-p", &SamplingOptions::top_p, 0, 1, false, "a number above 0 and at most 1"},
    {"--min-p", &SamplingOptions::min_p, 0, 1, true, "a number between 0 and 1"},
    {"--typical-p", &SamplingOptions::typical_p, 0, 1, false, "a number above 0 and at most 1"},
    {"--repeat-penalty", &SamplingOptions::repeat_penalty, 0, kLargest, false, "a number above 0"},
    {"--presence-penalty", &SamplingOptions::presence_penalty, -kLargest, kLargest, true, "a finite number"},
    {"--frequency-penalty", &SamplingOptions::frequency_penalty, -kLargest, kLargest, true,
     "a finite number"},
};

}  // namespace

Result<void> validate(const SamplingOptions& options) {
  for (const Range& range : kRanges) {
    const float value = options.*range.member;
    const bool fits = value <= range.largest &&
                      (value > range.smallest || (range.smallest_allowed && value == range.smallest));
    if (!fits) return usage_error(fmt::format("{} is {}, expected {}", range.option, value, range.expected));
  }
  if (options.top_k < 0) {
    return usage_error(fmt::format("--top-k is {}, expected 0 (off) or a positive number", options.top_k));
  }
  for (const LogitBias& entry : options.logit_bias) {
    if (!std::isfinite(entry.bias)) {
      return usage_error(
          fmt::format("--logit-bias of token {} is {}, expected a finite number", entry.token, entry.bias));
    }
  }
  return {};
}

Result<void> validate(const SamplingOptions& options, std::size_t vocab_size) {
  CONTINUO_TRY_VOID(validate(options));
  for (const LogitBias& entry : options.logit_bias) {
    if (entry.token < 0 || static_cast<std::size_t>(entry.token) >= vocab_size) {
      return usage_error(fmt::format("--logit-bias: token {} is outside the vocabulary, expected 0 to {}",
                                     entry.token, vocab_size - 1));
    }
  }
  return {};
}

}  // namespace continuo
