#include "text/charsmap.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <array>

#include "text/utf8.h"

namespace continuo {

namespace {

// A unit of the double array (as in Darts-clone): a label and where the children are, or a leaf's value.
bool has_leaf(std::uint32_t unit) { return (unit >> 8 & 1) != 0; }
std::uint32_t leaf_value(std::uint32_t unit) { return unit & 0x7fffffffu; }
std::uint32_t label(std::uint32_t unit) { return unit & 0x800000ffu; }
std::uint32_t children(std::uint32_t unit) { return unit >> 10 << ((unit & 0x200u) >> 6); }

constexpr std::size_t kLongestKey = 256;  // bounds the time of a look-up; those of published maps have 30 bytes

std::uint32_t read_u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

Result<Charsmap> Charsmap::parse(std::string_view bytes, const std::string& file, const std::string& part) {
  Charsmap map;
  if (bytes.empty()) return map;
  const auto refuse = [&](std::string_view what) {
    return model_error(file, fmt::format("{}: {}", part, what), "is precompiled_charsmap damaged?");
  };
  if (bytes.size() < 4) return refuse("the character map is shorter than 4 bytes");
  const std::size_t size = read_u32(bytes, 0);
  if (size > bytes.size() - 4 || size % 4 != 0) {
    return refuse(fmt::format("the character map's trie of {} bytes does not fit into {}", size, bytes.size()));
  }
  map.units_.reserve(size / 4);
  for (std::size_t at = 4; at < 4 + size; at += 4) map.units_.push_back(read_u32(bytes, at));
  map.replacements_ = bytes.substr(4 + size);
  if (!map.replacements_.empty() && map.replacements_.back() != '\0') {
    return refuse("the character map's last replacement does not end");
  }
  return map;
}

// A reference out of the array ends the search, as a label that does not fit does.
std::optional<Charsmap::Match> Charsmap::find(std::string_view text, bool shortest) const {
  std::optional<Match> found;
  if (units_.empty()) return found;
  std::size_t node = children(units_[0]);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == kLongestKey) throw TextFault{"the tokenizer's character map is damaged: a key does not end"};
    const auto byte = static_cast<unsigned char>(text[i]);
    node ^= byte;
    if (node >= units_.size() || label(units_[node]) != byte) break;
    const bool ends_key = has_leaf(units_[node]);
    node ^= children(units_[node]);
    if (!ends_key || node >= units_.size()) continue;
    const std::size_t at = leaf_value(units_[node]);
    if (at >= replacements_.size()) continue;
    found = Match{i + 1, std::string_view(replacements_.data() + at)};
    if (shortest) break;
  }
  return found;
}

void Charsmap::map_cluster(std::string_view cluster, std::string& out) const {
  constexpr std::size_t kLongestMapped = 5;
  if (cluster.size() <= kLongestMapped) {
    if (const auto match = shortest_prefix(cluster)) {
      out += match->replacement;
      return;
    }
  }
  for (std::size_t at = 0; at < cluster.size();) {
    const std::string_view character = cluster.substr(at, utf8_at(cluster, at).size);
    const auto match = shortest_prefix(character);
    out += match ? match->replacement : character;
    at += character.size();
  }
}

std::string Charsmap::map_graphemes(std::string_view text, TextWork& work) const {
  if (empty()) return std::string(text);
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::size_t begin = 0;  // of the cluster
  utf8proc_int32_t state = 0;
  Utf8Char last;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    const bool breaks = at > 0 && (!c.valid || !last.valid ||
                                   utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last.code),
                                                                    static_cast<utf8proc_int32_t>(c.code), &state));
    if (breaks) {
      map_cluster(text.substr(begin, at - begin), out);
      work.check_size(out.size());
      begin = at;
    }
    if (!c.valid) state = 0;
    last = c;
    at += c.size;
  }
  if (begin < text.size()) map_cluster(text.substr(begin), out);
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  static constexpr std::array<signed char, 256> kValues = [] {
    std::array<signed char, 256> values{};
    for (auto& value : values) value = -1;
    for (std::size_t i = 0; i < kDigits.size(); ++i)
      values[static_cast<unsigned char>(kDigits[i])] = static_cast<signed char>(i);
    return values;
  }();
  if (text.size() % 4 != 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  text.remove_suffix(padding);
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : text) {
    const int value = kValues[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(static_cast<unsigned char>(bits >> count & 0xff));
  }
  return out;
}

}  // namespace continuo
