// Law 2 for the engine: what a request gets does not depend on who else is there, when they came, how much
// fits a step or the memory, or whether beginnings are shared. Bit for bit, with log-probabilities.
#include <cstring>
#include <map>
#include <random>

#include "catch.h"
#include "generate/engine.h"
#include "generate/memory.h"
#include "laws/memory.h"
#include "random_model.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 777;
const std::atomic<bool> kNotInterrupted{false};

std::vector<Model> models() {
  std::vector<Model> all;
  all.push_back(test::random_llama(kSeed));
  // Windowed and full layers, with windows shorter and longer than a page.
  for (const int window : {20, 100}) {
    Model model = test::random_llama(kSeed + 1, {.n_layers = 4});
    for (const std::size_t layer : {0, 2}) std::get<AttentionSpec>(model.spec.layers[layer].mixer).window = window;
    all.push_back(std::move(model));
  }
  // Positions that depend on the prompt's length: some prompts are longer than the original context.
  all.push_back(
      test::random_llama(kSeed + 2, {}, Format::f32,
                         {{"rope_scaling", {{"type", "dynamic"}, {"factor", 8.0}}}, {"max_position_embeddings", 64}}));
  return all;
}

// Prompts that have beginnings in common: whole pages, parts of pages, all of it, nothing.
std::vector<Request> requests(const Model& model) {
  const std::size_t vocab = static_cast<std::size_t>(model.spec.vocab_size);
  const auto context = static_cast<std::size_t>(model.spec.context_length);
  const auto common = test::random_ids(std::min<std::size_t>(200, context - 20), vocab, kSeed);
  std::vector<Request> all;
  std::mt19937 random(kSeed);
  for (unsigned i = 0; i < 24; ++i) {
    const std::size_t shared = i % 4 == 3 ? 0 : random() % common.size();
    Request request;
    request.prompt.assign(common.begin(), common.begin() + static_cast<std::ptrdiff_t>(shared));
    const auto own = test::random_ids(1 + random() % 15, vocab, kSeed + i);
    request.prompt.insert(request.prompt.end(), own.begin(), own.end());
    if (i % 5 == 4) request.prompt = all.back().prompt;  // another sample of the same
    request.max_tokens = random() % 90;
    request.ignore_eos = i % 2 == 0;
    request.sampling.seed = i;
    request.sampling.top_p = 0.9f;
    request.sampling.repeat_penalty = 1.1f;
    request.sample = i;
    request.want_logprob = true;
    request.logprobs = 2;
    all.push_back(std::move(request));
  }
  return all;
}

struct Result24 {
  std::vector<Completion> completions = std::vector<Completion>(24);
  Scheduler::Counts counts;
};

// Submits the requests in the order of `at`: request i once step at[i] has begun.
Result24 run(const Model& model, const EngineOptions& options, const std::vector<unsigned>& at) {
  auto engine = Engine::create(model, nullptr, options);
  if (!engine) FAIL(engine.error().message());
  const auto all = requests(model);
  Result24 result;
  std::size_t submitted = 0, finished = 0;
  for (unsigned step = 0; finished < all.size(); ++step) {
    REQUIRE(step < 100000);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (at[i] != step) continue;
      REQUIRE(engine->check(all[i]));
      ++submitted;
      engine->submit(all[i], {}, [&, i](Result<Completion> done) {
        REQUIRE(done);
        result.completions[i] = std::move(*done);
        ++finished;
      });
    }
    REQUIRE(engine->unfinished() == submitted - finished);
    engine->step();
  }
  result.counts = engine->counts();
  return result;
}

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

void require_same(const std::vector<Completion>& got, const std::vector<Completion>& want) {
  for (std::size_t i = 0; i < want.size(); ++i) {
    INFO("request " << i);
    REQUIRE(got[i].finish == want[i].finish);
    REQUIRE(got[i].tokens.size() == want[i].tokens.size());
    for (std::size_t t = 0; t < want[i].tokens.size(); ++t) {
      const GeneratedToken &a = got[i].tokens[t], &b = want[i].tokens[t];
      INFO("token " << t);
      REQUIRE(a.id == b.id);
      REQUIRE(same_bits(a.logprob, b.logprob));
      REQUIRE(same_bits(a.top.at(1).logprob, b.top.at(1).logprob));
    }
  }
}

std::vector<Completion> alone(const Model& model, Format kv_type) {
  auto engine = Engine::create(model, nullptr, {.threads = 1, .kv_type = kv_type});
  std::vector<Completion> all;
  for (const Request& request : requests(model)) {
    auto completion = engine->complete(request, {}, kNotInterrupted);
    REQUIRE(completion);
    all.push_back(std::move(*completion));
  }
  return all;
}

// Memory for the longest request and `more` pages.
std::size_t tight_memory(const Model& model, const EngineOptions& options, std::size_t more) {
  std::size_t most = 0;
  for (const Request& request : requests(model))
    most = std::max(most, SequenceState::most_pages(model.spec, positions_needed(request, model.spec), options.chunk));
  return test::memory_with_pages(model, options, most + more);
}

}  // namespace

TEST_CASE("law 2: any batch size, arrival, budget, memory, sharing or thread count gives the same bits") {
  const Format kv_type = GENERATE(Format::f32, Format::f16, Format::q8_0);
  std::size_t preempted = 0, shared = 0;
  for (const Model& model : models()) {
    INFO("context " << model.spec.context_length << ", keys and values as " << format_info(kv_type).name);
    const auto want = alone(model, kv_type);
    std::mt19937 random(kSeed);
    for (int trial = 0; trial < 16; ++trial) {
      EngineOptions options;
      options.kv_type = kv_type;
      options.threads = 1 + static_cast<int>(random() % 3);
      options.chunk = std::vector<std::size_t>{1, 5, 33, 64, 512}[random() % 5];
      options.max_running = std::vector<std::size_t>{1, 2, 7, 32}[random() % 4];
      options.share_prefixes = trial % 4 != 0;
      if (trial % 2 == 1) options.memory = tight_memory(model, options, random() % 12);
      std::vector<unsigned> at(24);
      for (unsigned& step : at) step = trial % 3 == 0 ? 0 : static_cast<unsigned>(random() % 60);
      INFO("trial " << trial << ": chunk " << options.chunk << ", running " << options.max_running << ", memory "
                    << options.memory);
      const Result24 got = run(model, options, at);
      require_same(got.completions, want);
      preempted += got.counts.preempted;
      shared += got.counts.shared;
    }
  }
  CHECK(preempted > 0);  // else these trials are too easy
  CHECK(shared > 0);
}

TEST_CASE("what prompts have in common is computed once") {
  const Model model = test::random_llama(kSeed);
  const auto common = test::random_ids(300, static_cast<std::size_t>(model.spec.vocab_size), kSeed);
  auto engine = Engine::create(model, nullptr, {.threads = 1, .max_running = 16, .share_prefixes = true});
  std::size_t finished = 0;
  for (TokenId i = 0; i < 40; ++i) {
    Request request{.prompt = common, .max_tokens = 1};
    request.prompt.push_back(i);
    engine->submit(std::move(request), {}, [&](Result<Completion> done) { finished += done ? 1 : 0; });
  }
  while (engine->unfinished() > 0) engine->step();
  CHECK(finished == 40);
  CHECK(engine->counts().computed == 300 + 40);
}

TEST_CASE("scores share beginnings, and have the same bits in any company") {
  std::size_t shared = 0;
  for (const Model& model : models()) {
    const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
    const auto context = static_cast<std::size_t>(model.spec.context_length);
    const auto common = test::random_ids(std::min<std::size_t>(150, context - 30), vocab, kSeed);
    std::vector<ScoreRequest> all;
    for (unsigned i = 0; i < 12; ++i) {
      ScoreRequest request{.ids = common, .first = i % 3 == 0 ? 1 : common.size()};
      const auto own = test::random_ids(1 + i, vocab, kSeed + i);
      request.ids.insert(request.ids.end(), own.begin(), own.end());
      all.push_back(std::move(request));
    }
    auto one = Engine::create(model, nullptr, {.threads = 1});
    const std::size_t pages = SequenceState::most_pages(model.spec, common.size() + 12, 100);
    EngineOptions options{.threads = 2, .chunk = 100, .max_running = 5, .share_prefixes = true};
    options.memory = test::memory_with_pages(model, options, pages + 8);
    auto many = Engine::create(model, nullptr, options);
    std::map<std::size_t, Score> got;
    for (std::size_t i = 0; i < all.size(); ++i)
      many->submit(all[i], [&, i](Result<Score> score) { got[i] = std::move(*score); });
    while (many->unfinished() > 0) many->step();
    for (std::size_t i = 0; i < all.size(); ++i) {
      INFO("context " << context << ", text " << i);
      const auto want = one->score(all[i].ids, kNotInterrupted);
      REQUIRE(want);
      const std::vector<double> tail(want->logprobs.begin() + static_cast<std::ptrdiff_t>(all[i].first - 1),
                                     want->logprobs.end());
      REQUIRE(got[i].logprobs.size() == tail.size());
      REQUIRE(std::memcmp(got[i].logprobs.data(), tail.data(), tail.size() * sizeof(double)) == 0);
    }
    shared += many->counts().shared;
  }
  CHECK(shared > 0);
}
