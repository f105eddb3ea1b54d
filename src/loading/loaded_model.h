// A model as commands use it: found, loaded, with its tokenizer and its settings.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "io/model_files.h"
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

  // Null where there is none: ids alone.
  const Tokenizer* text() const { return tokenizer ? &*tokenizer : nullptr; }
};

enum class TokenizerUse : std::uint8_t { none, if_there, required };

// `typed`: as find_model() takes it. `chosen`: what need not be right in generation_config.json.
Result<LoadedModel> load(const std::string& typed, TokenizerUse use, const ChosenSampling& chosen = {});

}  // namespace continuo
