#include "grammar/json_values.h"

#include <algorithm>
#include <map>
#include <string>

namespace continuo {

namespace {

const CharSet kAllChars = {{0, 0xd7ff}, {0xe000, kLastChar}};

}  // namespace

NodeId JsonValues::blanks() {
  if (!blanks_) {
    blanks_ = syntax_.new_rule("blanks");
    const NodeId indent = syntax_.repeat(syntax_.bytes(ByteSet().set(' ').set('\t')), 0, 64);
    syntax_.set_rule(*blanks_,
                     syntax_.optional(syntax_.alt({syntax_.byte(' '), syntax_.seq({syntax_.optional(syntax_.byte('\r')),
                                                                                   syntax_.byte('\n'), indent})})));
  }
  return syntax_.rule(*blanks_);
}

NodeId JsonValues::open(char bracket) {
  return syntax_.seq({syntax_.byte(static_cast<unsigned char>(bracket)), blanks()});
}
NodeId JsonValues::close(char bracket) {
  return syntax_.seq({blanks(), syntax_.byte(static_cast<unsigned char>(bracket))});
}
NodeId JsonValues::comma() { return syntax_.seq({blanks(), syntax_.byte(','), blanks()}); }

NodeId JsonValues::any() {
  if (!any_) {
    any_ = syntax_.new_rule("value");
    syntax_.set_rule(*any_, syntax_.alt({object(), array(), string(0, kUnbounded), number({}, {}), boolean(), null()}));
  }
  return syntax_.rule(*any_);
}

NodeId JsonValues::list(NodeId first, NodeId rest) { return syntax_.seq({first, syntax_.repeat(rest, 0, kUnbounded)}); }

NodeId JsonValues::object() {
  if (!object_) {
    object_ = syntax_.new_rule("object");
    const NodeId member = syntax_.seq({string(0, kUnbounded), syntax_.byte(':'), blanks(), any()});
    const NodeId members = list(member, syntax_.seq({comma(), member}));
    syntax_.set_rule(*object_, syntax_.seq({open('{'), syntax_.optional(members), close('}')}));
  }
  return syntax_.rule(*object_);
}

NodeId JsonValues::array() {
  if (!array_) {
    array_ = syntax_.new_rule("array");
    const NodeId elements = list(any(), syntax_.seq({comma(), any()}));
    syntax_.set_rule(*array_, syntax_.seq({open('['), syntax_.optional(elements), close(']')}));
  }
  return syntax_.rule(*array_);
}

// Escapes of every kind; \u escapes of surrogates in pairs alone.
NodeId JsonValues::string(std::uint32_t least, std::uint32_t most) {
  const auto any_spelling = [&] {
    const auto set = [&](std::string_view bytes) {
      ByteSet all;
      for (const char c : bytes) all.set(static_cast<unsigned char>(c));
      return syntax_.bytes(all);
    };
    const NodeId hex = set("0123456789abcdefABCDEF"), u = syntax_.literal("\\u");
    const NodeId plain = syntax_.chars({{0x20, '!'}, {'#', '['}, {']', 0xd7ff}, {0xe000, kLastChar}}, false);
    const NodeId pair = syntax_.seq({set("dD"), set("89abAB"), hex, hex, u, set("dD"), set("cdefCDEF"), hex, hex});
    const NodeId single = syntax_.alt({syntax_.seq({set("0123456789abcefABCEF"), hex, hex, hex}),
                                       syntax_.seq({set("dD"), set("01234567"), hex, hex})});
    return syntax_.alt(
        {plain, syntax_.seq({syntax_.byte('\\'), set("\"\\/bfnrt")}), syntax_.seq({u, syntax_.alt({single, pair})})});
  };
  const NodeId quote = syntax_.byte('"');
  if (least == 0 && most == kUnbounded) {
    if (!string_) {
      string_ = syntax_.new_rule("string");
      syntax_.set_rule(*string_, syntax_.seq({quote, syntax_.repeat(any_spelling(), 0, kUnbounded), quote}));
    }
    return syntax_.rule(*string_);
  }
  return syntax_.seq({quote, syntax_.repeat(any_spelling(), least, most), quote});
}

// ---- numbers ----

NodeId JsonValues::digit(char first, char last) {
  ByteSet set;
  for (char c = first; c <= last; ++c) set.set(static_cast<unsigned char>(c));
  return syntax_.bytes(set);
}

// Numbers of as many digits as both have, from one to the other.
NodeId JsonValues::digits(std::string_view least, std::string_view most) {
  if (least.empty()) return syntax_.empty();
  const std::size_t rest = least.size() - 1;
  const auto count = static_cast<std::uint32_t>(rest);
  if (least[0] == most[0]) return syntax_.seq({digit(least[0], least[0]), digits(least.substr(1), most.substr(1))});
  std::vector<NodeId> choices;
  const std::string zeros(rest, '0'), nines(rest, '9');
  char first = least[0], last = most[0];
  if (least.substr(1) != zeros) {
    choices.push_back(syntax_.seq({digit(first, first), digits(least.substr(1), nines)}));
    ++first;
  }
  if (most.substr(1) != nines) {
    choices.push_back(syntax_.seq({digit(last, last), digits(zeros, most.substr(1))}));
    --last;
  }
  if (first <= last)
    choices.push_back(syntax_.seq({digit(first, last), syntax_.repeat(digit('0', '9'), count, count)}));
  return syntax_.alt(choices);
}

// Whole numbers without a sign.
NodeId JsonValues::magnitude(std::uint64_t least, std::optional<std::uint64_t> most) {
  if (most && *most < least) return syntax_.never();
  std::vector<NodeId> choices;
  const std::string first = std::to_string(least);
  const std::string last = most ? std::to_string(*most) : std::string(first.size(), '9');
  for (std::size_t size = first.size(); size <= last.size(); ++size) {
    const std::string low = size == first.size() ? first : "1" + std::string(size - 1, '0');
    const std::string high = size == last.size() ? last : std::string(size, '9');
    choices.push_back(digits(low, high));
  }
  if (!most) {
    const auto more = static_cast<std::uint32_t>(first.size());
    choices.push_back(syntax_.seq({digit('1', '9'), syntax_.repeat(digit('0', '9'), more, kUnbounded)}));
  }
  return syntax_.alt(choices);
}

namespace {

constexpr std::uint64_t magnitude_of(std::int64_t value) {
  return value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

}  // namespace

NodeId JsonValues::integer(std::optional<std::int64_t> least, std::optional<std::int64_t> most) {
  std::vector<NodeId> choices;
  if (!most || *most >= 0) {
    const std::uint64_t low = least && *least > 0 ? magnitude_of(*least) : 0;
    choices.push_back(magnitude(low, most ? std::optional(magnitude_of(*most)) : std::nullopt));
  }
  if (!least || *least < 0) {
    const std::uint64_t low = most && *most < 0 ? magnitude_of(*most) : 1;
    choices.push_back(
        syntax_.seq({syntax_.byte('-'), magnitude(low, least ? std::optional(magnitude_of(*least)) : std::nullopt)}));
  }
  return syntax_.alt(choices);
}

NodeId JsonValues::fraction() {
  return syntax_.optional(syntax_.seq({syntax_.byte('.'), syntax_.repeat(digit('0', '9'), 1, kUnbounded)}));
}

// Numbers without a sign or an exponent, above and below whole bounds.
NodeId JsonValues::beyond(std::uint64_t least, bool exclusive, std::optional<std::uint64_t> most, bool most_exclusive) {
  std::vector<NodeId> choices;
  const NodeId zeros =
      syntax_.optional(syntax_.seq({syntax_.byte('.'), syntax_.repeat(syntax_.byte('0'), 1, kUnbounded)}));
  std::uint64_t first = least;
  if (exclusive && (!most || least < *most)) {
    const NodeId some = syntax_.seq({syntax_.byte('.'), syntax_.repeat(syntax_.byte('0'), 0, kUnbounded),
                                     digit('1', '9'), syntax_.repeat(digit('0', '9'), 0, kUnbounded)});
    choices.push_back(syntax_.seq({syntax_.literal(std::to_string(least)), some}));
    first = least + 1;
  }
  if (!most) {
    choices.push_back(syntax_.seq({magnitude(first, std::nullopt), fraction()}));
    return syntax_.alt(choices);
  }
  if (*most > 0 && first <= *most - 1) choices.push_back(syntax_.seq({magnitude(first, *most - 1), fraction()}));
  const bool reached = *most >= least && !most_exclusive && !(exclusive && *most == least);
  if (reached) choices.push_back(syntax_.seq({syntax_.literal(std::to_string(*most)), zeros}));
  return syntax_.alt(choices);
}

NodeId JsonValues::number(std::optional<Bound> least, std::optional<Bound> most) {
  if (!least && !most) {
    const NodeId exponent = syntax_.seq({syntax_.bytes(ByteSet().set('e').set('E')),
                                         syntax_.optional(syntax_.bytes(ByteSet().set('+').set('-'))),
                                         syntax_.repeat(digit('0', '9'), 1, kUnbounded)});
    return syntax_.seq(
        {syntax_.optional(syntax_.byte('-')), magnitude(0, std::nullopt), fraction(), syntax_.optional(exponent)});
  }
  std::vector<NodeId> choices;
  if (!most || most->value >= 0) {
    const bool above = least && least->value >= 0;
    choices.push_back(beyond(above ? magnitude_of(least->value) : 0, above && least->exclusive,
                             most ? std::optional(magnitude_of(most->value)) : std::nullopt, most && most->exclusive));
  }
  if (!least || least->value < 0) {
    const bool below = most && most->value <= 0;
    choices.push_back(
        syntax_.seq({syntax_.byte('-'), beyond(below ? magnitude_of(most->value) : 0, below ? most->exclusive : true,
                                               least ? std::optional(magnitude_of(least->value)) : std::nullopt,
                                               least && least->exclusive)}));
  }
  return syntax_.alt(choices);
}

// ---- given values ----

NodeId JsonValues::value(const Json& json) {
  if (json.is_array()) {
    std::vector<NodeId> parts = {open('[')};
    for (std::size_t i = 0; i < json.size(); ++i) {
      if (i > 0) parts.push_back(comma());
      parts.push_back(value(json[i]));
    }
    parts.push_back(close(']'));
    return syntax_.seq(parts);
  }
  if (json.is_object()) {
    ObjectSyntax object{
        .members = {}, .other = syntax_.never(), .open = open('{'), .comma = comma(), .close = close('}')};
    for (const auto& [name, member] : json.items())
      object.members.push_back({syntax_.seq({key(name), value(member)}), true});
    return syntax_.object(std::move(object));
  }
  return syntax_.literal(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

NodeId JsonValues::key(std::string_view name) {
  const std::string spelled = Json(name).dump(-1, ' ', false, Json::error_handler_t::replace);
  return syntax_.seq({syntax_.literal(spelled), syntax_.byte(':'), blanks()});
}

namespace {

// A trie of the characters of keys.
struct KeyTrie {
  std::map<std::uint32_t, KeyTrie> children;
  bool is_key = false;
};

std::vector<std::uint32_t> chars_of(std::string_view text) {
  std::vector<std::uint32_t> chars;
  for (std::size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t c = size == 1 ? lead : lead & (0xffu >> (size + 1));
    for (std::size_t i = 1; i < size && at + i < text.size(); ++i)
      c = c << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3f);
    chars.push_back(c);
    at += size;
  }
  return chars;
}

// What may stand from here on to the closing quote, so that the whole is no key.
NodeId rest_of_key(Syntax& syntax, const KeyTrie& trie, NodeId anything) {
  std::vector<NodeId> choices;
  CharSet leaving;
  for (const auto& [c, child] : trie.children) {
    leaving.push_back({c, c});
    choices.push_back(syntax.seq({syntax.chars({{c, c}}, true), rest_of_key(syntax, child, anything)}));
  }
  choices.push_back(syntax.seq({syntax.chars(complement(normalized(std::move(leaving))), true), anything}));
  if (!trie.is_key) choices.push_back(syntax.empty());
  return syntax.alt(choices);
}

}  // namespace

// Each character in one spelling alone: else a key could be written in a way that hides it.
NodeId JsonValues::other_key(const std::vector<std::string>& names) {
  KeyTrie trie;
  for (const std::string& name : names) {
    KeyTrie* at = &trie;
    for (const std::uint32_t c : chars_of(name)) at = &at->children[c];
    at->is_key = true;
  }
  const NodeId quote = syntax_.byte('"');
  const NodeId anything = syntax_.repeat(syntax_.chars(kAllChars, true), 0, kUnbounded);
  return syntax_.seq({quote, rest_of_key(syntax_, trie, anything), quote, syntax_.byte(':'), blanks()});
}

}  // namespace continuo
