#include "requests/masked_part.h"

#include <algorithm>
#include <numeric>

#include "loading/model_source.h"
#include "requests/special_tokens.h"

namespace continuo {

Result<MaskedPart> masked_part(const Tokenizer& tokenizer, const Model& model, const std::string& prompt,
                               const std::string& text) {
  MaskedPart part{.bytes = text.size()};
  CONTINUO_TRY(part.ids, encode_prompt(tokenizer, model, prompt + text));
  const std::size_t behind = special_after(tokenizer);
  std::size_t first = tokenizer.special_before();
  if (!prompt.empty()) {
    CONTINUO_TRY(const std::vector<TokenId> before, encode_prompt(tokenizer, model, prompt));
    const auto end = before.end() - static_cast<std::ptrdiff_t>(std::min(behind, before.size()));
    const auto differ = std::mismatch(before.begin(), end, part.ids.begin(), part.ids.end());
    first = std::max(first, static_cast<std::size_t>(differ.first - before.begin()));
  }
  const std::size_t end = part.ids.size() - std::min(behind, part.ids.size());
  if (first >= end) return usage_error("there is nothing to score: the text has no tokens");
  part.positions.resize(end - first);
  std::iota(part.positions.begin(), part.positions.end(), first);
  return part;
}

}  // namespace continuo
