// Networks that go through layers more than once: whatever the number of loops and the rule that ends them, a request has
// the same bits alone, in company, in pieces and with little memory; what ends early is what the reference says.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

#include "catch.h"
#include "generate/engine.h"
#include "laws/memory.h"
#include "load_model.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;
namespace fs = std::filesystem;

namespace {

const std::atomic<bool> kNotInterrupted{false};
const char* const kLooped[] = {"ouro", "nanbeige", "nanbeige_no_norm", "huginn", "hrm_text_small", "dory_small"};

Model golden(const std::string& name) { return test::load_model(test::source_folder() / "golden" / name); }

Engine make_engine(const Model& model, EngineOptions options) {
  auto engine = Engine::create(model, nullptr, options);
  if (!engine) FAIL(engine.error().message());
  return std::move(*engine);
}

ExitRule rule(const char* text) {
  const auto parsed = parse_exit_rule("exit_when", text);
  if (!parsed) FAIL(parsed.error().message());
  return *parsed;
}

Request request_for(const Model& model, unsigned seed) {
  static const char* const kRules[] = {"none", "kl<0.3", "stable", "latent<0.6", "gate>0.6"};
  Request request;
  const std::size_t length = seed % 3 == 0 ? 1 + seed * 7 % 80 : 55 + seed % 9;  // many cross a page's boundary
  request.prompt = test::random_ids(length, static_cast<std::size_t>(model.spec.vocab_size), seed % 3);
  request.max_tokens = 12;
  request.ignore_eos = true;
  request.sampling.seed = seed;
  request.sampling.temperature = seed % 2 == 0 ? 0.0f : 0.8f;
  request.loops = seed % 4 == 0 ? 0 : seed % 4 + 1;
  request.exit = rule(kRules[seed % (model.spec.loop->gate ? 5 : 4)]);
  request.want_logprob = true;
  return request;
}

Completion complete(Engine& engine, const Request& request) {
  auto completion = engine.complete(request, {}, kNotInterrupted);
  if (!completion) FAIL(completion.error().message());
  return std::move(*completion);
}

void require_same(const Completion& got, const Completion& want) {
  REQUIRE(got.tokens.size() == want.tokens.size());
  for (std::size_t i = 0; i < want.tokens.size(); ++i) {
    INFO("token " << i);
    REQUIRE(got.tokens[i].id == want.tokens[i].id);
    REQUIRE(got.tokens[i].loops == want.tokens[i].loops);
    REQUIRE(std::memcmp(&got.tokens[i].logprob, &want.tokens[i].logprob, sizeof(double)) == 0);
  }
}

}  // namespace

TEST_CASE("loops end where the reference ends them, and say what it says") {
  for (const std::string name : {"ouro", "huginn"}) {
    const Model model = golden(name);
    Engine engine = make_engine(model, {});
    const Json cases = Json::parse(test::read_file(test::source_folder() / "golden" / name / "exits.json"));
    REQUIRE(cases.size() >= 5);
    for (const Json& entry : cases) {
      INFO(name << ", " << entry["exit_when"] << ", " << entry["loops"] << " loops");
      Request request;
      request.prompt = entry["ids"].get<std::vector<TokenId>>();
      request.exit = rule(entry["exit_when"].get<std::string>().c_str());
      request.loops = entry["loops"].get<std::size_t>();
      request.sampling.temperature = 0;
      request.ignore_eos = true;
      const auto ids = entry["greedy"].get<std::vector<TokenId>>();
      request.max_tokens = static_cast<std::int64_t>(ids.size());
      const auto used = entry["used"].get<std::vector<std::size_t>>();
      const Completion completion = complete(engine, request);
      REQUIRE(completion.tokens.size() == ids.size());
      for (std::size_t i = 0; i < ids.size(); ++i) {
        INFO("token " << i);
        REQUIRE(completion.tokens[i].id == ids[i]);
        REQUIRE(completion.tokens[i].loops == used[i]);
      }
    }
  }
}

TEST_CASE("a request has the same bits with any loops and rules beside it, in any pieces, on any threads") {
  for (const char* name : kLooped) {
    INFO(name);
    const Model model = golden(name);
    std::vector<Request> requests;
    std::vector<Completion> alone;
    Engine one = make_engine(model, {.threads = 1});
    for (unsigned seed = 0; seed < 20; ++seed) {
      requests.push_back(request_for(model, seed));
      alone.push_back(complete(one, requests.back()));
    }
    const std::size_t pages = 3 * SequenceState::kv_layers(model.spec, 4);
    const std::size_t memory = test::memory_with_pages(model, {.chunk = 16, .max_running = 20}, pages);
    for (const EngineOptions& options :
         {EngineOptions{.threads = 3, .chunk = 512, .max_running = 20, .share_prefixes = true},
          EngineOptions{.threads = 1, .chunk = 7, .max_running = 5, .share_prefixes = true},
          EngineOptions{.threads = 2, .chunk = 16, .max_running = 20, .memory = memory, .share_prefixes = true},
          EngineOptions{.threads = 1, .chunk = 5, .max_running = 1, .lookup = true}}) {
      INFO("chunk " << options.chunk << ", " << options.max_running << " at once, memory " << options.memory);
      Engine engine = make_engine(model, options);
      std::vector<std::optional<Completion>> got(requests.size());
      for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto good = engine.check(requests[i]);
        if (!good) FAIL(good.error().message());
        engine.submit(requests[i], {}, [&got, i](Result<Completion> done) {
          if (!done) FAIL(done.error().message());
          got[i] = std::move(*done);
        });
      }
      while (engine.unfinished() > 0) engine.step();
      for (std::size_t i = 0; i < requests.size(); ++i) {
        INFO("request " << i);
        require_same(*got[i], alone[i]);
      }
    }
  }
}

TEST_CASE("the number of loops is the model's own unless the request says one") {
  Model model = golden("nanbeige");
  Request request = request_for(model, 0);
  request.exit = {};
  Engine engine = make_engine(model, {});
  const Completion own = complete(engine, request);
  CHECK(own.tokens.front().loops == 2);
  request.loops = 2;
  require_same(complete(engine, request), own);
  request.loops = 5;
  const Completion five = complete(engine, request);
  CHECK(five.tokens.front().loops == 5);
  model.spec.loop->loops = 5;  // as --loops does
  Engine other = make_engine(model, {});
  request.loops = 0;
  require_same(complete(other, request), five);
}

TEST_CASE("what cannot be asked of loops is refused") {
  const auto error_of = [](const Model& model, std::size_t loops, const char* exit) {
    Engine engine = make_engine(model, {});
    Request request{.prompt = {3, 4}};
    request.loops = loops;
    request.exit = rule(exit);
    const auto good = engine.check(request);
    return good ? std::string() : good.error().message();
  };
  const Model plain = golden("llama");
  CHECK(error_of(plain, 2, "none") == "loops is 2, but llama goes through its layers once");
  CHECK(error_of(plain, 0, "stable") == "exit_when is given, but llama goes through its layers once");
  const Model nanbeige = golden("nanbeige");
  CHECK(error_of(nanbeige, 257, "none") == "loops is 257, expected 1 to 256");
  CHECK(error_of(nanbeige, 0, "gate") ==
        "exit_when is gate, but nanbeige has no gate that says when to stop (kl<0.01, latent<0.03 or stable will do)");
  CHECK(error_of(nanbeige, 3, "kl<0.01").empty());
  for (const char* bad : {"", "kl", "kl<", "kl<0", "kl<-1", "kl>1", "kl<x", "stable<1", "gate<0.5", "gate>2", "KL<1",
                          "latent", "none<1", "kl<nan", "kl<1 "}) {
    INFO(bad);
    CHECK(!parse_exit_rule("exit_when", bad));
  }
  CHECK(exit_rule_text(rule("kl<0.25")) == "kl<0.25");
  CHECK(exit_rule_text(rule("gate>0.5")) == "gate>0.5");
  CHECK(exit_rule_text(rule("stable")) == "stable");
}
