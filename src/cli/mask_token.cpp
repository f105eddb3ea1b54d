#include "cli/mask_token.h"

namespace continuo {

std::optional<TokenId> named_mask(const Tokenizer* tokenizer) {
  if (!tokenizer) return std::nullopt;
  for (const char* name : {"[MASK]", "<mask>"}) {
    const std::optional<TokenId> id = tokenizer->find(name);
    if (id && tokenizer->is_special(*id)) return id;
  }
  return std::nullopt;
}

}  // namespace continuo
