// How a token is chosen from logits. Defaults leave the model's own distribution as it is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace continuo {

struct LogitBias {
  TokenId token = 0;
  float bias = 0;  // added to the token's logit
};

// Tokens that begin a text which breaks a repetition, in ascending order; `tail`: those that have to follow.
struct SequenceBreaker {
  TokenId head = 0;
  std::vector<TokenId> tail;
};

struct SamplingOptions {
  float temperature = 1.0f;       // >= 0; 0 = greedy: the largest logit, the lowest id among equals
  int top_k = 0;                  // 0 = off; else keep the k most likely (Fan et al. 2018, arXiv:1805.04833)
  float top_p = 1.0f;             // (0, 1]; 1 = off: nucleus (Holtzman et al. 2019, arXiv:1904.09751)
  float min_p = 0.0f;             // [0, 1]; 0 = off: p >= min_p * largest p (Nguyen et al. 2024, arXiv:2407.01082)
  float typical_p = 1.0f;         // (0, 1]; 1 = off: locally typical (Meister et al. 2022, arXiv:2202.00666)
  float repeat_penalty = 1.0f;    // > 0; 1 = off (Keskar et al. 2019, arXiv:1909.05858)
  float presence_penalty = 0.0f;  // as the OpenAI API defines them
  float frequency_penalty = 0.0f;
  std::vector<LogitBias> logit_bias;  // several for one token add up
  std::uint64_t seed = 0;

  int repeat_last_n = -1;       // tokens that the three penalties above look back; -1 = all, 0 = none
  int no_repeat_ngram = 0;      // 0 = off; no n tokens in a row come twice (Paulus et al. 2017, arXiv:1705.04304)
  float dry_multiplier = 0;     // 0 = off; DRY, "don't repeat yourself": multiplier * base^(length - allowed)
  float dry_base = 1.75f;       // >= 1
  int dry_allowed_length = 2;   // repeated tokens before the penalty begins
  int dry_penalty_last_n = -1;  // tokens that it looks back; -1 = all
  std::vector<std::string> dry_sequence_breakers = {"\n", ":", "\"", "*"};  // texts that end a repetition
  std::shared_ptr<const std::vector<SequenceBreaker>> dry_breakers;         // the same as tokens; null: there are none
  int length_penalty_start = 0;      // tokens of the continuation after which its end becomes likelier,
  float length_penalty_factor = 1;   // > 0; 1 = off: by |score| * (factor^(tokens - start) - 1)
  int min_tokens = 0;                // tokens of the continuation before its end may come
  std::vector<TokenId> end_tokens;   // the model's, for the two above
  std::vector<TokenId> stop_tokens;  // others that end the text: min_tokens holds them back as well

  float top_n_sigma = 0;        // <= 0 = off: within n standard deviations of the best score (arXiv:2411.07641)
  float dynatemp_range = 0;     // 0 = off: temperature +- range, by entropy (EDT, arXiv:2403.14541)
  float dynatemp_exponent = 1;  // of the entropy's share of the largest possible
  float top_h = 0;             // [0, 1]; 0 = off: the likeliest that carry this share of the entropy (arXiv:2509.02510)
  float epsilon_cutoff = 0;    // [0, 1); 0 = off: p >= epsilon (Hewitt et al. 2022, arXiv:2210.15191)
  float eta_cutoff = 0;        // [0, 1); 0 = off: p >= min(eta, sqrt(eta) e^-entropy) (the same paper)
  float xtc_probability = 0;   // 0 = off: how often the top choices are excluded
  float xtc_threshold = 0.1f;  // of several tokens at least so likely all but the least likely; above 0.5 = off
  int mirostat = 0;            // 0 = off, 1, 2: surprise near tau (Basu et al. 2021, arXiv:2007.14966)
  float mirostat_tau = 5;      // bits
  float mirostat_eta = 0.1f;   // learning rate
  float adaptive_target = -1;  // below 0 = off: the probability that chosen tokens have on average
  float adaptive_decay = 0.9f;  // [0, 0.99], of the average

  std::vector<std::string> samplers;  // names of stages (stages.h) in their order; empty = all, in the usual order
};

// One entry for each token, in order of ids; a sum beyond float's range is the end of that range.
std::vector<LogitBias> merged(std::vector<LogitBias> biases);

// Every option in its range; the error names the field.
Result<void> validate(const SamplingOptions& options);
// The same, and every id inside the vocabulary.
Result<void> validate(const SamplingOptions& options, std::size_t vocab_size);

}  // namespace continuo
