// A tokenizer from the files that lie beside a model.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer.h"

namespace continuo {

struct TokenizerFile {
  std::string_view bytes;
  std::shared_ptr<const void> owner;  // keeps the bytes where they are
  std::string path;                   // for messages
};

// The file of a name; nothing if there is none.
using FindFile = std::function<Result<std::optional<TokenizerFile>>(std::string_view name)>;

// The names of files any of which can hold a whole vocabulary, the first that is there is used:
// tokenizer.json; tokenizer.model (SentencePiece); vocab.json, with merges.txt; vocab.txt (BERT);
// rwkv_vocab_v20230424.txt. Beside the middle three, tokenizer_config.json, special_tokens_map.json and
// added_tokens.json say the rest.
std::span<const std::string_view> vocabulary_file_names();

Result<Tokenizer> load_tokenizer(const FindFile& find);

}  // namespace continuo
