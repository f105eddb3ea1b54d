// Merging: its order, characters that the vocabulary lacks, and long pieces.
#include <algorithm>
#include <chrono>
#include <random>

#include "base/json.h"
#include "text/rank_queue.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

// A vocabulary of runs of "a" up to 2^7 and pairs of letters, whose merges overlap in many ways.
Json overlapping() {
  Json json = small_tokenizer();
  json["model"]["unk_token"] = nullptr;
  json["added_tokens"] = Json::array();
  Json& vocab = json["model"]["vocab"] = Json::object();
  Json& merges = json["model"]["merges"] = Json::array();
  int next = 0;
  for (const std::string letter : {"a", "b", "c"}) vocab[letter] = next++;
  const auto merge = [&](const std::string& left, const std::string& right) {
    if (!vocab.contains(left + right)) vocab[left + right] = next++;
    merges.push_back({left, right});
  };
  merge("a", "a");
  merge("a", "b");
  merge("aa", "aa");
  merge("c", "a");
  merge("b", "c");
  merge("aa", "a");
  merge("ab", "ca");
  merge("aaaa", "aaaa");
  vocab["aab"] = next++;
  merge("aab", "c");  // its left piece is made by a later merge
  merge("aa", "b");
  return json;
}

// The definition, without any cleverness.
Ids merge_by_definition(const Json& json, const std::string& text) {
  const Json& vocab = json.at("model").at("vocab");
  std::vector<std::string> parts;
  for (const char c : text) parts.emplace_back(1, c);
  for (;;) {
    std::size_t best = parts.size(), best_rank = json.at("model").at("merges").size();
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
      for (std::size_t rank = 0; rank < best_rank; ++rank) {
        if (json.at("model").at("merges")[rank] == Json{parts[i], parts[i + 1]}) best = i, best_rank = rank;
      }
    }
    if (best == parts.size()) break;
    parts[best] += parts[best + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  Ids ids;
  for (const std::string& part : parts) ids.push_back(vocab.at(part).get<TokenId>());
  return ids;
}

double seconds_to_encode(const Tokenizer& tokenizer, const std::string& text) {
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(tokenizer.encode(text, false).empty());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("short and long words are merged by the definition") {
  const Json json = overlapping();
  const Tokenizer tokenizer = parse_small(json);
  constexpr unsigned kSeed = 20240603;
  std::mt19937 random(kSeed);
  for (int i = 0; i < 600; ++i) {
    std::string text(1 + random() % (i < 500 ? 40 : 150), 'a');
    for (char& c : text) c = "aaabc"[random() % 5];
    INFO("seed " << kSeed << ": " << text);
    CHECK(tokenizer.encode(text, false) == merge_by_definition(json, text));
  }
}

TEST_CASE("the queue gives the smallest rank, then the smallest position") {
  RankQueue queue;
  std::mt19937 random(20240604);
  std::vector<std::uint64_t> expected;
  for (int i = 0; i < 3000; ++i) {
    const auto rank = static_cast<std::uint32_t>(random() % 20), position = static_cast<std::uint32_t>(random() % 500);
    queue.push(rank, position);
    expected.push_back(std::uint64_t{rank} << 32 | position);
    std::sort(expected.begin(), expected.end());
    if (random() % 3 == 0) {
      const auto item = queue.pop();
      CHECK((std::uint64_t{item.rank} << 32 | item.position) == expected.front());
      expected.erase(expected.begin());
    }
  }
  for (const std::uint64_t next : expected) {
    const auto item = queue.pop();
    CHECK((std::uint64_t{item.rank} << 32 | item.position) == next);
  }
  CHECK(queue.empty());
}

TEST_CASE("the time for a long run grows with its length, not its square") {
  const Tokenizer tokenizer = parse_small(overlapping());
  const double short_run = seconds_to_encode(tokenizer, std::string(50'000, 'a'));
  const double long_run = seconds_to_encode(tokenizer, std::string(1'600'000, 'a'));
  CHECK(long_run < 32 * 8 * (short_run + 0.001));  // quadratic: 32 * 32 times
}

TEST_CASE("characters that the vocabulary lacks") {
  Json json = small_tokenizer();
  CHECK(parse_small(json).encode("azzb", false) == Ids{1, 0, 0, 2});
  json["model"]["fuse_unk"] = true;
  CHECK(parse_small(json).encode("azzb\xff", false) == Ids{1, 0, 2, 0});
  json["model"]["unk_token"] = nullptr;
  CHECK(parse_small(json).encode("azzb", false) == Ids{4});  // they vanish, as in the reference
}

TEST_CASE("a whole piece of the vocabulary is one token where merges are ignored") {
  Json json = small_tokenizer();
  json["model"]["merges"] = Json::array();
  CHECK(parse_small(json).encode("abc", false) == Ids{1, 2, 3});
  json["model"]["ignore_merges"] = true;
  CHECK(parse_small(json).encode("abc", false) == Ids{5});
  CHECK(parse_small(json).encode("abca", false) == Ids{1, 2, 3, 1});
}

TEST_CASE("fields may come in any order, and merges before the vocabulary") {
  const auto tokenizer = Tokenizer::parse(
      R"({"model": {"merges": ["a b"], "vocab": {"ab": 2, "b": 1, "a": 0}, "type": "BPE"}, "version": "1.0"})",
      "t.json");
  REQUIRE(tokenizer);
  CHECK(tokenizer->encode("aab", false) == Ids{0, 2});
  CHECK(tokenizer->decode(Ids{0, 2}, false) == "a ab");  // without a decoder the reference puts blanks between
}
