// A text that knows of each of its bytes where it comes from: from the template, or from a message. Every operation
// carries that along, so that it is still known of the rendered text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace continuo::jinja {

// One a byte. What is not of the template is never read as a special token.
enum Origin : char {
  from_template = 0,
  from_message = 1,
  from_last_message = 2,  // the text that an answer may go on behind
};

// A part of a text, or all of it.
struct TextView {
  std::string_view bytes;
  std::string_view origins;  // as long as `bytes`, or empty: all of it is the template's

  TextView() = default;
  TextView(std::string_view template_bytes) : bytes(template_bytes) {}
  TextView(const char* template_bytes) : bytes(template_bytes) {}
  TextView(const std::string& template_bytes) : bytes(template_bytes) {}
  TextView(std::string_view all_bytes, std::string_view their_origins) : bytes(all_bytes), origins(their_origins) {}

  std::size_t size() const { return bytes.size(); }
  bool empty() const { return bytes.empty(); }
  TextView substr(std::size_t begin, std::size_t size = std::string_view::npos) const {
    return {bytes.substr(begin, size), origins.empty() ? origins : origins.substr(begin, size)};
  }
};

struct MarkedText {
  std::string bytes;
  std::string origins;  // as TextView's

  MarkedText() = default;
  MarkedText(std::string template_bytes) : bytes(std::move(template_bytes)) {}
  MarkedText(TextView view) : bytes(view.bytes), origins(view.origins) {}
  MarkedText(std::string all_bytes, Origin origin)
      : bytes(std::move(all_bytes)), origins(origin == from_template ? 0 : bytes.size(), origin) {}

  operator TextView() const { return {bytes, origins}; }
  std::size_t size() const { return bytes.size(); }
  void append(TextView more);
};

// ---- characters: a code point, or a maximal part that is no UTF-8 ----

std::size_t count_characters(std::string_view bytes);
// Where each character begins, and the size of all.
std::vector<std::size_t> character_offsets(std::string_view bytes);

// ---- as the methods of Python's str; sets of characters are given as their text, "" is white space ----

TextView strip(TextView text, std::string_view characters, bool left, bool right);
// Replaces at most `most` (all: npos) occurrences of `old`. An empty `old` stands before each character and at the end.
MarkedText replace(TextView text, std::string_view old, TextView replacement, std::size_t most);
// At the occurrences of `separator`, which is not empty; from the right if `from_right`. At most `most` cuts.
std::vector<TextView> split(TextView text, std::string_view separator, std::size_t most, bool from_right);
// At white space, which is dropped.
std::vector<TextView> split_words(TextView text, std::size_t most, bool from_right);
std::vector<TextView> split_lines(TextView text, bool keep_ends);

enum class Case : char { upper, lower, capitalized, title };
MarkedText with_case(TextView text, Case wanted);

bool is_space(char32_t code);

}  // namespace continuo::jinja
