#include "cli/load.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/printable.h"
#include "model/exit_rule.h"

namespace continuo {

Result<void> set_loops(const Options& options, ModelSpec& spec) {
  if (options.loops == 0) return {};
  CONTINUO_TRY_VOID(check_loops(spec, options.loops, {}));
  spec.loop->loops = options.loops;
  return {};
}

Result<LoadedModel> load(const Options& options, TokenizerUse use, const ChosenSampling& chosen) {
  CONTINUO_TRY(LoadedModel model, load(options.model, use, chosen, options.chat.template_file));
  CONTINUO_TRY_VOID(set_loops(options, model.network.spec));
  return model;
}

namespace {

// The first id that is not the same token in both.
std::optional<TokenId> first_difference(const Tokenizer& a, const Tokenizer& b, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const auto id = static_cast<TokenId>(i);
    if (a.piece(id) != b.piece(id)) return id;
  }
  return std::nullopt;
}

Error other_vocabulary(const LoadedModel& model, const LoadedModel& draft, const std::string& how) {
  return usage_error(fmt::format("--draft-model: {} has another vocabulary than {}: {}", printable(draft.name),
                                 printable(model.name), how),
                     "a model drafts for one whose tokens are the same");
}

}  // namespace

Result<std::optional<LoadedModel>> load_draft_model(const Options& options, const LoadedModel& model) {
  if (options.draft_model.empty()) return std::optional<LoadedModel>{};
  CONTINUO_TRY(LoadedModel draft,
               load(options.draft_model, model.text() ? TokenizerUse::required : TokenizerUse::none));
  const int n_draft = draft.network.spec.vocab_size, n = model.network.spec.vocab_size;
  if (sees_both_sides(draft.network.spec)) {
    return usage_error(
        fmt::format("--draft-model: {} sees the words on both sides of each, and cannot draft", printable(draft.name)));
  }
  if (!model.text()) {
    if (n_draft != n) return other_vocabulary(model, draft, fmt::format("{} tokens in place of {}", n_draft, n));
    return std::optional(std::move(draft));
  }
  // Models may have rows for ids that no token has.
  const std::size_t used = std::max(model.text()->vocab_size(), draft.text()->vocab_size());
  if (const auto id = first_difference(*model.text(), *draft.text(), used)) {
    return other_vocabulary(
        model, draft,
        fmt::format("token {} is \"{}\" in place of \"{}\"", *id, printable(std::string(draft.text()->piece(*id))),
                    printable(std::string(model.text()->piece(*id)))));
  }
  return std::optional(std::move(draft));
}

}  // namespace continuo
