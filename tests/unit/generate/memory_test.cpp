// Memory in shares.
#include "generate/memory.h"

#include "catch.h"
#include "generate/engine.h"
#include "random_model.h"
#include "sampling/sampler.h"
#include "state/sequence_state.h"

using namespace continuo;

namespace {

constexpr std::size_t kMega = std::size_t{1} << 20;

Model model() { return test::random_llama(5, {.vocab = 5000, .context = 4096}); }

// What the shares come to when all of it is used.
std::size_t bytes(const MemoryShares& shares, const ModelSpec& spec) {
  const auto vocab = static_cast<std::size_t>(spec.vocab_size);
  return shares.pages * PagePool::footprint(SequenceState::page_bytes(spec, Format::f32)) +
         SamplingScratch::bytes(vocab) + shares.step_logits * vocab * sizeof(float);
}

}  // namespace

TEST_CASE("the shares of a memory are within it, and use it") {
  const Model tiny = model();
  for (const std::size_t memory : {kMega, 3 * kMega, 100 * kMega, 5000 * kMega}) {
    for (const std::size_t running : {1, 32, 4096}) {
      INFO(memory << " bytes for " << running);
      const auto shares = share_memory(tiny.spec, {.max_running = running, .memory = memory});
      REQUIRE(shares);
      CHECK(bytes(*shares, tiny.spec) + request_memory(memory) <= memory);
      CHECK(bytes(*shares, tiny.spec) + kMega > memory - memory / 4);
      CHECK(shares->max_running >= 1);
      CHECK(shares->max_running <= running);
      CHECK(shares->step_logits >= 1);
      CHECK(shares->pages >= tiny.spec.layers.size() * shares->max_running);  // each may begin
    }
  }
  const auto unbounded = share_memory(tiny.spec, {.max_running = 7});
  REQUIRE(unbounded);
  CHECK(unbounded->max_running == 7);
  CHECK(unbounded->pages == std::numeric_limits<std::size_t>::max());
}

TEST_CASE("a memory that holds no sequence says what one takes, which is enough") {
  const Model tiny = model();
  const auto refused = share_memory(tiny.spec, {.max_running = 32, .memory = 1000});
  REQUIRE_FALSE(refused);
  const std::size_t one = memory_for_one(tiny.spec, kPageKeys, {.max_running = 32});
  CHECK(refused.error().message() ==
        "1000 bytes of memory for sequences hold no 64 tokens of this model, which take " + std::to_string(one));
  CHECK(share_memory(tiny.spec, {.max_running = 32, .memory = one}));
}

TEST_CASE("the memory for one text of any length holds it, however many may run") {
  const Model tiny = model();
  for (const std::size_t length : {1, 64, 65, 1000, 4096}) {
    for (const std::size_t running : {1, 32, 500}) {
      INFO(length << " tokens, " << running << " at once");
      EngineOptions options{.threads = 1, .max_running = running};
      options.memory = memory_for_one(tiny.spec, length, options);
      auto engine = Engine::create(tiny, nullptr, options);
      REQUIRE(engine);
      Request request;
      request.prompt.assign(length, 3);
      request.max_tokens = 0;
      CHECK(engine->check(request));
    }
  }
}
