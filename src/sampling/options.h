// How a token is chosen from logits. Defaults leave the model's own distribution as it is.
#pragma once

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace continuo {

struct LogitBias {
  TokenId token = 0;
  float bias = 0;  // added to the token's logit
};

struct SamplingOptions {
  float temperature = 1.0f;  // >= 0; 0 = greedy: the largest logit, the lowest id among equals
  int top_k = 0;             // 0 = off; else keep the k most likely (Fan et al. 2018, arXiv:1805.04833)
  float top_p = 1.0f;        // (0, 1]; 1 = off: nucleus (Holtzman et al. 2019, arXiv:1904.09751)
  float min_p = 0.0f;        // [0, 1]; 0 = off: p >= min_p * largest p (Nguyen et al. 2024, arXiv:2407.01082)
  float typical_p = 1.0f;    // (0, 1]; 1 = off: locally typical (Meister et al. 2022, arXiv:2202.00666)
  float repeat_penalty = 1.0f;    // > 0; 1 = off (Keskar et al. 2019, arXiv:1909.05858)
  float presence_penalty = 0.0f;  // as the OpenAI API defines them
  float frequency_penalty = 0.0f;
  std::vector<LogitBias> logit_bias;  // several for one token add up
  std::uint64_t seed = 0;
};

// One entry for each token, in order of ids; a sum beyond float's range is the end of that range.
std::vector<LogitBias> merged(std::vector<LogitBias> biases);

// Every option in its range; the error names the field.
Result<void> validate(const SamplingOptions& options);
// The same, and every biased id inside the vocabulary.
Result<void> validate(const SamplingOptions& options, std::size_t vocab_size);

}  // namespace continuo
