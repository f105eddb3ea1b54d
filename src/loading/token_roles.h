// Tokens with a role of their own: those of infilling, and the end of a turn.
#pragma once

#include <string_view>
#include <vector>

#include "base/types.h"
#include "text/tokenizer.h"

namespace continuo {

struct Checkpoint;

struct TokenRole {
  std::string_view role;  // "fim_prefix"
  TokenId id;
};

// Where a GGUF file's metadata names them, else by the names that such tokens have in known vocabularies; in the
// table's order, those that there are. `tokenizer` may be null.
std::vector<TokenRole> token_roles(const Checkpoint& checkpoint, const Tokenizer* tokenizer, int vocab_size);

}  // namespace continuo
