// A gap between two texts as token ids, by the model's own tokens for filling in the middle.
#pragma once

#include <string_view>

#include "base/error.h"
#include "loading/chat.h"
#include "model/model.h"

namespace continuo {

// What the model continues is the text of the gap. What `prefix` and `suffix` say is never a special token. An error if
// the model has no such tokens.
Result<TokenPrompt> infill_prompt(const Tokenizer& tokenizer, const Model& model, std::string_view prefix,
                                  std::string_view suffix);

}  // namespace continuo
