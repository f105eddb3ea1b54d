// How the memory for sequences is shared out: rows of logits for a step, what drawing from them takes, and pages of
// keys and values for the rest.
#pragma once

#include <cstddef>

#include "base/error.h"
#include "generate/engine_options.h"
#include "model/spec.h"

namespace continuo {

struct MemoryShares {
  std::size_t pages = 0;             // of keys and values
  std::size_t soft_pages = 0;        // of them, for sequences that run side by side and kept beginnings
  std::size_t recurrent_blocks = 0;  // of the states of recurrent layers: of sequences that run, and kept beginnings
  std::size_t draft_pages = 0, draft_blocks = 0;  // the same of the model that drafts
  std::size_t max_running = 0;                    // sequences
  std::size_t step_logits = 0;                    // rows
};

// Shares of options.memory; 0 bytes: as many pages as anyone asks for. An error if they hold not one sequence of a page
// of positions.
Result<MemoryShares> share_memory(const ModelSpec& spec, const EngineOptions& options);

// The least options.memory in which a sequence of `length` tokens has room, whatever the size of a step.
std::size_t memory_for_one(const ModelSpec& spec, std::size_t length, const EngineOptions& options);

// The share of the requests themselves, and of what is answered of them: those that are with the engine
// should take no more, but that there may always be one.
std::size_t request_memory(std::size_t memory);

}  // namespace continuo
