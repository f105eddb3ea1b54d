// How a model wants texts to become vectors: a folder of sentence-transformers says it in modules.json,
// 1_Pooling/config.json, sentence_bert_config.json and config_sentence_transformers.json, a GGUF file in its pooling_type.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/error.h"
#include "model/pooling.h"
#include "io/model_files.h"

namespace continuo {

struct EmbeddingSettings {
  std::optional<Pooling> pooling;  // nothing: the files do not say
  bool normalize = false;
  std::size_t max_tokens = 0;  // longer texts are cut to so many, special tokens included; 0: never
  std::string prompt;          // stands before each text
};

// An error if what is there cannot be read or is not supported.
Result<EmbeddingSettings> embedding_settings(const ModelFiles& files);
// Of the above what concerns the texts alone: max_tokens and prompt.
Result<EmbeddingSettings> embedding_text_settings(const ModelFiles& files);

}  // namespace continuo
