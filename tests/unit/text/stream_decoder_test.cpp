#include "base/json.h"
#include "text/stream_decoder.h"

#include <fmt/format.h>

#include "text/utf8.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

constexpr const char* kBad = "\xef\xbf\xbd";

std::string stream(const Tokenizer& tokenizer, const Ids& ids, bool at_text_start = true) {
  StreamDecoder decoder(tokenizer, at_text_start);
  std::string out;
  for (const TokenId id : ids) {
    const std::string part = decoder.push(id);
    CHECK(valid_utf8_prefix(part) == part.size());
    out += part;
  }
  return out + decoder.finish();
}

// The tokens of single bytes.
Ids byte_ids(const Tokenizer& tokenizer, std::string_view bytes) {
  Ids ids;
  for (const char byte : bytes) {
    const Ids one = tokenizer.encode(std::string(1, byte), false);
    REQUIRE(one.size() == 1);
    ids.push_back(one[0]);
  }
  return ids;
}

}  // namespace

TEST_CASE("a character comes out with its last byte, whatever tokens spell it") {
  const Tokenizer tokenizer = own_tokenizer("gpt2-like");
  const std::string text = "a\xc3\xa9\xe9\x92\x9f\xf0\x9f\x91\x8d\xe2\x98\x83!";
  const Ids ids = byte_ids(tokenizer, text);
  StreamDecoder decoder(tokenizer, true);
  std::string seen;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    seen += decoder.push(ids[i]);
    const std::string_view so_far = std::string_view(text).substr(0, i + 1);
    CHECK(seen == so_far.substr(0, valid_utf8_prefix(so_far)));
  }
  CHECK(decoder.finish().empty());
  CHECK(seen == text);
}

TEST_CASE("streamed text is the decoded text") {
  for (const std::string& name : kOwnTokenizers) {
    const Tokenizer tokenizer = own_tokenizer(name);
    std::istringstream lines(read_file(own_tokenizer_folder(name) / "goldens.jsonl"));
    for (std::string line; std::getline(lines, line);) {
      const Ids ids = Json::parse(line).at("ids").get<Ids>();
      INFO(name << ": " << line);
      CHECK(stream(tokenizer, ids) == valid_utf8(tokenizer.decode(ids, true)));
    }
  }
}

TEST_CASE("every single byte streams as itself or as U+FFFD") {
  for (const std::string name : {"gpt2-like", "llama3-like", "qwen2-like"}) {
    const Tokenizer tokenizer = own_tokenizer(name);
    for (int value = 0; value < 256; ++value) {
      const std::string byte(1, static_cast<char>(static_cast<unsigned char>(value)));
      CHECK(stream(tokenizer, byte_ids(tokenizer, byte)) == (value < 0x80 ? byte : kBad));
    }
  }
  const Tokenizer fallback = own_tokenizer("llama2-like");
  for (int value = 0; value < 256; ++value) {
    const auto id = fallback.find(fmt::format("<0x{:02X}>", value));
    REQUIRE(id);
    const std::string byte(1, static_cast<char>(static_cast<unsigned char>(value)));
    CHECK(stream(fallback, {*id}, false) == (value < 0x80 ? byte : kBad));
  }
}

TEST_CASE("what cannot become a character is U+FFFD, one for each maximal invalid part") {
  const Tokenizer tokenizer = own_tokenizer("gpt2-like");
  const auto streamed = [&](std::string_view bytes) { return stream(tokenizer, byte_ids(tokenizer, bytes)); };
  const std::string bad = kBad;
  CHECK(streamed("\xe2\x98") == bad);
  CHECK(streamed("\xe2\x98"
                 "a") == bad + "a");
  CHECK(streamed("\xe2\xe2\x98\x83") == bad + "\xe2\x98\x83");
  CHECK(streamed("\x80\x80") == bad + bad);
  CHECK(streamed("\xf0\x9f\x98\xc3\xa9") == bad + "\xc3\xa9");
  CHECK(streamed("\xc0\xaf") == bad + bad);
  CHECK(streamed("\xed\xa0\x80") == bad + bad + bad);
  CHECK(streamed("\xf4\x90\x80\x80") == bad + bad + bad + bad);
  CHECK(valid_utf8("\xf0\x9f\x98z\xff") == bad + "z" + bad);
}

TEST_CASE("with byte fallback every invalid byte is a U+FFFD, as the reference prints it") {
  const Tokenizer tokenizer = own_tokenizer("llama2-like");
  const auto fallback = [&](std::string_view bytes) {
    Ids ids;
    for (const char byte : bytes)
      ids.push_back(*tokenizer.find(fmt::format("<0x{:02X}>", static_cast<unsigned char>(byte))));
    return ids;
  };
  const std::string bad = kBad;
  CHECK(stream(tokenizer, fallback("\xe2\x98")) == bad + bad);
  Ids ids = fallback("\xe2\x98");
  ids.push_back(*tokenizer.find("a"));
  CHECK(stream(tokenizer, ids) == bad + bad + "a");
  CHECK(stream(tokenizer, fallback("\xe2\x98\x83")) == "\xe2\x98\x83");
}

TEST_CASE("the blank at the beginning of a text is stripped, and only there") {
  const Tokenizer tokenizer = own_tokenizer("llama2-like");
  const Ids ids = tokenizer.encode("the clock", false);
  CHECK(stream(tokenizer, ids, true) == "the clock");
  CHECK(stream(tokenizer, ids, false) == " the clock");
  Ids with_bos = tokenizer.encode("the clock", true);
  CHECK(with_bos.size() == ids.size() + 1);
  CHECK(stream(tokenizer, with_bos, true) == "the clock");
}

TEST_CASE("special tokens and unused ids give no text") {
  const Tokenizer tokenizer = own_tokenizer("qwen2-like");
  const TokenId end = *tokenizer.find("<|im_end|>");
  CHECK(tokenizer.is_special(end));
  CHECK_FALSE(tokenizer.is_special(*tokenizer.find("<left>")));
  CHECK(stream(tokenizer, {end, end}) == "");
  CHECK(tokenizer.decode(Ids{end}, false) == "<|im_end|>");
  CHECK(tokenizer.decode(Ids{end, -1, 1 << 30}, true) == "");
  CHECK(tokenizer.piece(-1) == "");
  CHECK(tokenizer.piece(static_cast<TokenId>(tokenizer.vocab_size())) == "");
}
