// Token ids, one at a time, to text in whole characters: a UTF-8 character that several tokens spell is held
// back until it is complete; bytes that cannot become one turn into U+FFFD, one for each maximal invalid part
// (Unicode 15.0, section 3.9), as reference decoders print it. Where bytes have tokens of their own (byte
// fallback) it is one for each invalid byte, again as the reference; but there the reference also gives up
// the whole characters in the same run of byte tokens, which a stream has already printed by then.
#pragma once

#include <string>

#include "text/tokenizer.h"

namespace continuo {

class StreamDecoder {
 public:
  // `at_text_start`: nothing was decoded before the first id, so a decoder that strips the blank at the
  // beginning of a text (SentencePiece's) strips it. False when the ids continue a prompt.
  StreamDecoder(const Tokenizer& tokenizer, bool at_text_start);

  // The characters that `id` completes; often all of its text, sometimes none. Special tokens give no text.
  std::string push(TokenId id);
  // What is held back at the end of the text, as U+FFFD; empty if nothing is.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool at_text_start_;
  std::string held_;  // the beginning of a character
};

// `bytes` with every maximal invalid part replaced by U+FFFD.
std::string valid_utf8(std::string_view bytes);

}  // namespace continuo
