// The token that stands for a masked word.
#pragma once

#include <optional>

#include "base/error.h"
#include "base/types.h"
#include "io/model_files.h"
#include "text/tokenizer.h"

namespace continuo {

// As a folder's tokenizer_config.json or special_tokens_map.json says ("mask_token"), or a GGUF file's
// tokenizer.ggml.mask_token_id; else the special token named [MASK] or <mask>. Nothing where there is none. `tokenizer`
// may be null. An error if what the files say cannot be: no text, or no token of the vocabulary.
Result<std::optional<TokenId>> find_mask_token(const ModelFiles& files, const Tokenizer* tokenizer);

}  // namespace continuo
