// Pieces back to bytes, one piece at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "text/metaspace.h"
#include "text/part.h"
#include "text/pattern.h"

namespace continuo {

// A decoder, and a Sequence of them, in the one order in which they make sense for text that grows token by
// token: Replace..., Metaspace, ByteFallback, ByteLevel or Fuse, Strip (one character at the beginning of the
// text); or WordPiece alone.
class Decoder {
 public:
  // null joins the pieces with blanks, as the reference does.
  static Result<Decoder> parse(const Json& json, const std::string& file);

  // Appends the bytes of `piece`. `added`: it is an added token, not in the model's alphabet.
  // `at_text_start`: nothing was decoded before; set to false once that is no longer so.
  void append(std::string_view piece, bool added, bool& at_text_start, std::string& out) const;

  bool byte_fallback() const { return byte_fallback_; }

 private:
  enum class Stage { none, replace, metaspace, byte_fallback, fused, strip, word_piece };
  struct Replace {
    Pattern pattern;
    std::string content;
  };
  // "##ing" continues the text; other pieces but the first come after a blank.
  struct WordPiece {
    std::string prefix;
    bool cleanup = true;  // no blank before marks like '.' and in "do n't"
  };
  Result<void> add(const Json& json, const std::string& file);
  Result<void> add_simple(const Part& part);
  Result<void> add_strip(const Part& part);
  Result<void> add_word_piece(const Part& part);
  Result<void> enter(Stage stage, const Part& part);
  std::string text_of(std::string_view piece, bool added, bool at_text_start) const;

  Stage stage_ = Stage::none;
  std::vector<Replace> replacements_;
  std::optional<MetaspaceOptions> metaspace_;
  bool byte_fallback_ = false;
  bool byte_level_ = false;
  std::optional<WordPiece> word_piece_;
  std::string strip_;  // the character that is dropped at the beginning of the text; empty: none
};

}  // namespace continuo
