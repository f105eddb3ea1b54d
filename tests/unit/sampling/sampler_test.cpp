#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <numeric>
#include <set>

#include "catch.h"
#include "sampling/random.h"

using namespace continuo;

namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_logits(std::size_t n, std::uint64_t seed) {
  std::vector<float> logits(n);
  for (std::size_t i = 0; i < n; ++i) {  // about normal, deviation 3
    double sum = 0;
    for (std::uint64_t j = 0; j < 12; ++j) sum += uniform(seed, j, i);
    logits[i] = static_cast<float>(3 * (sum - 6));
  }
  return logits;
}

// How often each token comes in n draws, as a share.
std::map<TokenId, double> frequencies(const SamplingOptions& options, std::span<const float> logits, int n) {
  Sampler sampler(options, logits.size());
  std::map<TokenId, double> counts;
  for (int i = 0; i < n; ++i) counts[*sampler.sample(logits, {0, static_cast<std::uint64_t>(i)})] += 1.0 / n;
  return counts;
}

std::set<TokenId> drawn(const SamplingOptions& options, std::span<const float> logits, int n = 2000) {
  std::set<TokenId> tokens;
  for (const auto& [token, share] : frequencies(options, logits, n)) tokens.insert(token);
  return tokens;
}

std::vector<double> softmax(std::span<const float> logits, double temperature) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  for (const float x : logits) p.push_back(std::exp((x - largest) / temperature));
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= total;
  return p;
}

// The filters as Hugging Face's processors define them, written out plainly over probabilities: which tokens
// stay.
std::set<TokenId> reference_kept(const SamplingOptions& o, std::span<const float> logits) {
  std::vector<double> p = softmax(logits, o.temperature);
  const auto by = [&](auto key) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (p[i] > 0) order.push_back(i);
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    return order;
  };
  const auto keep = [&](const std::vector<std::size_t>& order, std::size_t n) {
    for (std::size_t i = n; i < order.size(); ++i) p[order[i]] = 0;
    const double total = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& x : p) x /= total;
  };
  const auto mass = [&](const std::vector<std::size_t>& order, double wanted) {
    std::size_t n = 0;
    for (double before = 0; n < order.size() && before < wanted; ++n) before += p[order[n]];
    return n;
  };
  const auto likeliest = [&](std::size_t i) { return -p[i]; };
  if (o.top_k > 0) {
    const auto order = by(likeliest);
    keep(order, std::min(order.size(), static_cast<std::size_t>(o.top_k)));
  }
  if (o.top_p < 1) {
    const auto order = by(likeliest);
    keep(order, mass(order, o.top_p));
  }
  if (o.min_p > 0) {
    const auto order = by(likeliest);
    std::size_t n = 0;
    while (n < order.size() && p[order[n]] >= o.min_p * p[order[0]]) ++n;
    keep(order, n);
  }
  if (o.typical_p < 1) {
    double entropy = 0;
    for (const double x : p) entropy -= x > 0 ? x * std::log(x) : 0;
    const auto order = by([&](std::size_t i) { return std::fabs(-std::log(p[i]) - entropy); });
    keep(order, mass(order, o.typical_p));
  }
  std::set<TokenId> kept;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) kept.insert(static_cast<TokenId>(i));
  }
  return kept;
}

// What the chain keeps, read from its candidates.
std::set<TokenId> kept(const SamplingOptions& options, std::span<const float> logits) {
  History history;
  std::vector<float> changed;
  std::vector<Candidate> candidates;
  std::vector<Rank> ranks;
  std::vector<std::int32_t> bests;
  std::vector<double> weights;
  Chain chain{options, history, logits, changed, candidates, ranks, bests, weights};
  for (const Stage* stage : ordered_stages(options)) {
    if (stage->active(options)) stage->apply(chain);
    CHECK(std::is_sorted(candidates.begin(), candidates.end(), [](auto& a, auto& b) { return a.id < b.id; }));
  }
  std::set<TokenId> ids;
  for (const Candidate& candidate : candidates) ids.insert(candidate.id);
  return ids;
}

}  // namespace

TEST_CASE("greedy takes the largest logit and the lowest id among equals") {
  Sampler sampler({.temperature = 0, .top_k = 3, .top_p = 0.1f, .typical_p = 0.2f}, 5);
  CHECK(sampler.sample(std::vector<float>{1, 3, 2, 3, 0}, {}) == 1);
  CHECK(sampler.sample(std::vector<float>{-5, -4, -3, -2, -1}, {}) == 4);
}

TEST_CASE("scores that are not finite are never drawn") {
  const std::vector<float> logits = {kNan, 1, kInfinity, 1, -kInfinity};
  CHECK(drawn({}, logits) == std::set<TokenId>{1, 3});
  CHECK(drawn({.temperature = 0}, logits) == std::set<TokenId>{1});
  CHECK(drawn({.top_k = 4, .top_p = 0.99f, .min_p = 0.01f, .typical_p = 0.99f}, logits) == std::set<TokenId>{1, 3});
  for (const float temperature : {0.0f, 1.0f}) {
    Sampler sampler({.temperature = temperature}, 3);
    CHECK(sampler.sample(std::vector<float>{kNan, -kInfinity, kNan}, {}) == std::nullopt);
  }
}

TEST_CASE("draws follow the distribution at every temperature") {
  const std::vector<float> logits = {0, 1, 2, -1, 0.5f};
  for (const float temperature : {0.5f, 1.0f, 2.0f}) {
    const auto p = softmax(logits, temperature);
    const auto shares = frequencies({.temperature = temperature, .seed = 3}, logits, 40000);
    for (const auto& [token, share] : shares) CHECK(share == Approx(p[static_cast<std::size_t>(token)]).margin(0.01));
  }
}

TEST_CASE("temperatures at the ends of the range are harmless") {
  const std::vector<float> logits = {-3e38f, 0, 3e38f, 3e38f};
  CHECK(drawn({.temperature = 1e-38f}, logits) == std::set<TokenId>{2, 3});
  CHECK(drawn({.temperature = 3e38f}, logits) == std::set<TokenId>{0, 1, 2, 3});
}

// Ties, flat and peaked scores, scores that are not finite: with and without the shortcuts of the temperature stage.
TEST_CASE("shortcuts to the best scores keep the same candidates, with the same bits") {
  for (std::uint64_t seed = 1; seed <= 28; ++seed) {
    auto logits = random_logits(seed % 3 == 0 ? 9000 : 700, seed);
    for (float& logit : logits) {
      if (seed % 4 == 1) logit = std::round(logit);  // ties
      if (seed % 4 == 2) logit *= 0.1f;              // flat
      if (seed % 4 == 3 && logit > 7) logit += 20;   // peaked
      if (seed % 7 == 0) logit = 2;                  // all alike: rounding decides
      if (seed % 5 == 0 && logit < -6) logit = logit < -7 ? kNan : kInfinity;
    }
    for (const float top_p : {0.05f, 0.5f, 0.95f, 0.999f, 0.9999999f, 1.0f}) {
      for (const int top_k : {0, 1, 40, 8000}) {
        const SamplingOptions options{
            .temperature = 0.8f, .top_k = top_k, .top_p = top_p, .min_p = seed % 2 ? 0.001f : 0.0f};
        const History history;
        std::vector<float> changed;
        std::vector<Candidate> fast, plain;
        std::vector<Rank> ranks;
        std::vector<std::int32_t> bests;
        std::vector<double> weights;
        Chain short_cut{options, history, logits, changed, fast, ranks, bests, weights};
        apply_stages(ordered_stages(options), short_cut);
        Chain whole{options, history, logits, changed, plain, ranks, bests, weights, true};
        apply_stages(ordered_stages(options), whole);
        INFO("seed " << seed << ", top-p " << top_p << ", top-k " << top_k);
        REQUIRE(fast.size() == plain.size());
        REQUIRE(std::equal(fast.begin(), fast.end(), plain.begin(), [](const Candidate& a, const Candidate& b) {
          return a.id == b.id && a.weight == b.weight;
        }));
      }
    }
  }
}

TEST_CASE("filters keep what the reference keeps") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const auto logits = random_logits(seed % 2 ? 50 : 3000, seed);
    const auto u = [&](std::uint64_t i) { return static_cast<float>(uniform(99, seed, i)); };
    const SamplingOptions cases[] = {
        {.temperature = 0.5f + u(0), .top_k = 1 + static_cast<int>(u(1) * 60)},
        {.temperature = 0.5f + u(0), .top_p = 0.05f + 0.94f * u(2)},
        {.temperature = 0.5f + u(0), .min_p = 0.5f * u(3)},
        {.temperature = 0.5f + u(0), .typical_p = 0.05f + 0.94f * u(4)},
        {.temperature = 0.5f + u(0), .top_k = 200, .top_p = 0.9f, .min_p = 0.01f, .typical_p = 0.9f},
    };
    for (const SamplingOptions& options : cases) {
      CAPTURE(seed, options.temperature, options.top_k, options.top_p, options.min_p, options.typical_p);
      CHECK(kept(options, logits) == reference_kept(options, logits));
    }
  }
}

TEST_CASE("ties keep the lower ids") {
  const std::vector<float> logits = {1, 2, 2, 2, 2, 1};
  CHECK(kept({.top_k = 2}, logits) == std::set<TokenId>{1, 2});
  CHECK(kept({.top_p = 0.3f}, logits) == std::set<TokenId>{1, 2});
  const std::vector<float> flat(10000, 0.5f);
  CHECK(kept({.top_k = 3}, flat) == std::set<TokenId>{0, 1, 2});
  CHECK(kept({.top_p = 0.5f}, flat).size() == 5000);
  CHECK(*kept({.top_p = 0.5f}, flat).rbegin() == 4999);
}

TEST_CASE("filters always leave the best") {
  const auto logits = random_logits(100, 5);
  const auto best = static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  CHECK(kept({.top_k = 1}, logits) == std::set<TokenId>{best});
  CHECK(kept({.top_p = 1e-6f}, logits) == std::set<TokenId>{best});
  CHECK(kept({.min_p = 1}, logits) == std::set<TokenId>{best});
  CHECK(kept({.typical_p = 1e-6f}, logits).size() == 1);
  CHECK(kept({.top_k = 1000}, logits).size() == 100);
}

TEST_CASE("penalties and bias") {
  const std::vector<float> logits = {2, -2, 2.1f, 0, 0};
  SECTION("repetition divides positive and multiplies negative scores, once a token, prompt included") {
    Sampler sampler({.temperature = 0, .repeat_penalty = 2}, 5);
    CHECK(sampler.sample(logits, {}) == 2);
    sampler.observe_prompt(2);
    sampler.observe(2);
    CHECK(sampler.sample(logits, {}) == 0);  // 2.1 / 2
    sampler.observe(0);
    CHECK(sampler.sample(logits, {}) == 2);  // 1 against 1.05
  }
  SECTION("presence and frequency count the continuation alone") {
    Sampler presence({.temperature = 0, .presence_penalty = 0.5f}, 5);
    presence.observe_prompt(2);
    CHECK(presence.sample(logits, {}) == 2);
    presence.observe(2);
    presence.observe(2);
    CHECK(presence.sample(logits, {}) == 0);  // 1.6
    presence.observe(0);
    CHECK(presence.sample(logits, {}) == 2);  // 1.6 against 1.5
    Sampler frequency({.temperature = 0, .frequency_penalty = 0.09f}, 5);
    frequency.observe(2);
    CHECK(frequency.sample(logits, {}) == 2);
    frequency.observe(2);
    CHECK(frequency.sample(logits, {}) == 0);
  }
  SECTION("bias adds up and comes before the penalties") {
    Sampler sampler({.temperature = 0, .repeat_penalty = 4, .logit_bias = {{3, 2}, {3, 2}, {4, 4.1f}}}, 5);
    CHECK(sampler.sample(logits, {}) == 4);
    sampler.observe(4);
    CHECK(sampler.sample(logits, {}) == 3);
    sampler.observe(3);  // 4 / 4 and 4.1 / 4
    CHECK(sampler.sample(logits, {}) == 2);
  }
}

TEST_CASE("a draw depends on seed, sample and position, not on what was drawn before") {
  const auto logits = random_logits(1000, 11);
  Sampler one({.seed = 5}, logits.size()), two({.seed = 5}, logits.size());
  std::vector<TokenId> forward, backward;
  for (std::uint64_t i = 0; i < 50; ++i) forward.push_back(*one.sample(logits, {1, i}));
  for (std::uint64_t i = 50; i-- > 0;) backward.push_back(*two.sample(logits, {1, i}));
  std::reverse(backward.begin(), backward.end());
  CHECK(forward == backward);
  std::vector<TokenId> other_sample, other_seed;
  Sampler three({.seed = 6}, logits.size());
  for (std::uint64_t i = 0; i < 50; ++i) other_sample.push_back(*one.sample(logits, {2, i}));
  for (std::uint64_t i = 0; i < 50; ++i) other_seed.push_back(*three.sample(logits, {1, i}));
  CHECK(forward != other_sample);
  CHECK(forward != other_seed);
}

// The tokens themselves: any change of arithmetic or order shows here.
TEST_CASE("draws keep their bits") {
  const auto logits = random_logits(5000, 12);
  Sampler sampler({.temperature = 0.8f, .top_k = 100, .top_p = 0.95f, .min_p = 0.001f, .typical_p = 0.9f, .seed = 1},
                  logits.size());
  std::uint64_t hash = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    hash = hash * 0x100000001b3 + static_cast<std::uint64_t>(*sampler.sample(logits, {0, i}));
  }
  CHECK(hash == 0x2ae4b77d83460275u);
}

TEST_CASE("log probabilities") {
  const std::vector<float> logits = {1, 2, kNan, 2, -kInfinity};
  const auto p = softmax(std::vector<float>{1, 2, 2}, 1);
  CHECK(log_probability(logits, 0) == Approx(std::log(p[0])).epsilon(1e-14));
  CHECK(log_probability(logits, 2) == -std::numeric_limits<double>::infinity());
  CHECK(log_probability(logits, 4) == -std::numeric_limits<double>::infinity());
  const auto top = top_logprobs(logits, 10);
  REQUIRE(top.size() == 3);
  CHECK((top[0].token == 1 && top[1].token == 3 && top[2].token == 0));
  CHECK(top[0].logprob == log_probability(logits, 1));
  for (TokenId id = 0; id < static_cast<TokenId>(logits.size()); ++id) {
    CHECK(continuo::is_likeliest(logits, id) == (id == top[0].token));
  }
  CHECK(continuo::is_likeliest(std::vector<float>{-1, 2, 0, 2}, 1));
  CHECK_FALSE(continuo::is_likeliest(std::vector<float>{-1, 2, 0, 2}, 3));  // the lower id is as likely
  CHECK_FALSE(continuo::is_likeliest(std::vector<float>{kNan, -std::numeric_limits<float>::infinity()}, 0));
  CHECK(top_logprobs(logits, 2).size() == 2);
  CHECK(top_logprobs(logits, 0).empty());
  CHECK(top_logprobs(std::vector<float>{kNan}, 3).empty());
}

TEST_CASE("a larger wish for a token never makes it impossible") {
  constexpr float kMost = std::numeric_limits<float>::max();
  const std::vector<float> logits = {1, 5, 2, -3};
  const auto drawn = [&](SamplingOptions options) {
    options.temperature = 0;
    Sampler sampler(options, logits.size());
    sampler.observe(3);
    sampler.observe(3);
    return sampler.sample(logits, {});
  };
  CHECK(drawn({.logit_bias = {{2, 3e38f}}}) == 2);
  CHECK(drawn({.logit_bias = {{2, 3e38f}, {2, 3e38f}}}) == 2);
  CHECK(drawn({.logit_bias = {{2, kMost}, {2, kMost}, {0, kMost}}}) == 0);                // as much: the lower id
  CHECK(drawn({.logit_bias = {{2, kMost}, {2, kMost}, {2, -kMost}, {2, -kMost}}}) == 1);  // nothing in all
  CHECK(drawn({.frequency_penalty = -kMost}) == 3);
  CHECK(drawn({.presence_penalty = -kMost, .frequency_penalty = -kMost}) == 3);
  CHECK(drawn({.frequency_penalty = kMost}) == 1);
  // All are banned as far as can be, and one is still drawn.
  CHECK(drawn({.logit_bias = {{0, -kMost}, {1, -kMost}, {2, -kMost}, {3, -kMost}}}).has_value());
  Sampler seen({.temperature = 0, .repeat_penalty = 1e-40f}, logits.size());
  seen.observe(2);
  CHECK(seen.sample(logits, {}) == 2);
}

TEST_CASE("which tokens have a probability") {
  const std::vector<float> logits = {1, kNan, kInfinity, -kInfinity};
  CHECK(has_probability(logits, 0));
  CHECK_FALSE(has_probability(logits, 1));
  CHECK_FALSE(has_probability(logits, 2));
  CHECK(has_probability(logits, 3));
  CHECK_FALSE(has_probability(std::vector<float>{-kInfinity, kNan}, 0));
}

TEST_CASE("a large vocabulary is cheap", "[.][bench]") {
  const auto logits = random_logits(150000, 13);
  const std::pair<const char*, SamplingOptions> cases[] = {
      {"greedy", {.temperature = 0}},     {"temperature", {.temperature = 0.8f}},
      {"top-k 40", {.top_k = 40}},        {"top-p 0.95", {.temperature = 0.8f, .top_p = 0.95f}},
      {"top-p 0.999", {.top_p = 0.999f}}, {"typical", {.typical_p = 0.9f}},
  };
  for (const auto& [name, options] : cases) {
    Sampler sampler(options, logits.size());
    const std::clock_t start = std::clock();
    for (std::uint64_t i = 0; i < 20; ++i) (void)sampler.sample(logits, {0, i});
    WARN(name << ": " << 1e3 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC / 20 << " ms a draw");
  }
}
