// SentencePiece's precompiled character map: strings and what they become, such as NFKC and more.
// Format: the size of a double-array trie in bytes (32-bit, little-endian), the trie's units (32-bit each),
// then the replacements, each ended by a zero byte; a key's value is where its replacement begins.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/text_work.h"

namespace continuo {

class Charsmap {
 public:
  // `bytes` as a file has them, copied. `part` is named in errors. Empty bytes are a map that changes
  // nothing.
  static Result<Charsmap> parse(std::string_view bytes, const std::string& file, const std::string& part);

  struct Match {
    std::size_t size;  // of the key
    std::string_view replacement;
  };
  // The keys that `text` begins with. They throw TextFault where a key of the map does not end.
  std::optional<Match> shortest_prefix(std::string_view text) const { return find(text, true); }
  std::optional<Match> longest_prefix(std::string_view text) const { return find(text, false); }

  bool empty() const { return units_.empty(); }

  // The text as tokenizer.json's reference maps it: a grapheme cluster of at most 5 bytes becomes the
  // replacement of the shortest key it begins with; of others each character is mapped by itself.
  std::string map_graphemes(std::string_view text, TextWork& work) const;

 private:
  std::optional<Match> find(std::string_view text, bool shortest) const;
  void map_cluster(std::string_view cluster, std::string& out) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

// Base64 (RFC 4648, with padding) to bytes, or nothing.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace continuo
