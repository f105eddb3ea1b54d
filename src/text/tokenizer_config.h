// What lies beside a vocabulary that says nothing of it itself: tokenizer_config.json,
// special_tokens_map.json and added_tokens.json.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/added_tokens.h"
#include "text/tokenizer_files.h"

namespace continuo {

struct TokenizerConfig {
  bool is_there = false;        // tokenizer_config.json
  std::string tokenizer_class;  // without "Fast"; empty: not said
  std::optional<bool> add_bos_token, add_eos_token, add_prefix_space;
  std::optional<bool> do_lower_case, strip_accents, tokenize_chinese_chars;  // BERT's
  std::optional<std::string> bos_token, eos_token, unk_token, cls_token, sep_token, mask_token;
  std::vector<AddedToken> added;           // with ids
  std::vector<AddedToken> special_tokens;  // without: the vocabulary or `added` has them
};

Result<TokenizerConfig> read_tokenizer_config(const FindFile& find);

// The added tokens, and those special tokens that are not among them but have a piece in the vocabulary.
std::vector<AddedToken> all_added_tokens(const TokenizerConfig& config,
                                         const std::function<std::optional<TokenId>(std::string_view)>& id);

}  // namespace continuo
