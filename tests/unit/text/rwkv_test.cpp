// The RWKV World vocabulary.
#include <random>

#include "text/rwkv_vocabulary.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

// A line for every byte, and what is added.
std::string vocabulary_with(const std::string& lines) {
  std::string out;
  for (int byte = 0; byte < 256; ++byte) {
    char line[32];
    std::snprintf(line, sizeof line, "%d %s'\\x%02x' 1\n", byte + 1, byte < 128 ? "" : "b",
                  static_cast<unsigned>(byte));
    out += line;
  }
  return out + lines;
}

std::string error_of(const std::string& text) {
  const auto tokenizer = parse_rwkv_vocabulary(text, "v.txt");
  return tokenizer ? "no error" : tokenizer.error().message();
}

}  // namespace

TEST_CASE("the longest piece of an RWKV vocabulary is taken") {
  const auto tokenizer =
      parse_rwkv_vocabulary(vocabulary_with("300 'tick' 4\r\n301 'ticking' 7\n302 ' \\n' 2\n303 \"it's\" "
                                            "4\n304 b'\\xe4\\xb8' 2\n305 '\xe4\xb8\xad' 3\n"
                                            "306 '\\u4e2d\\U0001f600' 7\n307 'a b' 3\n"),
                            "v.txt");
  REQUIRE(tokenizer);
  const auto encode = [&](const char* text) { return tokenizer->encode(text, true); };
  CHECK(encode("tickings") == Ids{301, 's' + 1});
  CHECK(encode("tickin") == Ids{300, 'i' + 1, 'n' + 1});
  CHECK(encode(" \nit's") == Ids{302, 303});
  CHECK(encode("\xe4\xb8\xad\xe4\xb8\xe4") == Ids{305, 304, 0xe4 + 1});
  CHECK(encode("\xe4\xb8\xad\xf0\x9f\x98\x80") == Ids{306});
  CHECK(encode("a b") == Ids{307});
  CHECK(tokenizer->decode(Ids{301, 302, 305, 0, 9999}, true) == "ticking \n\xe4\xb8\xad");
}

TEST_CASE("lines of an RWKV vocabulary that are broken") {
  const std::string expected = "v.txt: byte 0: a line that is not \"ID LITERAL SIZE\" with the literal's size in bytes";
  for (const char* line : {"x", "1 'a'", "1 'a' 2", "1 '' 0", "-1 'a' 1", "1 a 1", "1 'a\" 1", "1 'a'b' 3", "1 '\\q' 1",
                           "1 '\\x4' 1", "1 '\\ud800' 3", "1 b'\\u0041' 1", "99999999 'a' 1", "1 'a' 1x", "1 '\\' 1"}) {
    INFO(line);
    CHECK(error_of(line) == expected);
  }
  CHECK(error_of("") == "v.txt: the vocabulary has no piece for the byte 0x00");
  CHECK(error_of("1 'a' 1\n1 'b' 1\n") == "v.txt: the vocabulary gives the id 1 to both 'a' and 'b'");
  CHECK(error_of("1 'a' 1\n2 'a' 1\n") == "v.txt: the vocabulary has the piece 'a' twice");
  CHECK(error_of(vocabulary_with("")) == "no error");
}

TEST_CASE("the real RWKV World vocabulary keeps any bytes") {
  const auto data = data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA names no folder with real vocabularies");
    return;
  }
  const auto tokenizer =
      parse_rwkv_vocabulary(read_file(*data / "tokenizers" / "rwkv-world" / "rwkv_vocab_v20230424.txt"), "v.txt");
  REQUIRE(tokenizer);
  CHECK(tokenizer->vocab_size() == 65530);
  CHECK(tokenizer->encode("Hello, world!", true) == Ids{33155, 45, 40213, 34});
  std::mt19937 random(20240608);
  for (int i = 0; i < 500; ++i) {
    std::string text(random() % 200, '\0');
    for (char& c : text) c = static_cast<char>(i % 2 ? random() & 255 : "ab \n\xe4\xb8\xad"[random() % 7]);
    CHECK(tokenizer->decode(tokenizer->encode(text, false), false) == text);
  }
}
