// What of a text an encoder scores: tokens that are masked, one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace continuo {

struct MaskedPart {
  std::vector<TokenId> ids;            // what the tokenizer puts around a text included
  std::vector<std::size_t> positions;  // of the tokens that are scored
  std::size_t bytes = 0;               // of the text that is scored
};

// `text` behind `prompt`, which may be empty: scored are the tokens from the first one on that the prompt alone does not
// have, but for what the tokenizer puts around a text. An error if there are none.
Result<MaskedPart> masked_part(const Tokenizer& tokenizer, const Model& model, const std::string& prompt,
                               const std::string& text);

}  // namespace continuo
