// Parts of tokenizers against the reference library (scripts/make_reference_cases.py), and bounds of their work.
#include <sstream>

#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

TEST_CASE("parts of tokenizers know the characters and have the habits of the reference") {
  const auto file = source_folder() / "data" / "tokenizers" / "reference.jsonl";
  std::istringstream lines(read_file(file));
  std::size_t cases = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line);
    const std::string name = json["name"];
    const auto tokenizer = Tokenizer::parse(json["tokenizer"].dump(), "t.json");
    INFO(name);
    if (!tokenizer) FAIL(tokenizer.error().message());
    for (const Json& item : json["cases"]) {
      INFO(item[0].dump(-1, ' ', true));
      CHECK(tokenizer->encode(item[0].get<std::string>(), false) == item[1].get<std::vector<TokenId>>());
      ++cases;
    }
  }
  CHECK(cases > 400);
}

namespace {

std::string with_normalizer(const Json& normalizer) {
  Json json = small_tokenizer();
  json["normalizer"] = normalizer;
  return json.dump();
}

std::string error_of(const std::string& json, const std::string& text) {
  const auto tokenizer = Tokenizer::parse(json, "t.json");
  if (!tokenizer) return tokenizer.error().message();
  const auto ids = tokenizer->try_encode(text, false);
  return ids ? "" : ids.error().message();
}

}  // namespace

TEST_CASE("a regular expression that takes too many steps is an error, not another text") {
  const Json hard = {{"type", "Replace"}, {"pattern", {{"Regex", "(a+)+b"}}}, {"content", "c"}};
  CHECK(error_of(with_normalizer(hard), "aab aaab") == "");
  CHECK(error_of(with_normalizer(hard), std::string(64, 'a') + "cb ab") ==
        "t.json: a regular expression of the tokenizer takes too many steps for this text (the text cannot be cut into "
        "tokens)");
  // Pieces have the steps of the text together.
  Json pieces = small_tokenizer();
  pieces["pre_tokenizer"] = Json::parse(R"({"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"},
      {"type": "Split", "pattern": {"Regex": "(a+)+b"}, "behavior": "Isolated", "invert": false}]})");
  const std::string one = std::string(16, 'a') + "cb ";
  CHECK(error_of(pieces.dump(), one) == "");
  std::string many;
  for (int i = 0; i < 200; ++i) many += one;
  CHECK(error_of(pieces.dump(), many).find("too many steps") != std::string::npos);
}

TEST_CASE("a normalizer that multiplies a text is an error") {
  Json steps = Json::array();
  for (int i = 0; i < 40; ++i)
    steps.push_back({{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", "aa"}});
  CHECK(
      error_of(with_normalizer({{"type", "Sequence"}, {"normalizers", steps}}), "a") ==
      "t.json: the tokenizer makes more than 128 bytes out of each byte of the text (the text cannot be cut into tokens)");
  const Json once = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(100'000, 'b')}};
  CHECK(error_of(with_normalizer(once), std::string(2000, 'a')).find("128 bytes") != std::string::npos);
}

TEST_CASE("pieces of any length are refused") {
  Json json = small_tokenizer();
  json["model"]["vocab"][std::string(70'000, 'a')] = 7;
  CHECK(error_of(json.dump(), "a") == "t.json: the piece of the id 7 has 70000 bytes, expected at most 65536");
  json = small_tokenizer();
  json["model"] = {{"type", "Unigram"}, {"unk_id", 0}, {"byte_fallback", false}};
  json["model"]["vocab"] = Json::array({Json::array({"<unk>", 0.0}), Json::array({std::string(2000, 'a'), -1.0})});
  json["added_tokens"] = Json::array();
  CHECK(error_of(json.dump(), "a") ==
        "t.json: the vocabulary's pieces are too many, longer than 1024 bytes, or chosen to collide");
}
