#include "text/stream_decoder.h"

#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace continuo {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// Moves what is whole from `bytes` to `out`; what may still become a character stays, unless nothing follows.
void take_whole(std::string& bytes, bool nothing_follows, bool replace_each_byte, std::string& out) {
  const std::string_view view(bytes);
  std::size_t at = 0;
  while (at < view.size()) {
    const Utf8Char c = utf8_at(view, at);
    if (c.cut_short && !nothing_follows) break;
    if (c.valid) {
      out += view.substr(at, c.size);
    } else {
      for (int i = 0; i < (replace_each_byte ? c.size : 1); ++i) out += kReplacement;
    }
    at += c.size;
  }
  bytes.erase(0, at);
}

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool at_text_start)
    : tokenizer_(&tokenizer), at_text_start_(at_text_start) {}

std::string StreamDecoder::push(TokenId id) {
  const TokenizerParts& impl = *tokenizer_->impl_;
  impl.decode_one(id, true, at_text_start_, held_);
  std::string out;
  take_whole(held_, false, impl.decoder.byte_fallback(), out);
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  take_whole(held_, true, tokenizer_->impl_->decoder.byte_fallback(), out);
  return out;
}

std::string valid_utf8(std::string_view bytes) {
  std::string held(bytes), out;
  take_whole(held, true, false, out);
  return out;
}

}  // namespace continuo
