// Generating takes no memory from the heap once it is under way: not a byte a token, whatever the options.
#include <atomic>
#include <cstdlib>
#include <new>

#include "catch.h"
#include "generate/engine.h"
#include "random_model.h"

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size) noexcept {
  ++allocations;
  return std::malloc(size > 0 ? size : 1);
}

void* counted_or_throw(std::size_t size) {
  if (void* memory = counted(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

// All forms but the over-aligned ones: a form that is left out stays the sanitizers' own, which must not meet our
// delete.
void* operator new(std::size_t size) { return counted_or_throw(size); }
void* operator new[](std::size_t size) { return counted_or_throw(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }

using namespace continuo;

namespace {

// Allocations in the steps that draw the tokens from `first` to `last`.
std::size_t allocations_between(const Model& model, const EngineOptions& options, const SamplingOptions& sampling,
                                std::size_t first, std::size_t last) {
  auto engine = Engine::create(model, nullptr, options);
  if (!engine) FAIL(engine.error().message());
  Request request;
  for (int i = 0; i < 40; ++i) request.prompt.push_back(i % 7);
  request.max_tokens = static_cast<std::int64_t>(last) + 10;
  request.ignore_eos = true;
  request.sampling = sampling;
  std::size_t tokens = 0;
  engine->submit(request, [&](std::string_view, const GeneratedToken&) { return ++tokens > 0; }, {});
  while (tokens < first) engine->step();
  const std::size_t before = allocations;
  while (tokens < last) engine->step();
  const std::size_t after = allocations;
  while (engine->unfinished() > 0) engine->step();
  return after - before;
}

}  // namespace

TEST_CASE("nothing is allocated per token") {
  const std::size_t before = allocations;
  delete new int;
  REQUIRE(allocations > before);  // they are counted
  const Model model = test::random_llama(3, {.vocab = 5000, .context = 1024});
  const SamplingOptions kinds[] = {
      {.temperature = 0},
      {},
      {.top_k = 40, .top_p = 0.95f, .repeat_penalty = 1.1f, .presence_penalty = 0.1f, .frequency_penalty = 0.1f},
      {.top_p = 0.95f},
      {.min_p = 0.05f, .typical_p = 0.9f, .logit_bias = {{3, 1}}},
  };
  for (const SamplingOptions& sampling : kinds) {
    for (const int threads : {1, 2}) {
      for (const bool lookup : {false, true}) {
        INFO("temperature " << sampling.temperature << ", top-k " << sampling.top_k << ", top-p " << sampling.top_p
                            << ", " << threads << " threads, lookup " << lookup);
        // Within a page of the cache (kPageKeys positions) and between powers of two.
        CHECK(allocations_between(model, {.threads = threads, .lookup = lookup}, sampling, 90, 120) == 0);
      }
    }
  }
}
