// What the Qwen families share.
#pragma once

#include "model/families/llama.h"

namespace continuo {

// The windows of layers for which `rule` holds, where the file turns windows on.
Result<void> set_qwen_windows(const HyperParameters& parameters, ModelSpec& spec,
                              const std::function<bool(int layer, int first_window_layer)>& rule);

// Experts in every `sparse_step`-th layer but those that the file lists as dense; `shared` beside them, if
// given.
Result<void> set_qwen_experts(const HyperParameters& parameters, ModelSpec& spec, int d_ff, int shared_d_ff,
                              bool normalized_by_default = false);

}  // namespace continuo
