// How a folder of a sentence embedder wants its hidden states pooled: sentence-transformers' modules.json and
// 1_Pooling/config.json.
#pragma once

#include <optional>

#include "base/error.h"
#include "generate/pooling.h"
#include "io/model_files.h"

namespace continuo {

struct EmbeddingSettings {
  std::optional<Pooling> pooling;  // nothing: the folder does not say
  bool normalize = false;
};

// An error if what is there cannot be read or is not supported.
Result<EmbeddingSettings> embedding_settings(const ModelFiles& files);

}  // namespace continuo
