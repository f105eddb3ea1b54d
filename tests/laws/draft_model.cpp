// A draft model never changes an answer: not a token, not a bit of a log-probability, whether it agrees with the model or
// not, greedily and drawn, with penalties, limits and stop tokens, alone and in batches, with lookup beside it.
#include <algorithm>
#include <cstring>

#include "catch.h"
#include "generate/engine.h"
#include "laws/memory.h"
#include "load_model.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;

namespace {

const std::atomic<bool> kNotInterrupted{false};

Engine make_engine(const Model& model, EngineOptions options) {
  auto engine = Engine::create(model, nullptr, options);
  if (!engine) FAIL(engine.error().message());
  return std::move(*engine);
}

Request request_for(const Model& model, std::uint64_t seed) {
  const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
  Request request;
  request.prompt = test::random_ids(1 + seed * 13 % 120, vocab, static_cast<unsigned>(seed % 4));
  request.max_tokens = 50;
  request.ignore_eos = seed % 2 == 0;
  request.sampling.seed = seed;
  request.sampling.temperature = seed % 3 == 0 ? 0.0f : 0.9f;
  if (seed % 3 == 1) request.sampling.top_k = 5;
  if (seed % 4 == 1) request.sampling.repeat_penalty = 1.3f;
  if (seed % 5 == 2) request.sampling.stop_tokens = {5, 6};
  request.want_logprob = true;
  return request;
}

void require_same(const Completion& got, const Completion& want) {
  REQUIRE(got.finish == want.finish);
  REQUIRE(got.tokens.size() == want.tokens.size());
  for (std::size_t i = 0; i < want.tokens.size(); ++i) {
    INFO("token " << i);
    REQUIRE(got.tokens[i].id == want.tokens[i].id);
    REQUIRE(std::memcmp(&got.tokens[i].logprob, &want.tokens[i].logprob, sizeof(double)) == 0);
  }
}

// The same weights, so that every draft is right; others, so that few are.
struct Pair {
  const char* name;
  Model model, draft;
};

// All requests at once in an engine, each against what it gives alone.
Engine::DraftCounts check(const Pair& pair, EngineOptions options, const std::vector<Request>& requests,
                          const std::vector<Completion>& alone) {
  options.draft_model = &pair.draft;
  Engine engine = make_engine(pair.model, options);
  std::vector<std::optional<Completion>> got(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    REQUIRE(engine.check(requests[i]));
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
  return engine.draft_counts();
}

}  // namespace

TEST_CASE("a draft model changes no bit, right or wrong, alone or in company") {
  const test::RandomShape shape{.n_layers = 3, .vocab = 70, .context = 512};
  std::vector<Pair> pairs;
  pairs.push_back({"itself", test::random_llama(3, shape), test::random_llama(3, shape)});
  pairs.push_back({"another", test::random_llama(3, shape), test::random_llama(4, {.n_layers = 1, .context = 100})});
  const auto folder = test::source_folder() / "golden";
  pairs.push_back({"recurrent", test::load_model(folder / "qwen3_next_mixed"), test::load_model(folder / "mamba")});
  std::size_t right = 0, wrong = 0;
  for (const Pair& pair : pairs) {
    INFO(pair.name);
    std::vector<Request> requests;
    std::vector<Completion> alone;
    Engine plain = make_engine(pair.model, {});
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      requests.push_back(request_for(pair.model, seed));
      alone.push_back(*plain.complete(requests.back(), {}, kNotInterrupted));
    }
    EngineOptions little{.chunk = 32, .max_running = 6, .share_prefixes = true};
    little.memory = 2 * memory_for_one(pair.model.spec, 200, little);
    for (const EngineOptions& options :
         {EngineOptions{.threads = 1}, EngineOptions{.chunk = 20, .max_running = 4, .share_prefixes = true},
          EngineOptions{.max_running = 12, .lookup = true}, little}) {
      const Engine::DraftCounts counts = check(pair, options, requests, alone);
      right += counts.right;
      wrong += counts.drafted - counts.right;
    }
  }
  // How much is drafted depends on what steps take here and now.
  CHECK(right + wrong > 0);
}

TEST_CASE("a draft model that agrees is asked often, one that does not is left alone") {
  const test::RandomShape shape{.n_layers = 3, .vocab = 70, .context = 1024};
  const Model model = test::random_llama(3, shape), same = test::random_llama(3, shape),
              other = test::random_llama(9, {.d_model = 24, .d_ff = 30, .n_layers = 1, .n_heads = 2, .context = 1024});
  Request request = request_for(model, 0);
  request.max_tokens = 300;
  const auto counts_with = [&](const Model& draft) {
    Engine engine = make_engine(model, {.threads = 1, .draft_model = &draft});
    REQUIRE(engine.complete(request, {}, kNotInterrupted));
    return engine.draft_counts();
  };
  const auto disagrees = counts_with(other);
  INFO(disagrees.right << " of " << disagrees.drafted);
  CHECK(disagrees.drafted < 100);
  const auto agrees = counts_with(same);
  INFO(agrees.right << " of " << agrees.drafted);
  CHECK(agrees.right == agrees.drafted);
}
