// The pre-tokenizers that GGUF files name in tokenizer.ggml.pre.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json.h"

namespace continuo {

struct GgufPreTokenizer {
  Json normalizer;     // as in a tokenizer.json
  Json pre_tokenizer;  // as in a tokenizer.json
  bool ignore_merges = false;
  bool add_bos = false;  // where the file does not say
};

// An error that names it if there is none of that name.
Result<GgufPreTokenizer> gguf_pre_tokenizer(const std::string& name, const std::string& file);

}  // namespace continuo
