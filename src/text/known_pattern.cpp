#include "text/known_pattern.h"

#include <array>
#include <utility>

#include "text/char_class.h"

namespace continuo {

namespace {

// The end of the run of characters of a class.
std::size_t skip(std::string_view text, std::size_t at, CharClass kind) {
  for (;;) {
    const ClassifiedChar c = classify(text, at);
    if (c.kind != kind) return at;
    at += c.size;
  }
}

// The end of a run of white space that begins at `at`, as \s+(?!\S)|\s+ matches it: its last character
// belongs to what follows, if anything does and the run has others.
std::size_t end_of_blanks(std::string_view text, std::size_t at, std::size_t last, std::size_t end) {
  const bool at_end = classify(text, end).kind == CharClass::none;
  return at_end || last == at ? end : last;
}

// 's|'t|'re|'ve|'m|'ll|'d after the quote at `at`; 0: none of them.
std::size_t end_of_contraction(std::string_view text, std::size_t at, bool any_case) {
  const auto letter = [&](std::size_t i) {
    const char c = i < text.size() ? text[i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  };
  const char first = letter(at + 1), second = letter(at + 2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
  if ((first == 'r' || first == 'v') && second == 'e') return at + 3;
  if (first == 'l' && second == 'l') return at + 3;
  if (any_case && text.substr(at + 1).starts_with("\xc5\xbf")) return at + 3;  // the long s is an s
  return 0;
}

// The end of the bytes that are not UTF-8 at `at`.
std::size_t end_of_invalid(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const Utf8Char c = utf8_at(text, at);
    if (c.valid) break;
    at += c.size;
  }
  return at;
}

std::size_t end_gpt2(std::string_view text, std::size_t at) {
  if (text[at] == '\'') {
    if (const std::size_t end = end_of_contraction(text, at, false)) return end;
  }
  ClassifiedChar c = classify(text, at);
  if (c.kind == CharClass::none) return end_of_invalid(text, at);
  std::size_t begin = at;
  if (text[at] == ' ') {
    c = classify(text, ++begin);
  }
  if (c.kind == CharClass::letter || c.kind == CharClass::number || c.kind == CharClass::other) {
    return skip(text, begin + c.size, c.kind);
  }
  std::size_t last = at, end = at;  // the last character of the white space, and its end
  for (c = classify(text, at); c.kind == CharClass::space || c.kind == CharClass::newline; c = classify(text, end)) {
    last = end;
    end += c.size;
  }
  return end_of_blanks(text, at, last, end);
}

// \s*[\r\n]+|\s+(?!\S)|\s+
std::size_t end_of_lines(std::string_view text, std::size_t at) {
  std::size_t last = at, end = at, after_newline = at;
  for (ClassifiedChar c = classify(text, at); c.kind == CharClass::space || c.kind == CharClass::newline;
       c = classify(text, end)) {
    last = end;
    end += c.size;
    if (c.kind == CharClass::newline) after_newline = end;
  }
  return after_newline > at ? after_newline : end_of_blanks(text, at, last, end);
}

template <int most_digits>
std::size_t end_llama3(std::string_view text, std::size_t at) {
  if (text[at] == '\'') {
    if (const std::size_t end = end_of_contraction(text, at, true)) return end;
  }
  const ClassifiedChar c = classify(text, at);
  if (c.kind == CharClass::letter) return skip(text, at + c.size, CharClass::letter);
  if (c.kind == CharClass::number) {
    std::size_t end = at + c.size;
    for (int digits = 1; digits < most_digits; ++digits) {
      const ClassifiedChar digit = classify(text, end);
      if (digit.kind != CharClass::number) break;
      end += digit.size;
    }
    return end;
  }
  if (c.kind == CharClass::none) return end_of_invalid(text, at);
  if (c.kind == CharClass::newline) return end_of_lines(text, at);
  const ClassifiedChar next = classify(text, at + c.size);
  if (next.kind == CharClass::letter) return skip(text, at + c.size + next.size, CharClass::letter);
  if (c.kind == CharClass::other || (text[at] == ' ' && next.kind == CharClass::other)) {
    return skip(text, skip(text, at + c.size, CharClass::other), CharClass::newline);
  }
  return end_of_lines(text, at);
}

}  // namespace

std::optional<KnownPattern> KnownPattern::find(std::string_view expression) {
  static constexpr std::array<std::pair<std::string_view, End>, 4> kKnown = {{
      {kGpt2Pattern, end_gpt2},
      {kLlama3Pattern, end_llama3<3>},
      {kQwen2Pattern, end_llama3<1>},
      {kCl100kPattern, end_llama3<3>},
  }};
  for (const auto& [known, end] : kKnown) {
    if (expression == known) return KnownPattern(end);
  }
  return std::nullopt;
}

bool KnownPattern::is_match(std::string_view text, std::size_t at) {
  return classify(text, at).kind != CharClass::none;
}

}  // namespace continuo
