// A model as commands use it: found, loaded, with its tokenizer and its settings.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "io/model_files.h"
#include "loading/chat.h"
#include "loading/generation_config.h"
#include "model/model.h"
#include "sampling/options.h"
#include "text/tokenizer.h"

namespace continuo {

struct LoadedModel {
  std::string name;  // as answers say it
  ModelFiles files;
  Model network;
  std::optional<Tokenizer> tokenizer;
  SamplingOptions sampling;  // what generation_config.json says, else the defaults
  std::shared_ptr<const ChatSource> chat;

  // Null where there is none: ids alone.
  const Tokenizer* text() const { return tokenizer ? &*tokenizer : nullptr; }
};

// for_drawing: where there is one, and the model's generation_config.json asks for what needs it (DRY).
enum class TokenizerUse : std::uint8_t { none, for_drawing, if_there, required };

// `typed`: as find_model() takes it. `chosen`: what need not be right in generation_config.json. `chat_template`: the file
// of a chat template in place of the model's own, or empty. Where a model asks for DRY and has no tokenizer to find its
// breakers with, a warning says that it is left out.
Result<LoadedModel> load(const std::string& typed, TokenizerUse use, const ChosenSampling& chosen = {},
                         const std::string& chat_template = {});

// Messages that check_messages() let through, as a prompt.
Result<TokenPrompt> chat_prompt(const LoadedModel& model, const Json& messages, const Json& template_values);

}  // namespace continuo
