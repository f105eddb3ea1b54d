// The vocabulary's tokens by their bytes: what begins alike is walked once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "text/tokenizer.h"

namespace continuo {

using TokenBits = std::vector<std::uint64_t>;  // a bit a token id

// The tree of some tokens. The root is node 0, the children of a node stand side by side.
class ByteTrie {
 public:
  struct Node {
    std::uint32_t first_child, first_token, tokens;  // tokens that end here: in ids()
    std::uint16_t children;
    std::uint8_t byte;
    std::uint8_t plain;  // characters of the longest token from here on if all are plain, else kNotPlain
  };
  static constexpr std::uint8_t kNotPlain = 255;

  ByteTrie() = default;
  // `ids` in the order of their bytes; plain[id]: characters, kNotPlain: it is not.
  template <class BytesOf>
  ByteTrie(std::vector<TokenId> ids, const std::vector<std::uint8_t>& plain, BytesOf bytes);

  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<TokenId>& ids() const { return ids_; }

 private:
  std::vector<Node> nodes_;
  std::vector<TokenId> ids_;
};

// Of the tokens, those are plain that are whole characters which stand for themselves in a JSON string. Where any plain
// text may come, only the others have to be walked.
class TokenTrie {
 public:
  static constexpr std::uint32_t kMostPlain = ByteTrie::kNotPlain - 1;  // characters

  explicit TokenTrie(const Tokenizer& tokenizer);
  ~TokenTrie();

  // Without the plain tokens of up to `chars` characters, or some of them: kUnbounded.
  const ByteTrie& beside_plain(std::uint32_t chars) const;
  // Plain tokens of up to `chars` characters, 1 to kMostPlain; 0: of any number.
  const TokenBits& plain(std::uint32_t chars) const { return plain_[plain_of_[chars]]; }
  // None for special tokens.
  std::string_view bytes(TokenId id) const;
  std::size_t vocab_size() const { return starts_.size() - 1; }

  // Masks that grammars have in common (shared_masks.h).
  class SharedMasks& shared() const {
    return *shared_;
  }

 private:
  std::string text_;                   // of all tokens
  std::vector<std::uint32_t> starts_;  // by id
  static constexpr std::array<std::uint32_t, 4> kLevels = {0, 8, 32, UINT32_MAX};
  void sort(std::vector<TokenId>& ids) const;

  std::vector<TokenId> ids_;              // with bytes, in their order
  std::vector<std::uint8_t> characters_;  // of plain tokens
  // Without plain tokens of so many characters; made when they are wanted.
  mutable std::array<ByteTrie, kLevels.size()> tries_;
  mutable std::array<std::once_flag, kLevels.size()> made_;
  std::vector<TokenBits> plain_;
  std::array<std::uint16_t, kMostPlain + 1> plain_of_{};  // by number of characters
  std::unique_ptr<SharedMasks> shared_;
};

}  // namespace continuo
