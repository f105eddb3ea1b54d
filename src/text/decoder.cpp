#include "text/decoder.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "base/json.h"
#include "text/byte_level.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// The byte that "<0x41>" names.
std::optional<char> named_byte(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece.back() != '>') return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(piece.data() + 3, piece.data() + 5, value, 16);
  if (error != std::errc() || end != piece.data() + 5) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(value));
}

// The reference's cleanup of a single piece.
std::string cleaned_up(std::string text) {
  constexpr std::pair<std::string_view, std::string_view> kChanges[] = {
      {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},   {" n't", "n't"},
      {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
  TextWork work(text.size());
  for (const auto& [from, to] : kChanges) text = replace_all(text, Pattern(std::string(from)), to, work);
  return text;
}

}  // namespace

Result<Decoder> Decoder::parse(const Json& json, const std::string& file) {
  Decoder decoder;
  if (!json.is_null()) CONTINUO_TRY_VOID(decoder.add(json, file));
  return decoder;
}

Result<void> Decoder::enter(Stage stage, const Part& part) {
  const bool again =
      (stage == stage_ && stage != Stage::replace) || (stage == Stage::word_piece && stage_ != Stage::none);
  if (stage < stage_ || again) return part.error("it is not supported after the decoder before it");
  if (stage == Stage::strip && stage_ != Stage::fused) return part.error("it is supported only after 'Fuse'");
  stage_ = stage;
  return {};
}

Result<void> Decoder::add(const Json& json, const std::string& file) {
  CONTINUO_TRY(const Part part, Part::open(json, "decoder", file));
  if (part.type() == "Sequence") {
    CONTINUO_TRY_VOID(part.only({"decoders"}));
    CONTINUO_TRY(const Json* list, part.list("decoders"));
    for (const Json& item : *list) CONTINUO_TRY_VOID(add(item, file));
    return {};
  }
  if (part.type() == "Replace") {
    CONTINUO_TRY_VOID(enter(Stage::replace, part));
    CONTINUO_TRY_VOID(part.only({"pattern", "content"}));
    CONTINUO_TRY(Pattern pattern, Pattern::parse(json.value("pattern", Json()), file, part.name()));
    CONTINUO_TRY(std::string content, part.text("content"));
    constexpr std::size_t kLongestContent = 128;  // so that no piece becomes more than a text may (text_work.h)
    if (content.size() > kLongestContent) {
      return part.error(fmt::format("content is longer than {} bytes", kLongestContent));
    }
    if (pattern.is_regex()) return part.error("a regular expression is not supported here");
    replacements_.push_back({std::move(pattern), std::move(content)});
    return {};
  }
  if (part.type() == "Metaspace") {
    CONTINUO_TRY_VOID(enter(Stage::metaspace, part));
    CONTINUO_TRY(metaspace_, parse_metaspace(part));
    return {};
  }
  if (part.type() == "Strip") return add_strip(part);
  return add_simple(part);
}

Result<void> Decoder::add_simple(const Part& part) {
  if (part.type() == "ByteFallback") {
    CONTINUO_TRY_VOID(enter(Stage::byte_fallback, part));
    byte_fallback_ = true;
    return part.only({});
  }
  if (part.type() == "Fuse") {
    CONTINUO_TRY_VOID(enter(Stage::fused, part));
    return part.only({});
  }
  if (part.type() == "ByteLevel") {
    CONTINUO_TRY_VOID(enter(Stage::fused, part));
    byte_level_ = true;
    return part.only({"add_prefix_space", "trim_offsets", "use_regex"});  // these matter to the pre-tokenizer only
  }
  if (part.type() == "WordPiece") return add_word_piece(part);
  return part.not_supported();
}

Result<void> Decoder::add_word_piece(const Part& part) {
  CONTINUO_TRY_VOID(enter(Stage::word_piece, part));
  CONTINUO_TRY_VOID(part.only({"prefix", "cleanup"}));
  CONTINUO_TRY(std::string prefix, part.text("prefix"));
  CONTINUO_TRY(const bool cleanup, part.flag("cleanup"));
  word_piece_ = WordPiece{std::move(prefix), cleanup};
  return {};
}

Result<void> Decoder::add_strip(const Part& part) {
  CONTINUO_TRY_VOID(enter(Stage::strip, part));
  CONTINUO_TRY_VOID(part.only({"content", "start", "stop"}));
  CONTINUO_TRY(std::string content, part.text("content"));
  CONTINUO_TRY(const std::int64_t start, part.whole_number("start", 1));
  if (auto stop = part.whole_number("stop", 0); !stop) return std::move(stop).error();
  if (content.empty() || utf8_at(content, 0).size != content.size()) return part.error("content must be one character");
  if (start == 1) strip_ = std::move(content);
  return {};
}

std::string Decoder::text_of(std::string_view piece, bool added, bool at_text_start) const {
  std::string text(piece);
  if (word_piece_) {
    if (!at_text_start) {
      const bool continues = text.starts_with(word_piece_->prefix);
      text = continues ? text.substr(word_piece_->prefix.size()) : ' ' + text;
    }
    return word_piece_->cleanup ? cleaned_up(std::move(text)) : text;
  }
  TextWork work(text.size());
  for (const Replace& replace : replacements_) text = replace_all(text, replace.pattern, replace.content, work);
  if (metaspace_) {
    const bool drop = at_text_start && metaspace_->prepend != MetaspacePrepend::never;
    text = replace_all(text, Pattern(metaspace_->replacement), drop ? "" : " ", work);
  }
  if (byte_fallback_) {
    if (const auto byte = named_byte(text)) return {*byte};
  }
  if (byte_level_ && !added) {
    if (auto bytes = byte_level_bytes(text)) return std::move(*bytes);
  }
  return text;
}

void Decoder::append(std::string_view piece, bool added, bool& at_text_start, std::string& out) const {
  std::string text = text_of(piece, added, at_text_start);
  if (stage_ == Stage::none) {
    if (!at_text_start) out += ' ';
    at_text_start = false;
  }
  if (metaspace_ || word_piece_) at_text_start = false;
  if (at_text_start && !text.empty()) {
    if (!strip_.empty() && text.starts_with(strip_)) text.erase(0, strip_.size());
    at_text_start = false;
  }
  out += text;
}

}  // namespace continuo
