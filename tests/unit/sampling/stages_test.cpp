// Each stage against its reference (scripts/make_sampler_goldens.py), and what holds for all of them.
#include "sampling/stages.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/json.h"
#include "catch.h"
#include "sampling/random.h"
#include "sampling/sampler.h"
#include "support.h"

using namespace continuo;

namespace {

Json golden_cases() {
  const char* const named = std::getenv("CONTINUO_SAMPLER_GOLDENS");
  const std::string path = named ? named : (test::source_folder() / "data/samplers.json").string();
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  auto json = parse_json(text.str(), path);
  REQUIRE(json);
  return std::move(*json);
}

const std::map<std::string, float SamplingOptions::*> kFloats = {
    {"temperature", &SamplingOptions::temperature},
    {"repeat_penalty", &SamplingOptions::repeat_penalty},
    {"presence_penalty", &SamplingOptions::presence_penalty},
    {"frequency_penalty", &SamplingOptions::frequency_penalty},
    {"dry_multiplier", &SamplingOptions::dry_multiplier},
    {"dry_base", &SamplingOptions::dry_base},
    {"top_n_sigma", &SamplingOptions::top_n_sigma},
    {"dynatemp_range", &SamplingOptions::dynatemp_range},
    {"dynatemp_exponent", &SamplingOptions::dynatemp_exponent},
    {"top_h", &SamplingOptions::top_h},
    {"epsilon_cutoff", &SamplingOptions::epsilon_cutoff},
    {"eta_cutoff", &SamplingOptions::eta_cutoff},
    {"xtc_probability", &SamplingOptions::xtc_probability},
    {"xtc_threshold", &SamplingOptions::xtc_threshold},
    {"adaptive_target", &SamplingOptions::adaptive_target}};
const std::map<std::string, int SamplingOptions::*> kInts = {
    {"top_k", &SamplingOptions::top_k},
    {"repeat_last_n", &SamplingOptions::repeat_last_n},
    {"no_repeat_ngram", &SamplingOptions::no_repeat_ngram},
    {"dry_allowed_length", &SamplingOptions::dry_allowed_length},
    {"dry_penalty_last_n", &SamplingOptions::dry_penalty_last_n},
    {"min_tokens", &SamplingOptions::min_tokens},
    {"mirostat", &SamplingOptions::mirostat}};

struct Golden {
  SamplingOptions options{.end_tokens = {3}};
  SamplingFeedback feedback;
};

std::shared_ptr<const std::vector<SequenceBreaker>> breakers_of(const Json& list) {
  std::vector<SequenceBreaker> breakers;
  for (const Json& breaker : list) {
    const auto tokens = breaker.get<std::vector<TokenId>>();
    breakers.push_back({tokens.front(), {tokens.begin() + 1, tokens.end()}});
  }
  return std::make_shared<const std::vector<SequenceBreaker>>(std::move(breakers));
}

Golden golden_of(const Json& json) {
  Golden golden;
  SamplingOptions& o = golden.options;
  for (const auto& [key, value] : json.items()) {
    if (const auto field = kFloats.find(key); field != kFloats.end()) {
      o.*field->second = value.get<float>();
    } else if (const auto whole = kInts.find(key); whole != kInts.end()) {
      o.*whole->second = value.get<int>();
    } else if (key == "breakers") {
      o.dry_breakers = breakers_of(value);
    } else if (key == "samplers") {
      o.samplers = value.get<std::vector<std::string>>();
    } else if (key == "exponential_decay_length_penalty") {
      o.length_penalty_start = value[0].get<int>();
      o.length_penalty_factor = value[1].get<float>();
    } else if (key == "mu") {
      golden.feedback.mirostat_mu = value.get<double>();
    } else if (key == "adaptive_sum") {
      golden.feedback.adaptive_sum = value.get<double>();
    } else if (key == "adaptive_weight") {
      golden.feedback.adaptive_weight = value.get<double>();
    } else {
      FAIL("an option of the file that the test does not know: " << key);
    }
  }
  return golden;
}

// Memory for a chain.
struct Buffers {
  std::vector<float> changed;
  std::vector<Candidate> candidates;
  std::vector<Rank> ranks;
  std::vector<std::int32_t> bests;
  std::vector<double> weights;

  Chain chain(const SamplingOptions& options, const History& history, std::span<const float> logits) {
    return {options, history, logits, changed, candidates, ranks, bests, weights};
  }
};

std::vector<float> some_logits(std::size_t n, std::uint64_t seed) {
  std::vector<float> logits(n);
  for (std::size_t i = 0; i < n; ++i) logits[i] = static_cast<float>(8 * uniform(seed, 0, i) + 4 * uniform(seed, 1, i));
  return logits;
}

}  // namespace

TEST_CASE("each stage keeps what its reference keeps, with the same probabilities") {
  std::set<std::string> names;
  for (const Json& golden : golden_cases()) {
    const auto [options, feedback] = golden_of(golden.at("options"));
    INFO(golden.dump());
    REQUIRE(validate(options, 24));
    History history(options.repeat_last_n);
    const auto text = golden.at("text").get<std::vector<TokenId>>();
    for (std::size_t i = 0; i < text.size(); ++i)
      i < golden.at("prompt").get<std::size_t>() ? history.add_prompt(text[i]) : history.add(text[i]);
    const auto logits = golden.at("logits").get<std::vector<float>>();
    Buffers buffers;
    Chain chain = buffers.chain(options, history, logits);
    chain.feedback = feedback;
    apply_stages(ordered_stages(options), chain);
    const auto probabilities = golden.at("probabilities").get<std::vector<double>>();
    double total = 0;
    std::vector<int> kept;
    for (const Candidate& candidate : chain.candidates) {
      total += candidate.weight;
      kept.push_back(candidate.id);
    }
    REQUIRE(kept == golden.at("kept").get<std::vector<int>>());
    for (const Candidate& candidate : chain.candidates) {
      REQUIRE(std::fabs(candidate.weight / total - probabilities[static_cast<std::size_t>(candidate.id)]) < 1e-5);
    }
    names.insert(golden.at("name").get<std::string>());
  }
  CHECK(names.size() == 16);
}

TEST_CASE("Mirostat and adaptive-p learn from what is drawn") {
  const auto logits = some_logits(200, 3);
  for (const int version : {1, 2}) {
    Sampler sampler({.mirostat = version, .mirostat_tau = 3, .mirostat_eta = 0.5f}, logits.size());
    CHECK(sampler.feedback().mirostat_mu == 6);
    for (std::uint64_t i = 0; i < 300; ++i) {
      const double before = sampler.feedback().mirostat_mu;
      sampler.sample(logits, {0, i});
      const double bits = (before - sampler.feedback().mirostat_mu) / 0.5 + 3;
      REQUIRE(bits >= -1e-9);
      if (version == 2) REQUIRE(bits <= std::max(before, 0.0) + 1e-9);
    }
  }
  Sampler sampler({.adaptive_target = 0.02f, .adaptive_decay = 0.5f}, logits.size());
  CHECK(sampler.feedback().adaptive_weight == 2);
  sampler.sample(logits, {});
  CHECK(sampler.feedback().adaptive_weight == 2);
  CHECK(sampler.feedback().adaptive_sum > 0.02);
}

TEST_CASE("a sampler that resumes draws as one that went on") {
  const auto logits = some_logits(100, 5);
  const SamplingOptions options{.seed = 9, .mirostat = 2, .mirostat_tau = 2};
  Sampler whole(options, logits.size()), first(options, logits.size()), second(options, logits.size());
  for (std::uint64_t i = 0; i < 40; ++i) {
    if (i == 20) second.resume(first.feedback());
    Sampler& part = i < 20 ? first : second;
    REQUIRE(whole.sample(logits, {0, i}) == part.sample(logits, {0, i}));
  }
}

TEST_CASE("top choices are excluded as often as asked, by numbers that the draw does not see") {
  const std::vector<float> logits = {2, 1.9f, 0.5f, -3};
  Sampler sampler({.xtc_probability = 0.3f, .xtc_threshold = 0.3f}, logits.size());
  int excluded = 0;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const bool expected = uniform(0, 0, i, RandomStream::exclusion) < double{0.3f};
    excluded += expected;
    const auto token = sampler.sample(logits, {0, i});
    if (expected) REQUIRE(token != 0);
  }
  CHECK(std::fabs(excluded / 20000.0 - 0.3) < 0.02);
}

TEST_CASE("greedy is greedy with every sampler") {
  const auto logits = some_logits(50, 7);
  const auto best = static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
  const SamplingOptions all{.temperature = 0,
                            .top_n_sigma = 1,
                            .dynatemp_range = 1,
                            .top_h = 0.5f,
                            .epsilon_cutoff = 0.1f,
                            .eta_cutoff = 0.1f,
                            .xtc_probability = 1};
  CHECK(Sampler(all, 50).sample(logits, {}) == best);
  for (const int version : {1, 2})
    CHECK(Sampler({.temperature = 0, .mirostat = version}, 50).sample(logits, {}) == best);
  CHECK(Sampler({.temperature = 0, .adaptive_target = 0.1f}, 50).sample(logits, {}) == best);
  CHECK(Sampler({.temperature = 0, .samplers = {"top_k", "temperature"}}, 50).sample(logits, {}) == best);
}

TEST_CASE("only tokens that are allowed are drawn") {
  const auto logits = some_logits(130, 1);
  const std::vector<std::uint64_t> allowed = {1ull << 5, 1ull << 63, 1ull << 1};
  SamplingScratch scratch;
  std::set<TokenId> drawn;
  Sampler sampler({}, logits.size());
  for (std::uint64_t i = 0; i < 3000; ++i) drawn.insert(*sampler.sample(logits, {0, i}, scratch, allowed));
  CHECK(drawn == std::set<TokenId>{5, 127, 129});
  CHECK(!sampler.sample(logits, {}, scratch, std::vector<std::uint64_t>(3)));
}

TEST_CASE("scores that are not finite, or all alike, are no trouble for any stage") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<SamplingOptions> each = {{.top_n_sigma = 1},
                                             {.dynatemp_range = 1, .dynatemp_exponent = 0},
                                             {.dynatemp_range = 1},
                                             {.top_h = 0.5f},
                                             {.epsilon_cutoff = 0.9f},
                                             {.eta_cutoff = 0.9f},
                                             {.xtc_probability = 1},
                                             {.mirostat = 1},
                                             {.mirostat = 2},
                                             {.adaptive_target = 0.5f},
                                             {.mirostat = 1, .mirostat_tau = 0}};
  const std::vector<std::vector<float>> logits = {{kNan, kInfinity, -kInfinity, kNan},
                                                  {kNan, 1, kInfinity, -kInfinity},
                                                  {2, 2, 2, 2},
                                                  {3e38f, -3e38f, 3e38f, 0},
                                                  {1, kNan, 1, -kInfinity}};
  for (const SamplingOptions& options : each) {
    for (const auto& row : logits) {
      Sampler sampler(options, row.size());
      for (std::uint64_t i = 0; i < 20; ++i) {
        const auto token = sampler.sample(row, {0, i});
        if (row[1] == kInfinity && std::isnan(row[0]) && std::isnan(row[3])) {
          REQUIRE(!token);
        } else {
          REQUIRE(token);
          REQUIRE(std::isfinite(row[static_cast<std::size_t>(*token)]));
        }
      }
    }
  }
}

TEST_CASE("orders of samplers are checked by name") {
  const auto error = [](std::vector<std::string> samplers) {
    const auto result = validate(SamplingOptions{.samplers = std::move(samplers)});
    return result ? std::string() : result.error().message();
  };
  CHECK(error({"penalties", "dry", "top_n_sigma", "top_k", "typ_p", "top_p", "min_p", "xtc", "temperature"}).empty());
  CHECK(error({"top-k"}).starts_with("samplers has 'top-k', expected some of penalties, dry,"));
  CHECK(error({""}).starts_with("samplers has '', expected"));
  CHECK(error({"top_k", "min_p", "top_k"}) == "samplers has 'top_k' twice");
  CHECK(error({"top_k", "dry"}).starts_with("samplers has 'dry' behind 'top_k', expected it before ("));
}
