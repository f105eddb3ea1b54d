// The tokens that may come are those after which the text can go on, each looked at alone.
#include <random>

#include "grammar/token_trie.h"
#include "support.h"
#include "unit/grammar/matching.h"

using namespace continuo;
using namespace continuo::test;

namespace {

const Tokenizer& tales() {
  static const Tokenizer tokenizer = [] {
    const std::string path = std::string(CONTINUO_TESTS_FOLDER) + "/../models/tales/tokenizer.json";
    auto parsed = Tokenizer::parse(read_file(path), path);
    REQUIRE(parsed);
    return std::move(*parsed);
  }();
  return tokenizer;
}

std::shared_ptr<const TokenTrie> trie() {
  static const auto made = std::make_shared<const TokenTrie>(tales());
  return made;
}

bool has(const TokenBits& bits, std::size_t id) { return (bits[id / 64] >> (id % 64) & 1) != 0; }

// Along a random text, at each of its places.
void check_masks(const Constraint& constraint, unsigned seed) {
  const auto automaton = read_constraint(constraint);
  INFO((automaton ? std::string() : automaton.error().message()));
  REQUIRE(automaton);
  Matcher matcher(*automaton, trie()), alone(*automaton, nullptr);
  std::mt19937 random(seed);
  std::uint32_t set = matcher.start(), plain = alone.start();
  std::string text;
  for (int step = 0; step < 30; ++step) {
    const Grammar::Tokens allowed = matcher.allowed(set);
    REQUIRE(allowed);
    std::vector<TokenId> possible;
    for (std::size_t id = 0; id < trie()->vocab_size(); ++id) {
      const std::string_view bytes = trie()->bytes(static_cast<TokenId>(id));
      const bool goes_on = !bytes.empty() && alone.advance(plain, bytes) != Matcher::kDead;
      INFO(constraint.texts.front() << ": behind " << text << " the token " << bytes);
      if (has(*allowed, id) != goes_on) REQUIRE(has(*allowed, id) == goes_on);
      if (goes_on) possible.push_back(static_cast<TokenId>(id));
    }
    REQUIRE((!possible.empty() || matcher.may_end(set)));
    if (possible.empty()) return;
    const TokenId next = possible[random() % possible.size()];
    text += trie()->bytes(next);
    set = matcher.advance(set, trie()->bytes(next));
    plain = alone.advance(plain, trie()->bytes(next));
    REQUIRE(matcher.may_end(set) == alone.may_end(plain));
  }
}

}  // namespace

TEST_CASE("masks are what each token says alone") {
  const std::vector<Constraint> constraints = {
      {ConstraintKind::json, {"true"}},
      {ConstraintKind::json, {R"({"type":"string"})"}},
      {ConstraintKind::json, {R"({"type":"string","minLength":3,"maxLength":9})"}},
      {ConstraintKind::json, {R"({"type":"array","items":{"type":"string","maxLength":40},"minItems":1})"}},
      {ConstraintKind::json,
       {R"({"type":"object","properties":{"name":{"type":"string"},"names":{"type":"array","items":{"type":"string"}}},"required":["name"]})"}},
      {ConstraintKind::json,
       {R"({"type":"object","properties":{"k":{"type":"integer"}},"patternProperties":{"^s":{"type":"string","pattern":"^[a-z ]+$"}},"additionalProperties":{"type":"number"},"maxProperties":4})"}},
      {ConstraintKind::json,
       {R"({"anyOf":[{"type":"string","pattern":"^the "},{"type":"string","maxLength":6},{"type":"number"}]})"}},
      {ConstraintKind::regex, {"(the|a) [a-z]+( .*)?"}},
      {ConstraintKind::regex, {"[^\\n]{1,12}"}},
      {ConstraintKind::choice, {"there was a cat", "there was a dog", "then"}},
      {ConstraintKind::grammar, {"root ::= \"(\" root \")\" | [^()]{0,5} | \"\xc3\xa9\"+"}},
  };
  for (unsigned seed = 1; seed <= 3; ++seed) {
    for (const Constraint& constraint : constraints) check_masks(constraint, seed);
  }
}
