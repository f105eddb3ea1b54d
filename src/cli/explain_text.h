// The text that `continuo explain` looks into, and the part of it that is drawn.
#pragma once

#include <string>

#include "cli/options.h"
#include "explain/explain.h"
#include "loading/loaded_model.h"

namespace continuo {

// Tokens of a text as typed, which with --ids are ids, or of the messages that are typed in its place; at least one, at most as many as the model's context holds.
Result<std::vector<TokenId>> explain_ids(const Options& options, const LoadedModel& loaded, const std::string& text);

// Sets the question's window: --from and --to, or where the text is too long for one picture, its end. Networks that see
// both sides are drawn whole.
Result<void> choose_window(const Options& options, const Model& model, explain::Question& question);

// --layer and --head are the model's.
Result<void> check_head(const Options& options, const ModelSpec& spec);

}  // namespace continuo
