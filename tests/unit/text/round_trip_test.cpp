// Law 6: decode(encode(text)) == text for byte-level tokenizers, for any bytes.
#include <random>

#include "base/json.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

constexpr unsigned kSeed = 20240602;

std::string random_bytes(std::mt19937& random, std::size_t most) {
  std::string bytes(random() % (most + 1), '\0');
  // Some texts of all bytes, some of few kinds, so that long pieces, blanks and broken characters all come.
  static const std::vector<std::string> kinds = {"",        "ab \n",         "\xe2\x96\x81", "\xc3\xa9\xf0\x9f",
                                                 " \t\r\n", "\xff\xfe\x80 a"};
  const std::string& kind = kinds[random() % kinds.size()];
  for (char& byte : bytes) {
    byte = kind.empty() ? static_cast<char>(static_cast<unsigned char>(random() & 255)) : kind[random() % kind.size()];
  }
  return bytes;
}

void check_round_trip(const Tokenizer& tokenizer, const std::string& text) {
  const Ids ids = tokenizer.encode(text, false);
  INFO("seed " << kSeed << ", text " << Json(text).dump(-1, ' ', true, Json::error_handler_t::replace));
  CHECK(tokenizer.decode(ids, false) == text);
}

}  // namespace

TEST_CASE("byte-level tokenizers keep any bytes") {
  for (const std::string name : {"gpt2-like", "llama3-like"}) {
    const Tokenizer tokenizer = own_tokenizer(name);
    std::mt19937 random(kSeed);
    for (int i = 0; i < 3000; ++i) check_round_trip(tokenizer, random_bytes(random, 80));
    for (int byte = 0; byte < 256; ++byte) {
      check_round_trip(tokenizer, std::string(1, static_cast<char>(static_cast<unsigned char>(byte))));
    }
    check_round_trip(tokenizer, std::string("\0 zero\0", 7));
    check_round_trip(tokenizer, "<|endoftext|>mid<|begin_of_text|>");
  }
}

TEST_CASE("bytes that are not UTF-8 pass a normalizer untouched") {
  const Tokenizer tokenizer = own_tokenizer("qwen2-like");
  std::mt19937 random(kSeed);
  for (int i = 0; i < 3000; ++i) {
    std::string text = random_bytes(random, 80);
    for (char& byte : text) {  // below U+0300 everything is in NFC
      const auto value = static_cast<unsigned char>(byte);
      if (value >= 0xcc && value < 0xf8) byte = '\xfe';
    }
    check_round_trip(tokenizer, text);
  }
  CHECK(tokenizer.decode(tokenizer.encode("e\xcc\x81\xff\xcc\x81", false), false) == "\xc3\xa9\xff\xcc\x81");
}

TEST_CASE("byte fallback keeps bytes as well") {
  const Tokenizer tokenizer = own_tokenizer("llama2-like");
  for (const std::string& text : {std::string("\xff\xfe"), std::string("a\x80z"), std::string("\xf0\x9f\x98"),
                                  std::string("\0", 1), std::string("\n\t ")}) {
    check_round_trip(tokenizer, text);
  }
}
