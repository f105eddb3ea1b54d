#include "grammar/json_values.h"

#include <algorithm>
#include <map>
#include <string>

#include "grammar/json_numbers.h"

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
    syntax_.set_rule(*any_, syntax_.alt({object(), array(), string(0, kUnbounded), JsonNumbers(syntax_).between({}, {}),
                                         boolean(), null()}));
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

NodeId JsonValues::string(std::uint32_t least, std::uint32_t most) {
  const NodeId quote = syntax_.byte('"');
  if (least == 0 && most == kUnbounded) {
    if (!string_) {
      string_ = syntax_.new_rule("string");
      syntax_.set_rule(*string_, syntax_.seq({quote, syntax_.repeat(syntax_.json_char(), 0, kUnbounded), quote}));
    }
    return syntax_.rule(*string_);
  }
  return syntax_.seq({quote, syntax_.repeat(syntax_.json_char(), least, most), quote});
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
    ObjectSyntax object{.members = {}, .others = {}, .open = open('{'), .comma = comma(), .close = close('}')};
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
  return syntax.plain(syntax.alt(choices));  // what goes on is another name
}

}  // namespace

// Each character in one spelling alone: else a key could be written in a way that hides it.
NodeId JsonValues::other_name(const std::vector<std::string>& names) {
  KeyTrie trie;
  for (const std::string& name : names) {
    KeyTrie* at = &trie;
    for (const std::uint32_t c : chars_of(name)) at = &at->children[c];
    at->is_key = true;
  }
  const NodeId anything = syntax_.repeat(syntax_.chars(kAllChars, true), 0, kUnbounded);
  return rest_of_key(syntax_, trie, anything);
}

}  // namespace continuo
