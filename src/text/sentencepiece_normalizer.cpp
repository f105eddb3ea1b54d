#include "text/sentencepiece_normalizer.h"

#include "text/utf8.h"
#include "text/words.h"

namespace continuo {

// What the beginning of `text`, which is taken off, becomes.
std::string_view SentencePieceNormalizer::next(std::string_view& text) const {
  const auto take = [&](std::size_t size) {
    const std::string_view taken = text.substr(0, size);
    text.remove_prefix(size);
    return taken;
  };
  if (const auto symbol = untouched.longest_prefix(text)) return take(symbol->size);
  if (const auto match = map.longest_prefix(text)) {
    take(match->size);
    return match->replacement;
  }
  return take(utf8_at(text, 0).size);
}

std::string SentencePieceNormalizer::apply(std::string_view text, TextWork& work) const {
  const std::string_view blank = escape_whitespaces ? kVisibleBlank : std::string_view(" ");
  if (remove_extra_whitespaces) {
    for (std::string_view rest = text; !rest.empty(); text = rest) {
      if (next(rest) != " ") break;
    }
  }
  std::string out;
  if (text.empty()) return out;
  out.reserve(text.size() + text.size() / 4 + 8);
  if (add_dummy_prefix) out += blank;
  bool after_blank = remove_extra_whitespaces;
  while (!text.empty()) {
    std::string_view part = next(text);
    while (after_blank && part.starts_with(' ')) part.remove_prefix(1);
    for (const char c : part) {
      if (c == ' ') {
        out += blank;
      } else {
        out += c;
      }
    }
    work.check_size(out.size());
    if (!part.empty()) after_blank = remove_extra_whitespaces && part.ends_with(' ');
  }
  while (remove_extra_whitespaces && out.ends_with(blank)) out.resize(out.size() - blank.size());
  return out;
}

}  // namespace continuo
