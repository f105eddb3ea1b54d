// The token that hides others from an encoder.
#pragma once

#include <optional>

#include "text/tokenizer.h"

namespace continuo {

// The special token that the tokenizer calls a mask; nothing where there is none, or no tokenizer.
std::optional<TokenId> named_mask(const Tokenizer* tokenizer);

}  // namespace continuo
