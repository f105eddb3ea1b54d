// Tokens beside the model's vocabulary, found in the text before the model sees it: special tokens and
// additions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "base/types.h"
#include "text/normalizer.h"
#include "text/plain_text.h"
#include "text/vocabulary.h"

namespace continuo {

struct AddedToken {
  TokenId id = -1;
  std::string content;
  std::string normalized_content;       // what is looked for when `normalized`
  bool single_word = false;             // only between characters that are not of a word
  bool lstrip = false, rstrip = false;  // takes the white space before, after it
  bool normalized = false;              // found in the normalized text
  bool special = false;
};

// Whether a token is none where a text is plain.
bool is_forbidden(const AddedToken& token, const PlainText& plain);

// A part of a text: an added token, or, without one, text for the model.
struct TextPart {
  std::string_view text;
  const AddedToken* token = nullptr;
};

class AddedTokens {
 public:
  AddedTokens() = default;
  AddedTokens(AddedTokens&&) noexcept = default;
  AddedTokens& operator=(AddedTokens&&) noexcept = default;
  // null is no tokens at all. Ids are checked against `vocabulary`.
  static Result<AddedTokens> parse(const Json& json, const Vocabulary& vocabulary, const Normalizer& normalizer,
                                   const std::string& file);
  // Tokens from elsewhere than a tokenizer.json; normalized_content is filled in.
  static Result<AddedTokens> create(std::vector<AddedToken> tokens, const Vocabulary& vocabulary,
                                    const Normalizer& normalizer, const std::string& file);

  // The parts of a text that is not normalized yet, and of one that is; none is empty. Of the tokens that
  // could begin at a byte the longest counts. Special tokens, and control
  // tokens, that reach into `plain` are none.
  std::vector<TextPart> split(std::string_view text, const PlainText& plain = {}) const {
    return find_tokens(text, raw_, plain);
  }
  std::vector<TextPart> split_normalized(std::string_view text, const PlainText& plain = {}) const {
    return find_tokens(text, normalized_, plain);
  }
  // Whether what `plain` forbids is looked for in normalized text.
  bool has_normalized(const PlainText& plain) const;

  const AddedToken* find(TokenId id) const;
  const AddedToken* find(std::string_view content) const;
  std::size_t id_count() const;  // 1 + the largest id; 0 if there is none

 private:
  // What is looked for, sorted, and the bytes that any of it begins with.
  struct Finder {
    struct Item {
      std::string_view text;
      const AddedToken* token;
    };
    std::vector<Item> items;
    std::array<bool, 256> begins{};
    const Item* longest_at(std::string_view text, std::size_t at) const;
  };
  Result<void> add(const Json& json, const Vocabulary& vocabulary, const Normalizer& normalizer,
                   const std::string& file);
  Result<void> add(AddedToken token, const Vocabulary& vocabulary, const Normalizer& normalizer,
                   const std::string& file);
  Result<void> index(const Vocabulary& vocabulary, const std::string& file);
  std::vector<TextPart> find_tokens(std::string_view text, const Finder& finder, const PlainText& plain) const;

  std::vector<AddedToken> tokens_;  // by id; not touched once the finders point into it
  Finder raw_, normalized_;
};

}  // namespace continuo
