#include "text/bert_normalizer.h"

#include "base/json.h"
#include "text/bert_chars.h"
#include "text/unicode_normalization.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// `text` with each character as `change(character, its bytes, out)` writes it.
template <class Change>
std::string rewrite(std::string_view text, Change change) {
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    change(c, text.substr(at, c.size), out);
    at += c.size;
  }
  return out;
}

void clean(const Utf8Char& c, std::string_view bytes, std::string& out) {
  if (!c.valid || is_bert_control(c.code)) return;
  if (is_white_space(c.code)) {
    out += ' ';
  } else {
    out += bytes;
  }
}

void isolate_ideograph(const Utf8Char& c, std::string_view bytes, std::string& out) {
  const bool ideograph = c.valid && is_bert_ideograph(c.code);
  if (ideograph) out += ' ';
  out += bytes;
  if (ideograph) out += ' ';
}

void drop_accent(const Utf8Char& c, std::string_view bytes, std::string& out) {
  if (!c.valid || !is_bert_accent(c.code)) out += bytes;
}

}  // namespace

Result<BertNormalizer> BertNormalizer::parse(const Part& part) {
  CONTINUO_TRY_VOID(part.only({"clean_text", "handle_chinese_chars", "strip_accents", "lowercase"}));
  BertNormalizer normalizer;
  CONTINUO_TRY(normalizer.clean_text, part.flag("clean_text"));
  CONTINUO_TRY(normalizer.handle_chinese_chars, part.flag("handle_chinese_chars"));
  CONTINUO_TRY(normalizer.lowercase, part.flag("lowercase"));
  normalizer.strip_accents = normalizer.lowercase;
  if (!part.json().value("strip_accents", Json()).is_null()) {
    CONTINUO_TRY(normalizer.strip_accents, part.flag("strip_accents"));
  }
  return normalizer;
}

std::string BertNormalizer::apply(std::string text) const {
  if (clean_text) text = rewrite(text, clean);
  if (handle_chinese_chars) text = rewrite(text, isolate_ideograph);
  if (strip_accents) text = rewrite(normalize_unicode(std::move(text), UnicodeForm{}), drop_accent);
  if (lowercase) text = continuo::lowercase(text);
  return text;
}

}  // namespace continuo
