// Tokens with a role of their own.
#include "base/json.h"
#include "catch.h"
#include "loading/token_roles.h"
#include "io/checkpoint.h"

using namespace continuo;

namespace {

Tokenizer tokenizer() {
  const Json json = {{"model", {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}}}, {"merges", Json::array()}}},
                     {"added_tokens",
                      {{{"id", 2},
                        {"content", "<fim_prefix>"},
                        {"special", true},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false}},
                       {{"id", 3},
                        {"content", "<fim_suffix>"},
                        {"special", true},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false}},
                       {{"id", 4},
                        {"content", "<|im_end|>"},
                        {"special", true},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false}},
                       {{"id", 5},
                        {"content", "<fim_middle>"},
                        {"special", true},
                        {"single_word", false},
                        {"lstrip", false},
                        {"rstrip", false},
                        {"normalized", false}}}}};
  auto parsed = Tokenizer::parse(json.dump(), "tokenizer.json");
  REQUIRE(parsed);
  return std::move(*parsed);
}

std::string listed(const std::vector<TokenRole>& roles) {
  std::string out;
  for (const TokenRole& role : roles) out += std::string(role.role) + "=" + std::to_string(role.id) + " ";
  return out;
}

}  // namespace

TEST_CASE("roles by the names of tokens; ids outside the vocabulary have none", "[loading]") {
  const Tokenizer known = tokenizer();
  CHECK(listed(token_roles(Checkpoint{}, &known, 5)) == "fim_prefix=2 fim_suffix=3 end_of_turn=4 ");
  CHECK(listed(token_roles(Checkpoint{}, nullptr, 5)).empty());
}

TEST_CASE("a GGUF file's metadata comes first, newer keys before older ones", "[loading]") {
  const Tokenizer known = tokenizer();
  Checkpoint file;
  file.is_gguf = true;
  file.config = {{"tokenizer.ggml.prefix_token_id", 6},
                 {"tokenizer.ggml.fim_mid_token_id", 5},
                 {"tokenizer.ggml.middle_token_id", 7},
                 {"tokenizer.ggml.fim_pad_token_id", 99}};
  CHECK(listed(token_roles(file, &known, 8)) == "fim_prefix=6 fim_suffix=3 fim_middle=5 end_of_turn=4 ");
}
