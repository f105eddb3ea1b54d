#include "chat/jinja/marked_text.h"

#include <utf8proc.h>

#include <algorithm>

#include "text/utf8.h"

namespace continuo::jinja {

void MarkedText::append(TextView more) {
  if (!more.origins.empty() && origins.empty()) origins.assign(bytes.size(), from_template);
  bytes += more.bytes;
  if (!more.origins.empty()) {
    origins += more.origins;
  } else if (!origins.empty()) {
    origins.resize(bytes.size(), from_template);
  }
}

std::size_t count_characters(std::string_view bytes) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < bytes.size(); at += utf8_at(bytes, at).size) ++count;
  return count;
}

std::vector<std::size_t> character_offsets(std::string_view bytes) {
  std::vector<std::size_t> offsets;
  for (std::size_t at = 0; at < bytes.size(); at += utf8_at(bytes, at).size) offsets.push_back(at);
  offsets.push_back(bytes.size());
  return offsets;
}

// Python's str.isspace() also knows the four separators of ASCII.
bool is_space(char32_t code) { return is_white_space(code) || (code >= 0x1c && code <= 0x1f); }

namespace {

bool is_space(const Utf8Char& c) { return c.valid && jinja::is_space(c.code); }

// Whether the character of `text` at `at` is one of `characters`.
bool is_one_of(std::string_view text, std::size_t at, const Utf8Char& c, std::string_view characters) {
  if (characters.empty()) return is_space(c);
  for (std::size_t i = 0; i < characters.size(); i += utf8_at(characters, i).size) {
    if (characters.substr(i, utf8_at(characters, i).size) == text.substr(at, c.size)) return true;
  }
  return false;
}

}  // namespace

TextView strip(TextView text, std::string_view characters, bool left, bool right) {
  std::size_t begin = 0, end = text.size();
  while (left && begin < end) {
    const Utf8Char c = utf8_at(text.bytes, begin);
    if (!is_one_of(text.bytes, begin, c, characters)) break;
    begin += c.size;
  }
  while (right && end > begin) {
    const Utf8Char c = utf8_before(text.bytes, end);
    if (!is_one_of(text.bytes, end - c.size, c, characters)) break;
    end -= c.size;
  }
  return text.substr(begin, end - begin);
}

MarkedText replace(TextView text, std::string_view old, TextView replacement, std::size_t most) {
  MarkedText out;
  std::size_t at = 0;
  if (old.empty()) {
    for (std::size_t done = 0; at < text.size() && done < most; ++done) {
      out.append(replacement);
      const std::size_t size = utf8_at(text.bytes, at).size;
      out.append(text.substr(at, size));
      at += size;
    }
    out.append(text.substr(at));
    if (count_characters(text.bytes) < most) out.append(replacement);
    return out;
  }
  for (std::size_t done = 0; done < most; ++done) {
    const std::size_t found = text.bytes.find(old, at);
    if (found == std::string_view::npos) break;
    out.append(text.substr(at, found - at));
    out.append(replacement);
    at = found + old.size();
  }
  out.append(text.substr(at));
  return out;
}

std::vector<TextView> split(TextView text, std::string_view separator, std::size_t most, bool from_right) {
  std::vector<TextView> parts;
  while (parts.size() < most) {
    const std::size_t found = from_right ? text.bytes.rfind(separator) : text.bytes.find(separator);
    if (found == std::string_view::npos) break;
    const TextView before = text.substr(0, found), behind = text.substr(found + separator.size());
    parts.push_back(from_right ? behind : before);
    text = from_right ? before : behind;
  }
  parts.push_back(text);
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<TextView> split_words(TextView text, std::size_t most, bool from_right) {
  std::vector<TextView> words;
  for (;;) {
    text = strip(text, {}, !from_right, from_right);
    if (text.empty()) break;
    if (words.size() == most) {
      words.push_back(text);
      break;
    }
    std::size_t begin = 0, end = text.size();
    if (from_right) {
      begin = end;
      while (begin > 0 && !is_space(utf8_before(text.bytes, begin))) begin -= utf8_before(text.bytes, begin).size;
    } else {
      end = 0;
      while (end < text.size() && !is_space(utf8_at(text.bytes, end))) end += utf8_at(text.bytes, end).size;
    }
    words.push_back(text.substr(begin, end - begin));
    text = from_right ? text.substr(0, begin) : text.substr(end);
  }
  if (from_right) std::reverse(words.begin(), words.end());
  return words;
}

std::vector<TextView> split_lines(TextView text, bool keep_ends) {
  const auto ends_line = [](char32_t c) {
    return (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
  };
  std::vector<TextView> lines;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text.bytes, at);
    std::size_t next = at + c.size;
    if (!c.valid || !ends_line(c.code)) {
      at = next;
      continue;
    }
    if (text.bytes.substr(at, 2) == "\r\n") next = at + 2;
    lines.push_back(text.substr(begin, (keep_ends ? next : at) - begin));
    begin = at = next;
  }
  if (begin < text.size()) lines.push_back(text.substr(begin));
  return lines;
}

namespace {

// Whether Python takes a letter for one that a word's first letter may be, and whether it has a case.
bool is_cased(char32_t code) {
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL || category == UTF8PROC_CATEGORY_LT;
}

}  // namespace

MarkedText with_case(TextView text, Case wanted) {
  MarkedText out;
  bool first = true;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text.bytes, at);
    const bool upper = wanted == Case::upper || (wanted != Case::lower && first);
    first = wanted == Case::title && !(c.valid && is_cased(c.code));
    std::string changed(text.bytes.substr(at, c.size));
    if (c.valid) {
      const auto code = static_cast<utf8proc_int32_t>(c.code);
      changed.clear();
      append_utf8(changed, static_cast<char32_t>(upper ? utf8proc_toupper(code) : utf8proc_tolower(code)));
    }
    const char origin = text.origins.empty() ? char{from_template} : text.origins[at];
    const std::string origins(changed.size(), origin);
    out.append(text.origins.empty() ? TextView(changed) : TextView(changed, origins));
    at += c.size;
  }
  return out;
}

}  // namespace continuo::jinja
