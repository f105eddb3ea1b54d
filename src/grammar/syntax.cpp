#include "grammar/syntax.h"

#include <fmt/format.h>

#include <algorithm>

namespace continuo {

NodeId Syntax::add(Node node) {
  if (nodes_.size() + lists_.size() >= kMostNodes) {
    full_ = true;
    return 0;
  }
  nodes_.push_back(node);
  return static_cast<NodeId>(nodes_.size() - 1);
}

NodeId Syntax::bytes(const ByteSet& set) {
  const auto [known, is_new] = set_nodes_.try_emplace(set, 0);
  if (!is_new) return known->second;
  sets_.push_back(set);
  return known->second = add({NodeKind::bytes, static_cast<std::uint32_t>(sets_.size() - 1), 0});
}

NodeId Syntax::literal(std::string_view text) {
  std::vector<NodeId> parts;
  for (const char c : text) parts.push_back(byte(static_cast<unsigned char>(c)));
  return seq(parts);
}

NodeId Syntax::list(NodeKind kind, const std::vector<NodeId>& parts) {
  if (parts.size() == 1) return parts.front();
  const auto first = static_cast<std::uint32_t>(lists_.size());
  if (lists_.size() + parts.size() > kMostNodes) {
    full_ = true;
    return 0;
  }
  lists_.insert(lists_.end(), parts.begin(), parts.end());
  return add({kind, first, static_cast<std::uint32_t>(parts.size())});
}

NodeId Syntax::seq(const std::vector<NodeId>& parts) { return list(NodeKind::seq, parts); }
NodeId Syntax::alt(const std::vector<NodeId>& choices) { return list(NodeKind::alt, choices); }

NodeId Syntax::repeat(NodeId child, std::uint32_t least, std::uint32_t most) {
  if (least == 1 && most == 1) return child;
  counts_.push_back({least, most});
  return add({NodeKind::repeat, child, static_cast<std::uint32_t>(counts_.size() - 1)});
}

NodeId Syntax::object(ObjectSyntax object) {
  objects_.push_back(std::move(object));
  return add({NodeKind::object, static_cast<std::uint32_t>(objects_.size() - 1), 0});
}

NodeId Syntax::dfa(Dfa dfa) {
  if (dfa_states_ += dfa.states.size(); dfa_states_ > kMostNodes) full_ = true;
  dfas_.push_back(std::move(dfa));
  return add({NodeKind::dfa, static_cast<std::uint32_t>(dfas_.size() - 1), 0});
}

RuleId Syntax::new_rule(std::string name) {
  if (rules_.size() >= kMostNodes / 4) full_ = true;
  rules_.push_back({std::move(name), 0});
  return static_cast<RuleId>(rules_.size() - 1);
}

namespace {

using Encoded = std::vector<unsigned char>;

Encoded encode(std::uint32_t c) {
  const auto tail = [&](int shift) { return static_cast<unsigned char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) return {static_cast<unsigned char>(c)};
  if (c < 0x800) return {static_cast<unsigned char>(0xc0 | c >> 6), tail(0)};
  if (c < 0x10000) return {static_cast<unsigned char>(0xe0 | c >> 12), tail(6), tail(0)};
  return {static_cast<unsigned char>(0xf0 | c >> 18), tail(12), tail(6), tail(0)};
}

// Cuts a range into pieces in each of which the bytes vary independently.
void add_utf8(Syntax& syntax, std::uint32_t first, std::uint32_t last, std::vector<NodeId>& pieces) {
  for (const std::uint32_t end : {0x7fu, 0x7ffu, 0xffffu}) {
    if (first <= end && last > end) {
      add_utf8(syntax, first, end, pieces);
      return add_utf8(syntax, end + 1, last, pieces);
    }
  }
  const std::size_t size = encode(first).size();
  for (std::size_t i = 1; i < size; ++i) {
    const std::uint32_t low = (1u << (6 * i)) - 1;
    if ((first & ~low) == (last & ~low)) continue;
    if ((first & low) != 0) {
      add_utf8(syntax, first, first | low, pieces);
      return add_utf8(syntax, (first | low) + 1, last, pieces);
    }
    if ((last & low) != low) {
      add_utf8(syntax, first, (last & ~low) - 1, pieces);
      return add_utf8(syntax, last & ~low, last, pieces);
    }
  }
  const Encoded from = encode(first), to = encode(last);
  std::vector<NodeId> parts;
  for (std::size_t i = 0; i < size; ++i) {
    ByteSet set;
    for (unsigned b = from[i]; b <= to[i]; ++b) set.set(b);
    parts.push_back(syntax.bytes(set));
  }
  pieces.push_back(syntax.seq(parts));
}

// How JSON spells it in a string, if not as itself.
std::string json_escape(std::uint32_t c) {
  constexpr std::string_view kShort = "\b\f\n\r\t\"\\", kLetters = "bfnrt\"\\";
  const std::size_t at = c < 0x80 ? kShort.find(static_cast<char>(c)) : std::string_view::npos;
  if (at != std::string_view::npos) return {'\\', kLetters[at]};
  return c < 0x20 ? fmt::format("\\u{:04x}", c) : "";
}

}  // namespace

// Characters above ASCII are a rule of their own: a hundred repetitions call it and need not have it a hundred times.
NodeId Syntax::chars(const CharSet& set, bool in_json) {
  if (const auto known = chars_.find({set, in_json}); known != chars_.end()) return known->second;
  const auto has = [&](std::uint32_t c) {
    return std::any_of(set.begin(), set.end(), [&](const CharRange& r) { return r.first <= c && c <= r.second; });
  };
  std::vector<NodeId> pieces;
  ByteSet ascii;
  for (std::uint32_t c = 0; c < 0x80; ++c) {
    if (!has(c)) continue;
    const std::string escape = in_json ? json_escape(c) : "";
    if (escape.empty()) {
      ascii.set(c);
    } else {
      pieces.push_back(literal(escape));
    }
  }
  if (ascii.any()) pieces.push_back(bytes(ascii));
  std::vector<NodeId> longer;
  for (const auto& [first, last] : set) {
    if (last >= 0x80) add_utf8(*this, std::max(first, 0x80u), last, longer);
  }
  if (longer.size() > 1) {
    const RuleId others = new_rule("characters");
    set_rule(others, alt(longer));
    pieces.push_back(rule(others));
  } else if (!longer.empty()) {
    pieces.push_back(longer.front());
  }
  const NodeId made = alt(pieces);
  CharSet missing = complement(set);
  std::erase_if(missing, [](const CharRange& r) {
    return r.second < 0x20 || (r.first == r.second && (r.first == '"' || r.first == '\\'));
  });
  if (missing.empty()) plain_chars_.insert(made);
  return chars_[{set, in_json}] = made;
}

// Escapes of every kind; \u escapes of surrogates in pairs alone.
NodeId Syntax::json_char() {
  if (json_char_ != 0) return json_char_;
  const auto set = [&](std::string_view all) {
    ByteSet of;
    for (const char c : all) of.set(static_cast<unsigned char>(c));
    return bytes(of);
  };
  const NodeId hex = set("0123456789abcdefABCDEF"), u = literal("\\u");
  const NodeId plain = chars({{0x20, '!'}, {'#', '['}, {']', 0xd7ff}, {0xe000, kLastChar}}, false);
  const NodeId pair = seq({set("dD"), set("89abAB"), hex, hex, u, set("dD"), set("cdefCDEF"), hex, hex});
  const NodeId single =
      alt({seq({set("0123456789abcefABCEF"), hex, hex, hex}), seq({set("dD"), set("01234567"), hex, hex})});
  const RuleId escape = new_rule("escape");
  set_rule(escape, seq({byte('\\'), alt({set("\"\\/bfnrt"), seq({byte('u'), alt({single, pair})})})}));
  json_char_ = alt({plain, rule(escape)});
  plain_chars_.insert(json_char_);
  return json_char_;
}

}  // namespace continuo
