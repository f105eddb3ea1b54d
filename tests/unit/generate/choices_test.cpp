// What may come: constraints, allowed tokens, banned texts, limits; through the engine, alone and in company.
#include <algorithm>
#include <map>
#include <set>

#include "catch.h"
#include "cli/tiny_model.h"
#include "generate/engine.h"
#include "io/checkpoint.h"

using namespace continuo;
using continuo::test::TemporaryFolder;
using continuo::test::TinyModel;

namespace {

const std::atomic<bool> kNever{false};

struct Loaded {
  TemporaryFolder folder;
  std::optional<Model> model;
  std::optional<Tokenizer> tokenizer;
};

std::unique_ptr<Loaded> load(const TinyModel& tiny) {
  auto loaded = std::make_unique<Loaded>();
  tiny.write(loaded->folder.path());
  auto files = ModelFiles::folder(loaded->folder.path().string());
  REQUIRE(files);
  auto checkpoint = load_checkpoint(*files);
  REQUIRE(checkpoint);
  auto model = build_model(std::move(*checkpoint));
  REQUIRE(model);
  loaded->model = std::move(*model);
  auto tokenizer = Tokenizer::parse(files->open("tokenizer.json")->text(), "tokenizer.json");
  REQUIRE(tokenizer);
  loaded->tokenizer = std::move(*tokenizer);
  return loaded;
}

Engine make_engine(const Loaded& loaded, EngineOptions options = {}) {
  auto engine = Engine::create(*loaded.model, &*loaded.tokenizer, std::move(options));
  REQUIRE(engine);
  return std::move(*engine);
}

Completion complete(Engine& engine, const Request& request) {
  std::string streamed;
  std::size_t calls = 0;
  auto completion = engine.complete(
      request, [&](std::string_view text, const GeneratedToken&) { return streamed += text, ++calls, true; }, kNever);
  if (!completion) FAIL(completion.error().message());
  CHECK(streamed == completion->text);
  CHECK(calls == completion->tokens.size());
  return std::move(*completion);
}

Request request_of(std::string_view prompt, std::int64_t max_tokens, float temperature = 0) {
  Request request{.max_tokens = max_tokens};
  for (const char c : prompt) request.prompt.push_back(static_cast<unsigned char>(c));
  request.sampling.temperature = temperature;
  return request;
}

std::vector<TokenId> ids_of(const Completion& completion) {
  std::vector<TokenId> ids;
  for (const GeneratedToken& token : completion.tokens) ids.push_back(token.id);
  return ids;
}

// The definition of banned texts, by requests of one token: where one is complete, the token with which it
// begins has no probability there.
std::vector<TokenId> without_banned(Engine& engine, Request request, std::size_t n) {
  const std::vector<std::string> banned = std::exchange(request.banned, {});
  const std::vector<TokenId> prompt = request.prompt;
  std::vector<TokenId> text;
  std::map<std::size_t, std::set<TokenId>> refused;
  while (text.size() < n) {
    Request one = request;
    one.prompt.insert(one.prompt.end(), text.begin(), text.end());
    one.max_tokens = 1;
    for (const TokenId id : refused[text.size()]) one.sampling.logit_bias.push_back({id, -1e30f});
    for (const std::string& phrase : banned) {  // a token that spells one is never possible
      if (phrase.size() == 1) one.sampling.logit_bias.push_back({static_cast<unsigned char>(phrase[0]), -1e30f});
    }
    text.push_back(ids_of(complete(engine, one)).at(0));
    if (text.back() == TinyModel::kEnd) return text;
    for (const std::string& phrase : banned) {
      if (text.size() < phrase.size()) continue;
      const std::size_t begin = text.size() - phrase.size();
      if (!std::equal(phrase.begin(), phrase.end(), text.begin() + static_cast<std::ptrdiff_t>(begin),
                      [](char c, TokenId id) { return static_cast<unsigned char>(c) == id; }))
        continue;
      refused[begin].insert(text[begin]);
      for (auto later = refused.upper_bound(begin); later != refused.end();) later = refused.erase(later);
      text.resize(begin);
      break;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("a continuation is what it has to be") {
  const auto loaded = load({.context = 60});
  Engine engine = make_engine(*loaded);
  SECTION("one of several texts, of which the likelier is taken") {
    Request request = request_of("a", -1);
    request.constraint = {ConstraintKind::choice, {"xyz", "bcd", "q"}};
    const Completion completion = complete(engine, request);
    CHECK(completion.text == "bcd");
    CHECK(completion.finish == FinishReason::stop);
    CHECK(completion.complete);
  }
  SECTION("what a regular expression matches, with characters of several bytes") {
    Request request = request_of("1", -1, 1);
    request.constraint = {ConstraintKind::regex, {"(\xe2\x82\xac|[a-c]){5}[0-9]"}};
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      request.sampling.seed = seed;
      const Completion completion = complete(engine, request);
      CHECK(completion.finish == FinishReason::stop);
      CHECK(completion.text.back() >= '0');
      CHECK(completion.text.back() <= '9');
    }
  }
  SECTION("tokens run out") {
    Request request = request_of("a", 3);
    request.constraint = {ConstraintKind::json, {R"({"enum":["abcdef"]})"}};
    const Completion completion = complete(engine, request);
    CHECK(completion.text == "\"ab");
    CHECK(completion.finish == FinishReason::length);
    CHECK(!completion.complete);
  }
  SECTION("the model may end where the text may") {
    Request request = request_of("a", 20);
    request.constraint = {ConstraintKind::regex, {"b!?"}};
    CHECK(complete(engine, request).text == "b!");
    request.constraint = {ConstraintKind::regex, {"!*"}};
    request.prompt = {'!'};
    const Completion completion = complete(engine, request);
    CHECK(completion.text.empty());
    CHECK(completion.finish == FinishReason::eos);
  }
  SECTION("nothing at all") {
    Request request = request_of("a", 20);
    request.constraint = {ConstraintKind::regex, {""}};
    const Completion completion = complete(engine, request);
    CHECK(completion.tokens.empty());
    CHECK(completion.finish == FinishReason::stop);
  }
  SECTION("log-probabilities change no token") {
    Request request = request_of("a", 30, 1.3f);
    request.constraint = {ConstraintKind::json,
                          {R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"]})"}};
    request.sampling.mirostat = 2;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      request.sampling.seed = seed;
      request.want_logprob = false;
      const Completion plain = complete(engine, request);
      request.want_logprob = true;
      CHECK(ids_of(complete(engine, request)) == ids_of(plain));
    }
  }
}

TEST_CASE("constraints that cannot be met are errors of the request") {
  const auto loaded = load({});
  const Engine engine = make_engine(*loaded);
  Request request = request_of("a", 5);
  request.constraint = {ConstraintKind::regex, {"(a"}};
  REQUIRE(!engine.check(request));
  CHECK(engine.check(request).error().message().starts_with("regex has a '('"));
  request.constraint = {ConstraintKind::json, {"false"}};
  CHECK(!engine.check(request));
}

TEST_CASE("a banned text is never there, and the text is what would have been drawn without it") {
  const auto loaded = load({.context = 60, .preference = 4});
  for (const std::size_t chunk : {512, 3}) {
    Engine engine = make_engine(*loaded, {.chunk = chunk});
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      Request request = request_of("a", 40, 0.7f);
      request.sampling.seed = seed;
      request.banned = {"bcd", "ef", "ij", "lmno", "abab", "m"};
      const Completion completion = complete(engine, request);
      INFO("seed " << seed);
      for (const std::string& banned : request.banned) CHECK(completion.text.find(banned) == std::string::npos);
      CHECK(ids_of(completion) == without_banned(engine, request, 40));
    }
  }
}

TEST_CASE("banned texts and constraints in company are as alone") {
  const auto loaded = load({.context = 60, .preference = 4});
  std::vector<Request> requests;
  for (std::uint64_t i = 0; i < 12; ++i) {
    Request request = request_of(i % 2 ? "abcdefgh" : "abcd", 25, 0.9f);
    request.sampling.seed = i;
    if (i % 3 == 0) request.banned = {"efg", "kl", "pqrs"};
    if (i % 3 == 1) request.constraint = {ConstraintKind::regex, {"([a-m]{3}-)*[0-9]"}};
    requests.push_back(std::move(request));
  }
  Engine together = make_engine(*loaded);
  std::vector<std::vector<TokenId>> ids(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    REQUIRE(together.check(requests[i]));
    together.submit(requests[i], {}, [&ids, i](Result<Completion> done) { ids[i] = ids_of(*done); });
  }
  while (together.unfinished() > 0) together.step();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Engine alone = make_engine(*loaded);
    CHECK(ids_of(complete(alone, requests[i])) == ids[i]);
  }
}

TEST_CASE("limits of a text") {
  const auto loaded = load({.context = 60});
  Engine engine = make_engine(*loaded);
  SECTION("a stop text is kept where that is asked for") {
    Request request = request_of("a", 20);
    request.stop = {"ef"};
    request.include_stop = true;
    CHECK(complete(engine, request).text == "bcdef");
  }
  SECTION("a stop token") {
    Request request = request_of("a", 20);
    request.sampling.stop_tokens = {'e'};
    const Completion completion = complete(engine, request);
    CHECK(completion.text == "bcd");
    CHECK(completion.finish == FinishReason::stop);
    request.include_stop = true;
    CHECK(complete(engine, request).text == "bcde");
  }
  SECTION("no end before so many tokens") {
    Request request = request_of("!", 20);
    request.sampling.min_tokens = 4;
    CHECK(complete(engine, request).tokens.size() >= 4);
    request.sampling.min_tokens = 0;
    CHECK(complete(engine, request).tokens.size() == 1);
  }
  SECTION("allowed tokens alone") {
    Request request = request_of("a", 6);
    request.allowed_tokens = {'b', 'x'};
    CHECK(complete(engine, request).text.substr(0, 1) == "b");
    CHECK(complete(engine, request).text.find_first_not_of("bx") == std::string::npos);
  }
  SECTION("the same again and again") {
    Request request = request_of("X", 30);
    request.repetition = {.max_pattern = 3, .min_pattern = 1, .min_count = 4};
    const Completion completion = complete(engine, request);
    CHECK(completion.text == "XXXX");
    CHECK(completion.finish == FinishReason::repetition);
    request.repetition.min_pattern = 2;
    CHECK(complete(engine, request).text == "XXXXXXXX");
  }
  SECTION("log-probabilities of named tokens") {
    Request request = request_of("a", 2);
    request.logprob_tokens = {'b', 'c'};
    const Completion completion = complete(engine, request);
    REQUIRE(completion.tokens[0].named.size() == 2);
    CHECK(completion.tokens[0].named[0].logprob > completion.tokens[0].named[1].logprob);
    CHECK(completion.tokens[1].named[0].logprob < completion.tokens[1].named[1].logprob);
  }
}
