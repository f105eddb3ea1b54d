// Which model is meant, and its parts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "io/model_files.h"
#include "model/model.h"
#include "text/tokenizer.h"

namespace continuo {

// `typed` is --model's value: a folder or a .gguf file, else the name of a shipped model, else a name in the
// Hugging Face cache (hub_cache.h). A folder without weights of its own stands for the one GGUF model in it.
// Empty: CONTINUO_MODEL's value, else the model inside the binary.
Result<ModelFiles> find_model(const std::string& typed);

Result<Model> load_model(const ModelFiles& files);
Result<Tokenizer> load_tokenizer(const ModelFiles& files);
bool has_tokenizer(const ModelFiles& files);

// An error if the network does not know one of the ids: tokenizer and network then belong to different models.
Result<void> check_vocabulary(const Model& model, const std::vector<TokenId>& ids);
// The ids of a prompt, what the tokenizer adds to one included.
Result<std::vector<TokenId>> encode_prompt(const Tokenizer& tokenizer, const Model& model, std::string_view text);

}  // namespace continuo
