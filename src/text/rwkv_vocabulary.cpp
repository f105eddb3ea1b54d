#include "text/rwkv_vocabulary.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "base/json.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"
#include "text/word_list.h"

namespace continuo {

namespace {

std::optional<std::uint32_t> number(std::string_view text, int base, std::uint32_t max) {
  std::uint32_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failed != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

// The bytes of 'text', "text", b'bytes' or b"bytes", or nothing if it is not a literal of these.
std::optional<std::string> literal(std::string_view text) {
  const bool bytes = text.starts_with('b');
  if (bytes) text.remove_prefix(1);
  if (text.size() < 2 || (text[0] != '\'' && text[0] != '"') || text.back() != text[0]) return std::nullopt;
  const char quote = text[0];
  text = text.substr(1, text.size() - 2);
  std::string out;
  while (!text.empty()) {
    if (text[0] == quote) return std::nullopt;
    if (text[0] != '\\') {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 2) return std::nullopt;
    const char kind = text[1];
    text.remove_prefix(2);
    constexpr std::string_view kSimple = "\\'\"ntrabfv";
    constexpr std::string_view kMeanings = "\\'\"\n\t\r\a\b\f\v";
    if (const std::size_t i = kSimple.find(kind); i != std::string_view::npos) {
      out += kMeanings[i];
      continue;
    }
    const std::size_t digits = kind == 'x' ? 2 : kind == 'u' && !bytes ? 4 : kind == 'U' && !bytes ? 8 : 0;
    if (digits == 0 || text.size() < digits) return std::nullopt;
    const auto code = number(text.substr(0, digits), 16, 0x10ffff);
    if (!code || (*code >= 0xd800 && *code < 0xe000)) return std::nullopt;
    text.remove_prefix(digits);
    if (bytes) {
      out += static_cast<char>(static_cast<unsigned char>(*code));
    } else {
      append_utf8(out, *code);
    }
  }
  return out;
}

}  // namespace

Result<Tokenizer> parse_rwkv_vocabulary(std::string_view text, const std::string& file) {
  if (text.size() > kMaxVocabularyBytes) return model_error(file, "it is larger than 1 GiB");
  auto vocabulary = std::make_shared<Vocabulary>();
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const std::size_t first = line.find(' '), last = line.rfind(' ');
    const bool has_parts = first != std::string_view::npos && first < last;
    const auto id = has_parts ? number(line.substr(0, first), 10, kMaxTokenId) : std::nullopt;
    const auto piece = has_parts ? literal(line.substr(first + 1, last - first - 1)) : std::nullopt;
    const auto size = has_parts ? number(line.substr(last + 1), 10, 1 << 30) : std::nullopt;
    if (!id || !piece || !size || piece->empty() || piece->size() != *size) {
      return Error{.what = "a line that is not \"ID LITERAL SIZE\" with the literal's size in bytes",
                   .file = file,
                   .offset = begin};
    }
    vocabulary->add(*piece, static_cast<TokenId>(*id));
  }
  CONTINUO_TRY_VOID(vocabulary->index(file));
  CONTINUO_TRY(WordList list, WordList::create(*vocabulary, {}, file));
  CONTINUO_TRY(Decoder decoder, Decoder::parse({{"type", "Fuse"}}, file));
  return make_tokenizer(TokenizerParts{AddedTokens(), Normalizer(), PreTokenizer(), std::move(list), PostProcessor(),
                                       std::move(decoder), vocabulary});
}

}  // namespace continuo
