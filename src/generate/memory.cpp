#include "generate/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kernels/thread_pool.h"
#include "sampling/sampler.h"
#include "state/page_pool.h"
#include "state/sequence_state.h"

namespace continuo {

namespace {

// The logits of a step are kept within this, and within a part of all memory; the requests have as much.
constexpr std::size_t kLogitBytes = std::size_t{64} << 20;
constexpr std::size_t kPart = 8;

bool drafts(const EngineOptions& options) { return options.lookup || options.draft_model; }

// Pages and recurrent blocks of the model that drafts out of so many bytes.
void share_draft_states(const ModelSpec& spec, Format kv_type, std::size_t bytes, MemoryShares& shares) {
  const bool recurrent = SequenceState::recurrent_floats(spec) > 0, pages = SequenceState::kv_layers(spec) > 0;
  const std::size_t for_blocks = !recurrent ? 0 : pages ? bytes / 2 : bytes;
  if (recurrent) shares.draft_blocks = for_blocks / PagePool::footprint(SequenceState::recurrent_bytes(spec));
  if (pages) shares.draft_pages = (bytes - for_blocks) / PagePool::footprint(SequenceState::page_bytes(spec, kv_type));
}

std::size_t row_bytes(const ModelSpec& spec) { return static_cast<std::size_t>(spec.vocab_size) * sizeof(float); }

std::size_t page_bytes(const ModelSpec& spec, Format kv_type) {
  return PagePool::footprint(SequenceState::page_bytes(spec, kv_type));
}

// What drawing takes, on as many threads as draw at the same time.
std::size_t drawing_bytes(const ModelSpec& spec, std::size_t max_running) {
  const std::size_t threads = std::min(max_running, static_cast<std::size_t>(usable_cores()));
  return std::max<std::size_t>(threads, 1) * SamplingScratch::bytes(static_cast<std::size_t>(spec.vocab_size));
}

// Pages of keys and values and recurrent blocks out of `bytes`; false if they hold not one sequence of a page of
// positions. Half of the blocks are for beginnings that later sequences share.
bool share_states(const ModelSpec& spec, const EngineOptions& options, std::size_t bytes, MemoryShares& shares) {
  const std::size_t layers = SequenceState::kv_layers(spec), page = page_bytes(spec, options.kv_type);
  const bool recurrent = SequenceState::recurrent_floats(spec) > 0;
  const std::size_t block = recurrent ? PagePool::footprint(SequenceState::recurrent_bytes(spec)) : 0;
  const std::size_t per_sequence = recurrent ? (drafts(options) ? 2 : 1) : 0;
  if (recurrent) {
    const std::size_t wanted = 2 * per_sequence * shares.max_running;
    const std::size_t room = layers > 0 ? std::max(bytes / 2, std::min(bytes, per_sequence * block)) : bytes;
    shares.recurrent_blocks = layers > 0 ? std::min(wanted, room / block) : room / block;
    if (shares.recurrent_blocks < per_sequence) return false;
    shares.max_running = std::clamp<std::size_t>(shares.recurrent_blocks / per_sequence, 1, shares.max_running);
    bytes -= shares.recurrent_blocks * block;
  }
  if (layers == 0) return true;
  shares.pages = bytes / page;
  shares.max_running = std::clamp<std::size_t>(shares.pages / layers, 1, shares.max_running);
  return shares.pages >= layers;
}

}  // namespace

namespace {

Result<MemoryShares> share_all(const ModelSpec& spec, const EngineOptions& options) {
  const std::size_t memory = options.memory;
  const bool bounded = memory > 0;
  const std::size_t logits = bounded ? std::min(kLogitBytes, memory / kPart) : kLogitBytes;
  const std::size_t step_tokens = std::max<std::size_t>(options.chunk, 1);
  MemoryShares shares{.max_running = std::max<std::size_t>(options.max_running, 1),
                      .step_logits = std::clamp<std::size_t>(logits / row_bytes(spec), 1, step_tokens)};
  if (!bounded) {
    shares.pages = shares.recurrent_blocks = shares.draft_pages = shares.draft_blocks =
        std::numeric_limits<std::size_t>::max();
    return shares;
  }
  const std::size_t others =
      shares.step_logits * row_bytes(spec) + drawing_bytes(spec, shares.max_running) + request_memory(memory);
  std::size_t states = memory > others ? memory - others : 0;
  if (options.draft_model) {  // it gets a part of what is not needed to run at all
    const std::size_t one = SequenceState::bytes(spec, kPageKeys, options.kv_type);
    const std::size_t small = (states - std::min(states, one)) / kPart;
    share_draft_states(options.draft_model->spec, options.kv_type, small, shares);
    states -= small;
  }
  if (share_states(spec, options, states, shares)) return shares;
  return usage_error(fmt::format("{} bytes of memory for sequences hold no {} tokens of this model, which take {}",
                                 memory, kPageKeys, memory_for_one(spec, kPageKeys, options)));
}

}  // namespace

Result<MemoryShares> share_memory(const ModelSpec& spec, const EngineOptions& options) {
  CONTINUO_TRY(MemoryShares shares, share_all(spec, options));
  shares.soft_pages = shares.pages;
  if (options.soft_memory == 0 || options.soft_memory >= options.memory) return shares;
  EngineOptions soft = options;
  soft.memory = std::max(options.soft_memory, memory_for_one(spec, kPageKeys, options));
  CONTINUO_TRY(const MemoryShares within, share_all(spec, soft));
  shares.soft_pages = std::min(shares.pages, within.pages);
  shares.max_running = within.max_running;
  shares.recurrent_blocks = within.recurrent_blocks;
  return shares;
}

std::size_t memory_for_one(const ModelSpec& spec, std::size_t length, const EngineOptions& options) {
  constexpr std::size_t kMost = SIZE_MAX / 4;  // more than any memory, and what follows does not overflow
  const std::size_t kept = drafts(options) ? SequenceState::recurrent_bytes(spec) : 0;  // to roll drafts back
  const std::size_t state = std::min(SequenceState::bytes(spec, length, options.kv_type) + kept, kMost) +
                            drawing_bytes(spec, options.max_running);
  const std::size_t rows = std::max(row_bytes(spec), std::min(kLogitBytes, state / (kPart - 2)));
  return (state + rows) / (kPart - 1) * kPart + kPart;
}

std::size_t request_memory(std::size_t memory) { return memory / kPart; }

}  // namespace continuo
