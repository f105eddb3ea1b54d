// What the tests of tokenizers share.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "catch.h"
#include "support.h"
#include "text/tokenizer.h"

namespace continuo::test {

inline const std::vector<std::string> kOwnTokenizers = {"gpt2-like",    "llama2-like", "llama3-like",    "qwen2-like",
                                                        "unigram-like", "bert-like",   "bert-cased-like"};

inline std::filesystem::path own_tokenizer_folder(const std::string& name) {
  return source_folder() / "data" / "tokenizers" / name;
}

inline Tokenizer load_tokenizer(const std::filesystem::path& file) {
  auto tokenizer = Tokenizer::parse(read_file(file), file.string());
  if (!tokenizer) FAIL(tokenizer.error().message());
  return std::move(tokenizer).value();
}

inline Tokenizer own_tokenizer(const std::string& name) {
  return load_tokenizer(own_tokenizer_folder(name) / "tokenizer.json");
}

// A small valid tokenizer.json to break: pieces a b c ab abc, unk, 'x' as an added token.
inline Json small_tokenizer() {
  return Json::parse(R"({
    "version": "1.0", "truncation": null, "padding": null,
    "added_tokens": [{"id": 6, "content": "<x>", "single_word": false, "lstrip": false, "rstrip": false,
                      "normalized": false, "special": true}],
    "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
    "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
              "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
              "vocab": {"<unk>": 0, "a": 1, "b": 2, "c": 3, "ab": 4, "abc": 5},
              "merges": ["a b", "ab c"]}})");
}

inline Tokenizer parse_small(const Json& json) {
  auto tokenizer = Tokenizer::parse(json.dump(), "small.json");
  if (!tokenizer) FAIL(tokenizer.error().message());
  return std::move(tokenizer).value();
}

using Ids = std::vector<TokenId>;

}  // namespace continuo::test
