#include "text/normalizer.h"

#include <algorithm>

#include "base/json.h"
#include "text/utf8.h"

namespace continuo {

Result<Normalizer> Normalizer::parse(const Json& json, const std::string& file) {
  Normalizer normalizer;
  if (!json.is_null()) CONTINUO_TRY_VOID(normalizer.add(json, file));
  return normalizer;
}

Result<void> Normalizer::add(const Json& json, const std::string& file) {
  CONTINUO_TRY(const Part part, Part::open(json, "normalizer", file));
  if (part.type() == "Sequence") {
    CONTINUO_TRY_VOID(part.only({"normalizers"}));
    CONTINUO_TRY(const Json* list, part.list("normalizers"));
    for (const Json& item : *list) CONTINUO_TRY_VOID(add(item, file));
    return {};
  }
  if (part.type() == "Prepend") {
    CONTINUO_TRY_VOID(part.only({"prepend"}));
    CONTINUO_TRY(std::string prefix, part.text("prepend"));
    steps_.push_back(Prepend{std::move(prefix)});
    return {};
  }
  if (part.type() == "Replace") {
    CONTINUO_TRY_VOID(part.only({"pattern", "content"}));
    CONTINUO_TRY(Pattern pattern, Pattern::parse(json.value("pattern", Json()), file, part.name()));
    CONTINUO_TRY(std::string content, part.text("content"));
    steps_.push_back(Replace{std::move(pattern), std::move(content)});
    return {};
  }
  return add_simple(part);
}

Result<void> Normalizer::add_simple(const Part& part) {
  if (part.type() == "Lowercase") {
    steps_.push_back(Lowercase{});
    return part.only({});
  }
  if (part.type() == "Strip") {
    CONTINUO_TRY_VOID(part.only({"strip_left", "strip_right"}));
    CONTINUO_TRY(const bool left, part.flag("strip_left"));
    CONTINUO_TRY(const bool right, part.flag("strip_right"));
    steps_.push_back(Strip{left, right});
    return {};
  }
  if (part.type() == "Precompiled") {
    CONTINUO_TRY_VOID(part.only({"precompiled_charsmap"}));
    CONTINUO_TRY(const std::string encoded, part.text("precompiled_charsmap"));
    const auto bytes = decode_base64(encoded);
    if (!bytes) return part.error("precompiled_charsmap is not base64");
    CONTINUO_TRY(Charsmap map, Charsmap::parse(*bytes, part.file(), part.name()));
    steps_.push_back(Precompiled{std::move(map)});
    return {};
  }
  if (part.type() == "BertNormalizer") {
    CONTINUO_TRY(BertNormalizer normalizer, BertNormalizer::parse(part));
    steps_.push_back(normalizer);
    return {};
  }
  const auto form = unicode_form(part.type());
  if (!form) return part.not_supported();
  CONTINUO_TRY_VOID(part.only({}));
  steps_.push_back(*form);
  return {};
}

std::string Normalizer::changed(const UnicodeForm& form, std::string text, TextWork&) {
  return normalize_unicode(std::move(text), form);
}

std::string Normalizer::changed(const Prepend& prepend, std::string text, TextWork&) {
  if (!text.empty()) text.insert(0, prepend.prefix);
  return text;
}

std::string Normalizer::changed(const Replace& replace, std::string text, TextWork& work) {
  return replace_all(text, replace.pattern, replace.content, work);
}

std::string Normalizer::changed(const Lowercase&, std::string text, TextWork&) { return lowercase(text); }

std::string Normalizer::changed(const Strip& strip, std::string text, TextWork&) {
  std::size_t begin = 0, end = text.size();
  const auto is_blank = [](const Utf8Char& c) { return c.valid && is_white_space(c.code); };
  while (strip.right && end > 0 && is_blank(utf8_before(text, end))) end -= utf8_before(text, end).size;
  while (strip.left && begin < end && is_blank(utf8_at(text, begin))) begin += utf8_at(text, begin).size;
  return text.substr(begin, end - begin);
}

std::string Normalizer::changed(const Precompiled& precompiled, std::string text, TextWork& work) {
  return precompiled.map.map_graphemes(text, work);
}

std::string Normalizer::changed(const SentencePieceNormalizer& normalizer, std::string text, TextWork& work) {
  return normalizer.apply(text, work);
}

std::string Normalizer::changed(const BertNormalizer& normalizer, std::string text, TextWork&) {
  return normalizer.apply(std::move(text));
}

// A step that looks at each character by itself.
template <class Kind>
std::size_t Normalizer::kept_from_first(const Kind& kind, std::string_view text, std::size_t from_first,
                                        TextWork& work) {
  return changed(kind, std::string(text.substr(0, from_first)), work).size();
}

std::size_t Normalizer::kept_from_first(const Prepend& prepend, std::string_view, std::size_t from_first, TextWork&) {
  return from_first == 0 ? 0 : from_first + prepend.prefix.size();
}

// As in the reference a replacement comes from the last byte that it replaces.
std::size_t Normalizer::kept_from_first(const Replace& replace, std::string_view text, std::size_t from_first,
                                        TextWork& work) {
  std::vector<Range> matches;
  replace.pattern.find_all(text, matches, work);
  std::size_t kept = 0, at = 0;
  for (const Range& match : matches) {
    kept += std::min(match.begin, from_first) - std::min(at, from_first);
    if (match.end == 0 || match.end <= from_first) kept += replace.content.size();
    at = match.end;
  }
  return kept + from_first - std::min(at, from_first);
}

std::size_t Normalizer::kept_from_first(const Strip& strip, std::string_view text, std::size_t from_first,
                                        TextWork& work) {
  const std::size_t left = text.size() - changed(Strip{strip.left, false}, std::string(text), work).size();
  return from_first - std::min(from_first, left);
}

// As in the reference the character after one that is mapped to nothing takes its place.
std::size_t Normalizer::kept_from_first(const Precompiled& map, std::string_view text, std::size_t from_first,
                                        TextWork& work) {
  if (from_first == 0) return 0;
  const std::size_t kept = changed(map, std::string(text.substr(0, from_first)), work).size();
  const std::string all = kept == 0 ? changed(map, std::string(text), work) : std::string();
  return all.empty() ? kept : utf8_at(all, 0).size;
}

std::string Normalizer::apply(std::string_view text, std::size_t& from_first, TextWork& work) const {
  if (from_first == 0) return apply(text, work);  // the text stands behind what the person wrote first
  std::string out(text);
  for (const Step& step : steps_) {
    from_first = std::visit([&](const auto& kind) { return kept_from_first(kind, out, from_first, work); }, step);
    out = std::visit([&](const auto& kind) { return changed(kind, std::move(out), work); }, step);
    work.check_size(out.size());
  }
  return out;
}

std::string Normalizer::apply(std::string_view text, TextWork& work) const {
  std::string out(text);
  for (const Step& step : steps_) {
    out = std::visit([&](const auto& kind) { return changed(kind, std::move(out), work); }, step);
    work.check_size(out.size());
  }
  return out;
}

}  // namespace continuo
