// Prompts around a gap, in the order that a model's family documents.
#include "loading/infill.h"

#include "base/json.h"
#include "catch.h"
#include "io/checkpoint.h"

using namespace continuo;

namespace {

// Letters a to z, and these special tokens from 26 on.
Tokenizer tokenizer_with(const std::vector<std::string>& specials) {
  Json vocab = Json::object(), added = Json::array();
  for (char c = 'a'; c <= 'z'; ++c) vocab[std::string(1, c)] = c - 'a';
  for (const std::string& special : specials) {
    added.push_back({{"id", 26 + added.size()},
                     {"content", special},
                     {"special", special.find('>') != std::string::npos},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false}});
  }
  const Json json = {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", Json::array()}}},
                     {"added_tokens", added}};
  auto parsed = Tokenizer::parse(json.dump(), "tokenizer.json");
  INFO((parsed ? "" : parsed.error().message()));
  REQUIRE(parsed);
  return std::move(*parsed);
}

Model model() {
  Model model{.name = "m", .storage = std::make_shared<Checkpoint>()};
  model.spec.vocab_size = 40;
  return model;
}

std::string prompt(const std::vector<std::string>& specials, std::string_view prefix, std::string_view suffix) {
  const auto made = infill_prompt(tokenizer_with(specials), model(), prefix, suffix);
  INFO((made ? "" : made.error().message()));
  REQUIRE(made);
  std::string ids;
  for (const TokenId id : made->ids)
    ids += id < 26 ? std::string(1, static_cast<char>('a' + id)) : "<" + std::to_string(id) + ">";
  return ids;
}

}  // namespace

TEST_CASE("prefix, suffix, middle") {
  CHECK(prompt({"<fim_prefix>", "<fim_suffix>", "<fim_middle>"}, "ab", "cd") == "<26>ab<27>cd<28>");
  CHECK(prompt({"<fim_middle>", "<fim_prefix>", "<fim_suffix>"}, "", "cd") == "<27><28>cd<26>");
  CHECK(prompt({"<\uFF5Cfim\u2581begin\uFF5C>", "<\uFF5Cfim\u2581hole\uFF5C>", "<\uFF5Cfim\u2581end\uFF5C>"}, "a",
               "b") == "<26>a<27>b<28>");
}

TEST_CASE("the suffix first, where the family has it so") {
  CHECK(prompt({"[PREFIX]", "[SUFFIX]", "[MIDDLE]"}, "ab", "cd") == "<27>cd<26>ab");
  CHECK(prompt({"<[fim-prefix]>", "<[fim-suffix]>", "<[fim-middle]>"}, "ab", "cd") == "<27>cd<26>ab<28>");
}

TEST_CASE("all tokens with a role end what is filled in; a model without them is told") {
  const Tokenizer tokenizer = tokenizer_with({"<fim_prefix>", "<fim_suffix>", "<fim_middle>", "<file_sep>"});
  const auto made = infill_prompt(tokenizer, model(), "a", "b");
  REQUIRE(made);
  CHECK(made->ends == std::vector<TokenId>{26, 27, 28, 29});
  // What is written like one of them in the texts is text.
  const auto written = infill_prompt(tokenizer, model(), "a<fim_middle>", "b");
  REQUIRE(written);
  CHECK(std::ranges::count(written->ids, 28) == 1);
  const auto refused = infill_prompt(tokenizer_with({"<fim_prefix>"}), model(), "a", "b");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().field == "suffix");
  CHECK(refused.error().kind == ErrorKind::usage);
}
