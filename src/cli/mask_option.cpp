#include "cli/mask_option.h"

#include <fmt/format.h>

#include "loading/mask_token.h"
#include "loading/model_source.h"

namespace continuo {

Result<TokenId> mask_token(const Options& options, const LoadedModel& model) {
  std::optional<TokenId> mask = options.mask_id;
  if (!mask && !model.text() && has_tokenizer(model.files)) {  // a command that needs no tokenizer but for this
    CONTINUO_TRY(const Tokenizer tokenizer, load_tokenizer(model.files));
    CONTINUO_TRY(mask, find_mask_token(model.files, &tokenizer));
  } else if (!mask) {
    CONTINUO_TRY(mask, find_mask_token(model.files, model.text()));
  }
  if (!mask) return usage_error("the model's files name no mask token", "--mask-id gives its id");
  const int vocab_size = model.network.spec.vocab_size;
  if (*mask < vocab_size) return *mask;
  return usage_error(
      fmt::format("the mask token {} is outside the vocabulary, expected 0 to {}", *mask, vocab_size - 1));
}

}  // namespace continuo
