// How the memory for sequences is shared out: rows of logits for a step, what each running sequence has
// beside its keys and values, and pages of keys and values for the rest.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "model/spec.h"

namespace continuo {

struct MemoryShares {
  std::size_t pages = 0;        // of keys and values
  std::size_t max_running = 0;  // sequences
  std::size_t step_logits = 0;  // rows
};

// Shares of `memory` bytes for at most `max_running` sequences that compute at most `step_tokens` in a step;
// 0 bytes: as many pages as anyone asks for. An error if they hold not one sequence of a page of positions.
Result<MemoryShares> share_memory(const ModelSpec& spec, std::size_t memory, std::size_t max_running,
                                  std::size_t step_tokens);

// The least memory in which a sequence of `length` tokens has room, whatever the size of a step.
std::size_t memory_for_one(const ModelSpec& spec, std::size_t length, std::size_t max_running);

// The share of the requests themselves, and of what is answered of them: those that are with the engine
// should take no more, but that there may always be one.
std::size_t request_memory(std::size_t memory);

}  // namespace continuo
