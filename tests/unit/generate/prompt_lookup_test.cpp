#include "generate/prompt_lookup.h"

#include <random>

#include "catch.h"
#include "generate/step_costs.h"

using namespace continuo;

namespace {

std::vector<TokenId> ids(const char* letters) { return {letters, letters + std::char_traits<char>::length(letters)}; }

// The n tokens that are drafted, as letters.
std::string draft(const PromptLookup& lookup, std::vector<TokenId> text, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    text.push_back(lookup.token(i, text));
    out.push_back(static_cast<char>(text.back()));
  }
  return out;
}

PromptLookup looked_up(const char* letters) {
  PromptLookup lookup(100);
  lookup.observe_prompt(ids(letters));
  return lookup;
}

}  // namespace

TEST_CASE("a draft is what followed the longest earlier occurrence of the end, the latest of equals") {
  REQUIRE(!looked_up("").available());
  REQUIRE(!looked_up("a").available());
  REQUIRE(!looked_up("abcdefg").available());
  REQUIRE(!looked_up("axbxcxdx").available());  // one token in common is not enough
  REQUIRE(draft(looked_up("hello world, hel"), ids("hello world, hel"), 8) == "lo world");
  REQUIRE(draft(looked_up("-abc1-xbc2-abc"), ids("-abc1-xbc2-abc"), 1) == "1");
  REQUIRE(draft(looked_up("-abc1-abc2-abc"), ids("-abc1-abc2-abc"), 1) == "2");
  REQUIRE(draft(looked_up("xyzxyzxy"), ids("xyzxyzxy"), 7) == "zxyzxyz");  // into itself
  REQUIRE(draft(looked_up("aaa"), ids("aaa"), 3) == "aaa");
}

TEST_CASE("token by token or at once, the draft is the same") {
  std::mt19937 random(1);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<TokenId> text;
    PromptLookup one(10);
    for (int i = 0; i < 300; ++i) {
      text.push_back(static_cast<TokenId>(random() % 3));
      one.observe_prompt(text);
      PromptLookup all(1000);
      all.observe_prompt(text);
      REQUIRE(one.available() == all.available());
      // What it says is there, after tokens like the text's last two.
      if (one.available()) {
        REQUIRE(one.token(0, text) == all.token(0, text));
        bool there = false;
        for (std::size_t at = 2; at < text.size(); ++at) {
          there = there || (text[at] == one.token(0, text) && text[at - 1] == text[text.size() - 1] &&
                            text[at - 2] == text[text.size() - 2]);
        }
        REQUIRE(there);
      }
    }
  }
}

TEST_CASE("drafts that are wrong lose trust, and right ones win it") {
  PromptLookup right(1000), wrong(1000);
  std::vector<TokenId> loop, noise;
  std::mt19937 random(1);
  for (int i = 0; i < 400; ++i) {
    loop.push_back(i % 7);
    right.observe(loop);
    noise.push_back(static_cast<TokenId>(random() % 6));  // pairs come again, and mean nothing
    wrong.observe(noise);
  }
  REQUIRE(right.probability(0) > 0.9);
  REQUIRE(wrong.probability(0) < 0.4);
}

TEST_CASE("as many drafts as are worth their time") {
  PromptLookup sure(1000), unsure(1000);
  std::vector<TokenId> loop, noise;
  std::mt19937 random(2);
  for (int i = 0; i < 400; ++i) {
    loop.push_back(i % 7);
    sure.observe(loop);
  }
  do {
    noise.push_back(static_cast<TokenId>(random() % 6));
    unsure.observe(noise);
  } while (noise.size() < 400 || !unsure.available());
  const auto worth = [](const StepCosts& costs, const PromptLookup& lookup, std::size_t most = 100) {
    const auto length = costs.choose_draft_length(lookup, most, {.rows = 1, .tokens = 1});
    REQUIRE(length.step.rows == 1 + length.drafts);
    REQUIRE(length.step.tokens <= double(length.step.rows));
    return length.drafts;
  };
  StepCosts flat, steep, cliff;
  for (const std::size_t rows : {1, 2, 3, 4, 8, 16}) {
    flat.record(rows, 1);
    steep.record(rows, double(rows));
    cliff.record(rows, rows <= 4 ? 1 : 5);
  }
  CHECK(worth(flat, sure) == 15);
  CHECK(worth(steep, sure) == 0);
  CHECK(worth(cliff, sure) == 3);
  CHECK(worth(steep, unsure) == 0);
  CHECK(worth(flat, sure, 2) == 2);
  CHECK(worth(flat, sure, 0) == 0);
  CHECK(worth(flat, PromptLookup(10)) == 0);
  // Among many, who leave no room.
  CHECK(flat.choose_draft_length(sure, 100, {.rows = 16, .tokens = 16}).drafts == 0);
}

namespace {

// A drafter that takes time.
struct Slow : Drafter {
  explicit Slow(double seconds, double right = 0.7) : seconds_(seconds), right_(right) {}
  bool available() const override { return true; }
  double probability(std::size_t) const override { return right_; }
  double cost(std::size_t n) const override { return double(n) * seconds_; }
  TokenId token(std::size_t, std::span<const TokenId>) const override { return 0; }
  void observe(std::span<const TokenId>) override {}
  double seconds_, right_;
};

}  // namespace

TEST_CASE("drafts that take time have to be worth that too") {
  StepCosts costs;
  for (const std::size_t rows : {1, 2, 3, 4, 8, 16}) costs.record(rows, 1 + 0.05 * double(rows - 1));
  const auto drafts = [&](const Drafter& drafter) {
    return costs.choose_draft_length(drafter, 100, {.rows = 1, .tokens = 1}).drafts;
  };
  CHECK(drafts(Slow(0)) == 7);
  CHECK(drafts(Slow(0.1)) == 3);
  CHECK(drafts(Slow(1)) == 0);
  CHECK(drafts(Slow(0.1, 0.1)) == 0);
  CHECK(drafts(Slow(0.1, 0.99)) > 7);
}

TEST_CASE("a step that was held up is forgotten") {
  StepCosts costs;
  costs.record(1, 1);
  costs.record(4, 100);
  REQUIRE(costs.seconds(4) == 100);
  for (int i = 0; i < 2000; ++i) costs.record(1, 1);
  REQUIRE(costs.seconds(4) < 2);
}
