#include "requests/special_tokens.h"

namespace continuo {

std::size_t special_after(const Tokenizer& tokenizer) {
  return tokenizer.encode("", true).size() - tokenizer.encode("", false).size() - tokenizer.special_before();
}

}  // namespace continuo
