// How an engine runs.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"
#include "kernels/kernel_table.h"
#include "kernels/kv_page.h"
#include "model/model.h"

namespace continuo {

struct Adapters;

// No answer depends on them, but for the last three.
struct EngineOptions {
  int threads = 0;              // 0: usable_cores(), fewer where the model is too small to share
  std::string kernels;          // empty: the best
  std::size_t chunk = 512;      // tokens computed in one step at the most
  std::size_t max_running = 1;  // requests that run at the same time
  std::size_t memory = 0;       // bytes for running sequences (memory.h); 0: as many as they need
  // What of that sequences that run side by side and kept beginnings take together; a sequence that needs more runs
  // alone.
  std::size_t soft_memory = 0;  // 0: all of it
  bool share_prefixes = false;  // beginnings that are computed already are not computed again
  bool repack = true;           // weights are laid out anew for the kernels: faster, but memory of this process's own
  bool lookup = false;          // tokens that repeat the text are computed several at a time (prompt_lookup.h)
  // A smaller model of the same vocabulary that drafts (draft_model.h); null: none. Outlives the engine.
  const Model* draft_model = nullptr;
  // Weights in block formats by float32 products too, instead of rounded activations.
  bool exact_math = false;
  Format kv_type = Format::f32;        // of kv_types(): what remembered keys and values are rounded to
  const Adapters* adapters = nullptr;  // of this model, outlive the engine; null: none
};

// The kernels that the options name, without integer products where they want exact ones. An error if they are unknown
// or do not run on this processor.
Result<KernelTable> kernels_of(const EngineOptions& options);
// The threads that the options name, or as many as are useful for the model.
int threads_of(const EngineOptions& options, const Model& model);

}  // namespace continuo
