// The vocabulary's tokens by their bytes, in the order of a walk: what begins alike is walked once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "text/tokenizer.h"

namespace continuo {

class TokenTrie {
 public:
  struct Node {
    std::uint8_t byte;
    std::uint32_t depth;                // from 1
    std::uint32_t after;                // the next node that is not below this one
    std::uint32_t first_token, tokens;  // that end here: in ids()
  };

  explicit TokenTrie(const Tokenizer& tokenizer);

  // Each node before those below it.
  const std::vector<Node>& nodes() const { return nodes_; }
  const std::vector<TokenId>& ids() const { return ids_; }
  // None for special tokens.
  std::string_view bytes(TokenId id) const;
  std::size_t vocab_size() const { return starts_.size() - 1; }
  std::size_t longest() const { return longest_; }

 private:
  std::string text_;                   // of all tokens
  std::vector<std::uint32_t> starts_;  // by id
  std::vector<TokenId> ids_;           // with bytes, in their order
  std::vector<Node> nodes_;
  std::size_t longest_ = 0;
};

}  // namespace continuo
