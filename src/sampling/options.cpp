#include "sampling/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

namespace continuo {

namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

struct Range {
  std::string_view field;
  float SamplingOptions::*member;
  float smallest, largest;
  bool smallest_allowed;
  std::string_view expected;
};

constexpr Range kRanges[] = {
    {"temperature", &SamplingOptions::temperature, 0, kLargest, true, "a number >= 0"},
    {"top_p", &SamplingOptions::top_p, 0, 1, false, "a number above 0 and at most 1"},
    {"min_p", &SamplingOptions::min_p, 0, 1, true, "a number between 0 and 1"},
    {"typical_p", &SamplingOptions::typical_p, 0, 1, false, "a number above 0 and at most 1"},
    {"repeat_penalty", &SamplingOptions::repeat_penalty, 0, kLargest, false, "a number above 0"},
    {"presence_penalty", &SamplingOptions::presence_penalty, -kLargest, kLargest, true, "a finite number"},
    {"frequency_penalty", &SamplingOptions::frequency_penalty, -kLargest, kLargest, true, "a finite number"},
};

}  // namespace

std::vector<LogitBias> merged(std::vector<LogitBias> biases) {
  std::stable_sort(biases.begin(), biases.end(),
                   [](const LogitBias& a, const LogitBias& b) { return a.token < b.token; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < biases.size();) {
    const TokenId token = biases[i].token;
    double sum = 0;
    for (; i < biases.size() && biases[i].token == token; ++i)
      sum += biases[i].bias;
    const double bounded = std::clamp<double>(sum, -kLargest, kLargest);
    biases[kept++] = {token, static_cast<float>(bounded)};
  }
  biases.resize(kept);
  return biases;
}

Result<void> validate(const SamplingOptions& options) {
  for (const Range& range : kRanges) {
    const float value = options.*range.member;
    const bool fits = value <= range.largest &&
                      (value > range.smallest || (range.smallest_allowed && value == range.smallest));
    if (!fits) return field_error(range.field, fmt::format("is {}, expected {}", value, range.expected));
  }
  if (options.top_k < 0) {
    return field_error("top_k", fmt::format("is {}, expected 0 (off) or a positive number", options.top_k));
  }
  for (const LogitBias& entry : options.logit_bias) {
    if (!std::isfinite(entry.bias)) {
      return field_error("logit_bias",
                         fmt::format("of token {} is {}, expected a finite number", entry.token, entry.bias));
    }
  }
  return {};
}

Result<void> validate(const SamplingOptions& options, std::size_t vocab_size) {
  CONTINUO_TRY_VOID(validate(options));
  for (const LogitBias& entry : options.logit_bias) {
    if (entry.token < 0 || static_cast<std::size_t>(entry.token) >= vocab_size) {
      return field_error("logit_bias",
                         fmt::format("names token {}, which is outside the vocabulary, expected 0 to {}",
                                     entry.token, vocab_size - 1));
    }
  }
  return {};
}

}  // namespace continuo
