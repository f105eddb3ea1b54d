// BERT, for the encoders that are BERT plus what differs.
#pragma once

#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

struct BertDefaults {
  double norm_eps = 1e-12;
  int n_token_types = 2;  // 0: the family has none
};

// Blocks that normalize behind each part, learned positions, attention to both sides; a head of its own before the
// output matrix where the checkpoint was made for masked words (its "architectures").
Result<ModelSpec> bert_spec(const HyperParameters& parameters, const BertDefaults& defaults = {});

// Whether the file's "architectures" name a class that has an output: one that ends in MaskedLM or PreTraining. A file
// that names none has one.
Result<bool> guesses_words(const HyperParameters& parameters);

// Positions that begin behind the number of the padding token, which has a row of its own (RoBERTa).
Result<void> count_from_padding(const HyperParameters& parameters, ModelSpec& spec);

}  // namespace continuo
