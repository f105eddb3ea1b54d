#include "sampling/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "sampling/stages.h"

namespace continuo {

namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kBelow1 = 0x1.fffffep-1f;

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
    {"dry_multiplier", &SamplingOptions::dry_multiplier, 0, kLargest, true, "a number >= 0"},
    {"dry_base", &SamplingOptions::dry_base, 1, kLargest, true, "a number >= 1"},
    {"top_n_sigma", &SamplingOptions::top_n_sigma, -1, kLargest, true, "a number above 0, or 0 or -1 (off)"},
    {"dynatemp_range", &SamplingOptions::dynatemp_range, 0, kLargest, true, "a number >= 0"},
    {"dynatemp_exponent", &SamplingOptions::dynatemp_exponent, 0, kLargest, true, "a number >= 0"},
    {"top_h", &SamplingOptions::top_h, 0, 1, true, "a number between 0 and 1"},
    {"epsilon_cutoff", &SamplingOptions::epsilon_cutoff, 0, kBelow1, true, "a number from 0 to below 1"},
    {"eta_cutoff", &SamplingOptions::eta_cutoff, 0, kBelow1, true, "a number from 0 to below 1"},
    {"xtc_probability", &SamplingOptions::xtc_probability, 0, 1, true, "a number between 0 and 1"},
    {"xtc_threshold", &SamplingOptions::xtc_threshold, 0, 1, true, "a number between 0 and 1"},
    {"mirostat_tau", &SamplingOptions::mirostat_tau, 0, kLargest, true, "a number >= 0"},
    {"mirostat_eta", &SamplingOptions::mirostat_eta, 0, kLargest, true, "a number >= 0"},
    {"adaptive_target", &SamplingOptions::adaptive_target, -1, 1, true, "a number between 0 and 1, or -1 (off)"},
    {"adaptive_decay", &SamplingOptions::adaptive_decay, 0, 0.99f, true, "a number between 0 and 0.99"},
};

struct WholeRange {
  std::string_view field;
  int SamplingOptions::*member;
  int smallest, largest;
  std::string_view expected;
};

constexpr int kMost = std::numeric_limits<int>::max();
constexpr WholeRange kWholeRanges[] = {
    {"top_k", &SamplingOptions::top_k, 0, kMost, "0 (off) or a positive number"},
    {"repeat_last_n", &SamplingOptions::repeat_last_n, -1, kMost, "a whole number >= 0, or -1 (all tokens)"},
    {"no_repeat_ngram", &SamplingOptions::no_repeat_ngram, 0, kMost, "0 (off) or a positive number"},
    {"dry_allowed_length", &SamplingOptions::dry_allowed_length, 0, kMost, "a whole number >= 0"},
    {"dry_penalty_last_n", &SamplingOptions::dry_penalty_last_n, -1, kMost, "a whole number >= 0, or -1 (all tokens)"},
    {"min_tokens", &SamplingOptions::min_tokens, 0, kMost, "a whole number >= 0"},
    {"mirostat", &SamplingOptions::mirostat, 0, 2, "0 (off), 1 or 2"},
};

}  // namespace

std::vector<LogitBias> merged(std::vector<LogitBias> biases) {
  std::stable_sort(biases.begin(), biases.end(),
                   [](const LogitBias& a, const LogitBias& b) { return a.token < b.token; });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < biases.size();) {
    const TokenId token = biases[i].token;
    double sum = 0;
    for (; i < biases.size() && biases[i].token == token; ++i) sum += biases[i].bias;
    const double bounded = std::clamp<double>(sum, -kLargest, kLargest);
    biases[kept++] = {token, static_cast<float>(bounded)};
  }
  biases.resize(kept);
  return biases;
}

Result<void> validate(const SamplingOptions& options) {
  for (const Range& range : kRanges) {
    const float value = options.*range.member;
    const bool fits =
        value <= range.largest && (value > range.smallest || (range.smallest_allowed && value == range.smallest));
    if (!fits) return field_error(range.field, fmt::format("is {}, expected {}", value, range.expected));
  }
  for (const WholeRange& range : kWholeRanges) {
    const int value = options.*range.member;
    if (value < range.smallest || value > range.largest)
      return field_error(range.field, fmt::format("is {}, expected {}", value, range.expected));
  }
  if (options.length_penalty_start < 0 || !(options.length_penalty_factor > 0) ||
      !(options.length_penalty_factor <= kLargest)) {
    return field_error("exponential_decay_length_penalty",
                       fmt::format("is {}:{}, expected a start >= 0 and a factor above 0", options.length_penalty_start,
                                   options.length_penalty_factor));
  }
  CONTINUO_TRY_VOID(validate_samplers(options));
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
      return field_error("logit_bias", fmt::format("names token {}, which is outside the vocabulary, expected 0 to {}",
                                                   entry.token, vocab_size - 1));
    }
  }
  return {};
}

}  // namespace continuo
