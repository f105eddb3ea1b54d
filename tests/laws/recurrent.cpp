// The laws for networks that remember otherwise than by keys and values: each kind of mixer, bit for bit.
#include <atomic>
#include <random>

#include "catch.h"
#include "generate/engine.h"
#include "kernels/kernel_table.h"
#include "layers/forward.h"
#include "load_model.h"
#include "logits.h"
#include "support.h"

using namespace continuo;
using test::Logits, test::logits_of, test::require_same;

namespace {

constexpr unsigned kSeed = 77;
const std::atomic<bool> kNotInterrupted{false};

// One checkpoint of each kind of mixer, alone and beside attention.
const char* const kCases[] = {"lfm2",       "mamba",       "mamba2",       "jamba",           "falcon_h1",
                              "nemotron_h", "olmo_hybrid", "qwen3_5_text", "recurrent_gemma", "rwkv"};

Model load(const char* name) { return test::load_model(test::source_folder() / "golden" / name); }

std::vector<TokenId> random_text(std::size_t n, std::mt19937& random) {
  std::vector<TokenId> ids(n);
  for (TokenId& id : ids) id = static_cast<TokenId>(3 + random() % 250);
  return ids;
}

Logits feed(ForwardPass& forward, SequenceState& state, std::span<const TokenId> ids) {
  const Segment segment{&state, ids, ids.size()};
  const auto rows = forward(std::span(&segment, 1));
  return {rows.begin(), rows.end()};
}

}  // namespace

TEST_CASE("recurrent networks: a prompt at once, in pieces, or token by token, on any threads") {
  std::mt19937 random(kSeed);
  for (const char* const name : kCases) {
    INFO(name);
    const Model model = load(name);
    const auto ids = random_text(70, random);
    const Logits once = logits_of(model, ids, {ids.size()});
    const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
    require_same(logits_of(model, ids, {1}), once, vocab);
    require_same(logits_of(model, ids, {5, 1, 17, 2, 30}), once, vocab);
    require_same(logits_of(model, ids, {7}, {.threads = 3}), once, vocab);
  }
}

TEST_CASE("law 8: snapshot and restore equal replay") {
  std::mt19937 random(kSeed);
  for (const char* const name : kCases) {
    INFO(name);
    const Model model = load(name);
    const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
    const auto ids = random_text(90, random), others = random_text(20, random);
    ThreadPool threads(1, 1);
    ForwardPass forward(model, best_kernels(), threads);
    SequenceState state(model.spec, 200, ids.size());
    feed(forward, state, std::span(ids).first(40));
    const Snapshot snapshot = state.snapshot();
    const Logits want = feed(forward, state, std::span(ids).subspan(40));
    for (int again = 0; again < 2; ++again) {
      state.restore(snapshot);
      REQUIRE(state.length() == 40);
      feed(forward, state, others);  // another continuation, which must leave no trace
      state.restore(snapshot);
      require_same(feed(forward, state, std::span(ids).subspan(40)), want, vocab);
    }
  }
}

TEST_CASE("a draft that is refused leaves no trace in a recurrent state") {
  std::mt19937 random(kSeed);
  for (const char* const name : kCases) {
    INFO(name);
    const Model model = load(name);
    const auto ids = random_text(60, random), drafts = random_text(5, random);
    ThreadPool threads(1, 1);
    ForwardPass forward(model, best_kernels(), threads);
    SequenceState plain(model.spec, 200, ids.size()), drafted(model.spec, 200, ids.size());
    feed(forward, plain, std::span(ids).first(30));
    const Logits want = feed(forward, plain, std::span(ids).subspan(30));
    feed(forward, drafted, std::span(ids).first(30));
    drafted.keep_for_rollback();
    feed(forward, drafted, drafts);
    const std::size_t back = drafted.rollback(31);
    REQUIRE(back >= 30);
    REQUIRE(back <= 31);
    if (back == 31) continue;  // keys and values alone: the first draft stays
    require_same(feed(forward, drafted, std::span(ids).subspan(30)), want,
                 static_cast<std::size_t>(model.spec.vocab_size));
  }
}

TEST_CASE("what a recurrent network remembers does not grow with the text") {
  const Model mamba = load("mamba"), jamba = load("jamba");
  CHECK(SequenceState::bytes(mamba.spec, 1000, Format::f32) == SequenceState::bytes(mamba.spec, 100000, Format::f32));
  CHECK(SequenceState::recurrent_bytes(mamba.spec) > 0);
  CHECK(SequenceState::bytes(jamba.spec, 1000, Format::f32) < SequenceState::bytes(jamba.spec, 100000, Format::f32));
}

TEST_CASE("requests that share a beginning get the bytes that each gets alone") {
  std::mt19937 random(kSeed);
  for (const char* const name : kCases) {
    INFO(name);
    const Model model = load(name);
    const auto beginning = random_text(150, random);
    std::vector<Request> requests;
    for (int i = 0; i < 6; ++i) {
      Request request{.prompt = beginning, .max_tokens = 12, .ignore_eos = true};
      for (const TokenId id : random_text(static_cast<std::size_t>(1 + i), random)) request.prompt.push_back(id);
      request.sampling.seed = static_cast<std::uint64_t>(i);
      requests.push_back(std::move(request));
    }
    std::vector<std::vector<TokenId>> together(requests.size());
    auto engine = Engine::create(model, nullptr, {.share_prefixes = true});
    REQUIRE(engine);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      engine->submit(requests[i], {}, [&together, i](Result<Completion> done) {
        REQUIRE(done);
        for (const GeneratedToken& token : done->tokens) together[i].push_back(token.id);
      });
    }
    while (engine->unfinished() > 0) engine->step();
    CHECK(engine->counts().shared > 0);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      auto alone = Engine::create(model, nullptr, {.share_prefixes = false});
      REQUIRE(alone);
      const auto completion = alone->complete(requests[i], {}, kNotInterrupted);
      REQUIRE(completion);
      std::vector<TokenId> ids;
      for (const GeneratedToken& token : completion->tokens) ids.push_back(token.id);
      CHECK(ids == together[i]);
    }
  }
}
