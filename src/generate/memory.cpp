#include "generate/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "sampling/sampler.h"
#include "state/page_pool.h"
#include "state/sequence_state.h"

namespace continuo {

namespace {

// The logits of a step are kept within this, and within a part of all memory; the requests have as much.
constexpr std::size_t kLogitBytes = std::size_t{64} << 20;
constexpr std::size_t kPart = 8;

std::size_t row_bytes(const ModelSpec& spec) {
  return static_cast<std::size_t>(spec.vocab_size) * sizeof(float);
}

std::size_t page_bytes(const ModelSpec& spec) {
  return PagePool::page_bytes(SequenceState::page_floats(spec));
}

// What a sequence that runs has beside keys and values.
std::size_t sequence_bytes(const ModelSpec& spec) {
  return Sampler::bytes(static_cast<std::size_t>(spec.vocab_size));
}

}  // namespace

Result<MemoryShares> share_memory(const ModelSpec& spec, std::size_t memory, std::size_t max_running,
                                  std::size_t step_tokens) {
  const bool bounded = memory > 0;
  const std::size_t logits = bounded ? std::min(kLogitBytes, memory / kPart) : kLogitBytes;
  MemoryShares shares{.max_running = std::max<std::size_t>(max_running, 1),
                      .step_logits = std::clamp<std::size_t>(logits / row_bytes(spec), 1,
                                                             std::max<std::size_t>(step_tokens, 1))};
  if (!bounded) {
    shares.pages = std::numeric_limits<std::size_t>::max();
    return shares;
  }
  const std::size_t layers = spec.layers.size(), one = sequence_bytes(spec);
  const std::size_t rows = shares.step_logits * row_bytes(spec);
  const std::size_t taken = rows + request_memory(memory);
  const std::size_t rest = memory > taken ? memory - taken : 0;
  shares.max_running =
      std::clamp<std::size_t>(rest / (one + layers * page_bytes(spec)), 1, shares.max_running);
  shares.pages = rest > shares.max_running * one ? (rest - shares.max_running * one) / page_bytes(spec) : 0;
  if (shares.pages >= layers) return shares;
  return usage_error(
      fmt::format("{} bytes of memory for sequences hold no {} tokens of this model, which take {}", memory,
                  kPageKeys, memory_for_one(spec, kPageKeys, 1)));
}

std::size_t memory_for_one(const ModelSpec& spec, std::size_t length, std::size_t max_running) {
  constexpr std::size_t kMost = SIZE_MAX / 4;  // more than any memory, and what follows does not overflow
  const std::size_t state =
      std::min(SequenceState::bytes(spec, length), kMost) + max_running * sequence_bytes(spec);
  const std::size_t rows = std::max(row_bytes(spec), std::min(kLogitBytes, state / (kPart - 2)));
  return (state + rows) / (kPart - 1) * kPart + kPart;
}

std::size_t request_memory(std::size_t memory) { return memory / kPart; }

}  // namespace continuo
