// The laws with adapters: a request has the same bits alone and beside others, whatever adapters those have; one without
// an adapter has the bits that it has where there are none; beginnings are shared by requests of one adapter alone.
#include <cstring>

#include "adapters/adapters.h"
#include "random_model.h"
#include "saved_states.h"

using namespace continuo;
using namespace continuo::test;

namespace {

Request request_for(std::vector<TokenId> prompt, std::size_t adapter) {
  Request request{.prompt = std::move(prompt), .max_tokens = 9, .ignore_eos = true, .adapter = adapter};
  request.want_logprob = true;
  request.sampling.seed = 8;
  return request;
}

Completion complete(Engine& engine, const Request& request) {
  auto done = engine.complete(request, {}, kNeverInterrupted);
  if (!done) FAIL(done.error().message());
  return std::move(*done);
}

void require_same(const Completion& got, const Completion& want) {
  REQUIRE(got.tokens.size() == want.tokens.size());
  for (std::size_t i = 0; i < want.tokens.size(); ++i) {
    INFO("token " << i);
    REQUIRE(got.tokens[i].id == want.tokens[i].id);
    REQUIRE(std::memcmp(&got.tokens[i].logprob, &want.tokens[i].logprob, sizeof(double)) == 0);
  }
}

bool differs(const Completion& a, const Completion& b) { return a.tokens.front().logprob != b.tokens.front().logprob; }

// An adapter of random numbers for all maps.
LowRankMaps random_adapter(const Model& model, std::size_t rank, unsigned seed) {
  LowRankMaps maps;
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.1f);
  for_each_layer_map(model.weights, [&](std::size_t number, const Linear& map, MapInput input) {
    if (!map.weight.data || input == MapInput::expert || number % 3 == seed % 3) return;
    LowRank& made = maps[number];
    made = {.rank = rank, .inputs = map.weight.cols, .outputs = map.weight.rows};
    made.in.resize(rank * made.inputs);
    made.out.resize(rank * made.outputs);
    for (auto* values : {&made.in, &made.out}) {
      for (float& value : *values) value = normal(random);
    }
  });
  return maps;
}

struct Laws {
  explicit Laws(Model m) : model(std::move(m)) {
    adapters.add_choice("one", random_adapter(model, 4, 1));
    adapters.add_choice("two", random_adapter(model, 7, 2));
    const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
    for (unsigned i = 0; i < 9; ++i) {
      auto prompt = random_ids(70, vocab, 5);  // what all begin with
      const auto end = random_ids(1 + 2 * i, vocab, 20 + i);
      prompt.insert(prompt.end(), end.begin(), end.end());
      requests.push_back(request_for(std::move(prompt), i % 3));
    }
  }

  void check(EngineOptions options) {
    std::vector<Completion> alone;
    for (const Request& request : requests) {
      Engine engine = engine_with(model, &adapters, options);
      alone.push_back(complete(engine, request));
      if (request.adapter > 0) continue;
      Engine plain = engine_with(model, nullptr, options);
      require_same(alone.back(), complete(plain, request));
    }
    CHECK(differs(alone[0], alone[1]));
    CHECK(differs(alone[1], alone[2]));
    EngineOptions together = options;
    together.max_running = 5;
    together.share_prefixes = true;
    for (const std::size_t chunk : {512u, 11u}) {
      for (const int threads : {1, 3}) {
        INFO("chunk " << chunk << ", threads " << threads);
        together.chunk = chunk;
        together.threads = threads;
        Engine engine = engine_with(model, &adapters, together);
        std::vector<std::optional<Result<Completion>>> answers(requests.size());
        for (std::size_t i = 0; i < requests.size(); ++i) {
          engine.submit(requests[i], {}, [&answers, i](Result<Completion> done) { answers[i] = std::move(done); });
        }
        while (engine.unfinished() > 0) engine.step();
        CHECK(engine.counts().shared > 0);
        for (std::size_t i = 0; i < requests.size(); ++i) {
          INFO("request " << i);
          require_same(**answers[i], alone[i]);
        }
      }
    }
  }

  Model model;
  Adapters adapters;
  std::vector<Request> requests;
};

}  // namespace

TEST_CASE("alone or beside requests with other adapters: same bits, for weights of any format") {
  for (const Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q4_0}) {
    INFO(format_info(format).name);
    const RandomShape shape{.d_model = 64, .d_ff = 128, .n_layers = 2, .n_heads = 4, .n_kv_heads = 2, .head_dim = 16};
    Laws laws(random_llama(3, shape, format));
    laws.check({});
    laws.check({.lookup = true});
    if (!format_is_plain(format)) laws.check({.exact_math = true});
  }
}

TEST_CASE("alone or beside others: same bits, for every kind of layer") {
  for (const char* const name :
       {"gpt2", "phi3_4k", "qwen2_moe", "falcon_h1", "mamba2", "rwkv7", "qwen3_next", "bloom"}) {
    INFO(name);
    Laws laws(load_model(source_folder() / "golden" / name));
    laws.check({});
  }
}

TEST_CASE("a state that was saved with an adapter is for requests with it alone") {
  const Model model = load_model(source_folder() / "golden" / "llama");
  Adapters adapters;
  adapters.add_choice("one", random_adapter(model, 4, 1));
  adapters.add_choice("two", random_adapter(model, 4, 2));
  Engine engine = engine_with(model, &adapters, {.share_prefixes = true});
  const TemporaryFolder folder;
  const auto text = random_ids(80, 250, 9);
  write_beginning(engine, text, folder.path() / "state", 1);
  const std::string bytes = read_file(folder.path() / "state");
  Engine again = engine_with(model, &adapters, {.share_prefixes = true});
  CHECK(state_refusal(again, bytes, 0).find("was written with other adapters") != std::string::npos);
  CHECK(state_refusal(again, bytes, 2).find("was written with other adapters") != std::string::npos);
  CHECK(state_refusal(again, bytes, 1).empty());
  auto prompt = text;
  prompt.push_back(3);
  for (const std::size_t adapter : {0u, 1u, 2u}) {
    Engine alone = engine_with(model, &adapters);
    require_same(complete(again, request_for(prompt, adapter)), complete(alone, request_for(prompt, adapter)));
    CHECK(again.counts().shared == (adapter == 0 ? 0u : 80u));
  }
}
