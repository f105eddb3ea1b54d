#include "generate/engine.h"

#include <cmath>
#include <numeric>

#include "catch.h"
#include "cli/tiny_model.h"
#include "io/checkpoint.h"

using namespace continuo;
using continuo::test::TemporaryFolder;
using continuo::test::TinyModel;

namespace {

const std::atomic<bool> kNever{false};

struct Loaded {
  std::unique_ptr<TemporaryFolder> folder = std::make_unique<TemporaryFolder>();
  std::unique_ptr<Model> model;
  std::unique_ptr<Tokenizer> tokenizer;
};

Loaded load(const TinyModel& tiny) {
  Loaded loaded;
  tiny.write(loaded.folder->path());
  auto files = ModelFiles::folder(loaded.folder->path().string());
  REQUIRE(files);
  auto checkpoint = load_checkpoint(*files);
  REQUIRE(checkpoint);
  auto model = build_model(std::move(*checkpoint));
  if (!model) FAIL(model.error().message());
  loaded.model = std::make_unique<Model>(std::move(*model));
  auto tokenizer = Tokenizer::parse(files->open("tokenizer.json")->text(), "tokenizer.json");
  if (!tokenizer) FAIL(tokenizer.error().message());
  loaded.tokenizer = std::make_unique<Tokenizer>(std::move(*tokenizer));
  return loaded;
}

Engine make_engine(const Loaded& loaded, EngineOptions options = {}) {
  auto engine = Engine::create(*loaded.model, loaded.tokenizer.get(), std::move(options));
  REQUIRE(engine);
  return std::move(*engine);
}

Request greedy(const Loaded& loaded, std::string_view prompt, std::int64_t max_tokens) {
  Request request{.prompt = loaded.tokenizer->encode(prompt, true), .max_tokens = max_tokens};
  request.sampling.temperature = 0;
  return request;
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

}  // namespace

TEST_CASE("a request ends for one reason") {
  const Loaded loaded = load({.context = 20});
  Engine engine = make_engine(loaded);

  SECTION("length") {
    const auto completion = complete(engine, greedy(loaded, "a", 5));
    CHECK(completion.text == "bcdef");
    CHECK(completion.finish == FinishReason::length);
    CHECK(completion.prompt_tokens == 2);
    CHECK(complete(engine, greedy(loaded, "a", 0)).finish == FinishReason::length);
  }
  SECTION("end token, whose text is never shown") {
    const auto completion = complete(engine, greedy(loaded, "!", -1));
    CHECK(completion.text.empty());
    CHECK(completion.finish == FinishReason::eos);
    REQUIRE(completion.tokens.size() == 1);
    CHECK(completion.tokens[0].id == TinyModel::kEnd);
    Request request = greedy(loaded, "!", 3);
    request.ignore_eos = true;
    CHECK(complete(engine, request).finish == FinishReason::length);
  }
  SECTION("context: prompt and continuation fill it") {
    for (const std::int64_t limit : {std::int64_t{-1}, std::int64_t{100}}) {
      const auto completion = complete(engine, greedy(loaded, "a", limit));
      CHECK(completion.finish == FinishReason::context);
      CHECK(completion.tokens.size() == 18);
    }
    CHECK(complete(engine, greedy(loaded, "a", 18)).finish == FinishReason::length);
    const auto full = complete(engine, greedy(loaded, std::string(19, 'a'), 5));
    CHECK(full.tokens.empty());
    CHECK(full.finish == FinishReason::context);
  }
  SECTION("stop string, which is never shown") {
    Request request = greedy(loaded, "a", 10);
    request.stop = {"fg", "xyz"};
    const auto completion = complete(engine, request);
    CHECK(completion.text == "bcde");
    CHECK(completion.finish == FinishReason::stop);
    CHECK(completion.tokens.size() == 6);
    request.stop = {"kl"};  // only begun: the text ends with it
    const auto unfinished = complete(engine, request);
    CHECK(unfinished.text == "bcdefghijk");
    CHECK(unfinished.finish == FinishReason::length);
    request.max_tokens = 11;  // the last token allowed completes it
    CHECK(complete(engine, request).finish == FinishReason::stop);
  }
  SECTION("interrupted") {
    std::atomic<bool> interrupted{false};
    std::string streamed;
    const auto sink = [&](std::string_view text, const GeneratedToken&) {
      streamed += text;
      interrupted = streamed == "bcd";
      return true;
    };
    const auto completion = engine.complete(greedy(loaded, "a", -1), sink, interrupted);
    REQUIRE(completion);
    CHECK(completion->finish == FinishReason::interrupted);
    CHECK(completion->text == "bcd");
  }
  SECTION("the reader goes away") {
    const auto completion = engine.complete(
        greedy(loaded, "a", -1), [](auto, auto&) { return false; }, kNever);
    REQUIRE(completion);
    CHECK(completion->tokens.size() == 1);
  }
}

TEST_CASE("text comes in whole characters") {
  const Loaded loaded = load({});
  Engine engine = make_engine(loaded);
  std::vector<std::string> pieces;
  const auto sink = [&](std::string_view text, const GeneratedToken&) { return pieces.emplace_back(text), true; };
  REQUIRE(engine.complete(greedy(loaded, "1", 6), sink, kNever));
  CHECK(pieces == std::vector<std::string>{"", "", "€", "", "", "€"});

  CHECK(complete(engine, greedy(loaded, "1", 4)).text == "€\uFFFD");  // the text ends inside a character
  CHECK(complete(engine, greedy(loaded, "1\xE2", 2)).text == "€");    // the prompt began it
  CHECK(complete(engine, greedy(loaded, "1\xE2\x82", 3)).text == "€\uFFFD");
  CHECK(complete(engine, greedy(loaded, "1\xE2", 1)).text.empty());  // what is half is the prompt's
  TinyModel other;
  other.successor[0xE2] = 'q';
  const Loaded loaded_other = load(other);
  Engine engine_other = make_engine(loaded_other);
  CHECK(complete(engine_other, greedy(loaded_other, "1\xE2", 2)).text == "qr");
  Request request = greedy(loaded, "1", 20);
  request.stop = {"€€"};
  CHECK(complete(engine, request).text.empty());
}

TEST_CASE("a request that cannot be meant is an error") {
  const Loaded loaded = load({.context = 20});
  Engine engine = make_engine(loaded);
  const auto error = [&](const Request& request) {
    const auto result = engine.complete(request, {}, kNever);
    REQUIRE(!result);
    return result.error();
  };
  CHECK(error({}).kind == ErrorKind::usage);
  CHECK(error({.prompt = {-1}}).what == "token id -1 is outside the vocabulary, expected 0 to 257");
  CHECK(error({.prompt = {TinyModel::kVocab}}).kind == ErrorKind::usage);
  const Error long_prompt = error({.prompt = std::vector<TokenId>(21, 65)});
  CHECK(long_prompt.kind == ErrorKind::context);
  CHECK(long_prompt.what == "the prompt has 21 tokens and the model's context holds 20");
  CHECK(error({.prompt = {65}, .max_tokens = -2}).kind == ErrorKind::usage);
  CHECK(error({.prompt = {65}, .stop = {""}}).kind == ErrorKind::usage);
  CHECK(error({.prompt = {65}, .stop = {"\xE2"}}).kind == ErrorKind::usage);
  CHECK(error({.prompt = {65}, .sampling = {.top_p = 2}}).kind == ErrorKind::usage);
  CHECK(error({.prompt = {65}, .sampling = {.logit_bias = {{300, 1}}}}).kind == ErrorKind::usage);
  CHECK(!Engine::create(*loaded.model, nullptr, {.kernels = "abacus"}));
}

TEST_CASE("damaged weights are an error, not a text") {
  const Loaded loaded = load({.norm = std::nanf("")});
  Engine engine = make_engine(loaded);
  const auto result = engine.complete(greedy(loaded, "a", 3), {}, kNever);
  REQUIRE(!result);
  CHECK(result.error().kind == ErrorKind::model);
}

TEST_CASE("the cut of the prompt and the threads do not change the text") {
  const Loaded loaded = load({.preference = 3});
  Request request = greedy(loaded, "the quick brown fox", 30);
  request.sampling = {.temperature = 1, .top_p = 0.9f, .repeat_penalty = 1.1f, .presence_penalty = 0.1f, .seed = 5};
  request.want_logprob = true;
  request.logprobs = 2;
  Engine one = make_engine(loaded, {.threads = 1});
  const auto expected = complete(one, request);
  for (const EngineOptions& options : {EngineOptions{.threads = 3}, EngineOptions{.threads = 1, .chunk = 1},
                                       EngineOptions{.threads = 2, .chunk = 7}}) {
    Engine engine = make_engine(loaded, options);
    const auto completion = complete(engine, request);
    CHECK(completion.text == expected.text);
    REQUIRE(completion.tokens.size() == expected.tokens.size());
    for (std::size_t i = 0; i < expected.tokens.size(); ++i) {
      CHECK(completion.tokens[i].logprob == expected.tokens[i].logprob);
      REQUIRE(completion.tokens[i].top.size() == 2);
      CHECK(completion.tokens[i].top[0].logprob == expected.tokens[i].top[0].logprob);
    }
  }
  request.sample = 1;
  CHECK(complete(one, request).text != expected.text);
}

TEST_CASE("scores") {
  const Loaded loaded = load({.preference = 4});
  const std::vector<TokenId> ids = {'a', 'b', 'x', 'y', 'z'};
  const double likely = 4 - std::log(257 + std::exp(4.0)), unlikely = -std::log(257 + std::exp(4.0));
  std::vector<double> first;
  for (const std::size_t chunk : {512, 2, 1}) {
    Engine engine = make_engine(loaded, {.chunk = chunk});
    const auto score = engine.score(ids, kNever);
    REQUIRE(score);
    REQUIRE(score->logprobs.size() == 4);
    CHECK(score->logprobs[0] == Approx(likely).margin(1e-4));
    CHECK(score->logprobs[1] == Approx(unlikely).margin(1e-4));
    REQUIRE(score->last_logits.size() == TinyModel::kVocab);
    CHECK(score->last_logits['a'] == Approx(4).margin(1e-3));
    if (first.empty()) first = score->logprobs;
    CHECK(score->logprobs == first);
  }
  Engine engine = make_engine(loaded);
  CHECK(engine.score(std::vector<TokenId>{'a'}, kNever)->logprobs.empty());
  CHECK(engine.score({}, kNever).error().kind == ErrorKind::usage);
  CHECK(engine.score(std::vector<TokenId>(65, 'a'), kNever).error().kind == ErrorKind::context);
  const std::atomic<bool> interrupted{true};
  CHECK(engine.score(ids, interrupted).error().kind == ErrorKind::interrupted);
}

TEST_CASE("the likeliest tokens at each position of a score") {
  const Loaded loaded = load({.preference = 4});
  Engine engine = make_engine(loaded);
  std::optional<Result<Score>> score;
  engine.submit(ScoreRequest{.ids = {'a', 'b', 'x', 'y'}, .top = 2},
                [&](Result<Score> done) { score = std::move(done); });
  while (!score) engine.step();
  REQUIRE(*score);
  const Score& all = **score;
  REQUIRE(all.top.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) REQUIRE(all.top[i].size() == 2);
  CHECK(all.top[0][0].token == 'b');
  CHECK(all.top[0][0].logprob == all.logprobs[0]);
  CHECK(all.top[1][0].token == 'c');
  CHECK(all.top[1][0].logprob > all.logprobs[1]);
}

TEST_CASE("a cancelled request ends before the next step, and others go on as they were") {
  const Loaded loaded = load({});
  for (const std::size_t max_running : {1, 3}) {
    Engine engine = make_engine(loaded, {.max_running = max_running, .share_prefixes = true});
    std::vector<std::optional<Completion>> done(3);
    std::vector<std::uint64_t> numbers;
    for (std::size_t i = 0; i < 3; ++i) {
      numbers.push_back(engine.submit(greedy(loaded, "a", 10), {}, [&done, i](Result<Completion> completion) {
        REQUIRE(completion);
        CHECK(!done[i]);
        done[i] = std::move(*completion);
      }));
    }
    std::optional<Result<Score>> score;
    numbers.push_back(engine.submit(ScoreRequest{.ids = std::vector<TokenId>(20, 'a')},
                                    [&](Result<Score> result) { score = std::move(result); }));
    for (int i = 0; i < 3; ++i) engine.step();
    engine.cancel(numbers[0]);
    engine.cancel(numbers[2]);
    engine.cancel(numbers[3]);
    engine.step();
    REQUIRE(done[0]);
    REQUIRE(done[2]);
    CHECK(done[0]->finish == FinishReason::interrupted);
    CHECK(done[0]->text == "bcd");
    CHECK(done[2]->finish == FinishReason::interrupted);
    REQUIRE(score);
    while (engine.unfinished() > 0) engine.step();
    REQUIRE(done[1]);
    CHECK(done[1]->text == "bcdefghijk");
    engine.cancel(numbers[0]);  // long gone
    engine.cancel(12345);
    CHECK(complete(engine, greedy(loaded, "a", 5)).text == "bcdef");
  }
}
