#include "model/families/qwen.h"

#include <algorithm>

namespace continuo {

Result<void> set_qwen_windows(const HyperParameters& p, ModelSpec& spec, const std::function<bool(int, int)>& rule) {
  CONTINUO_TRY(const bool windows, p.flag_or("use_window", false));
  int window = 0;
  if (windows) {
    CONTINUO_TRY(window, window_or(p, 4096));
  }
  CONTINUO_TRY(const int first, p.index_or("first_window_layer", 28));
  return set_windows(p, spec, window, [&](int layer) { return window > 0 && rule(layer, first); });
}

Result<void> set_qwen_experts(const HyperParameters& p, ModelSpec& spec, int d_ff, int shared_d_ff,
                              bool normalized_by_default) {
  FeedForwardSpec expert = std::get<FeedForwardSpec>(spec.layers.front().ffn);
  CONTINUO_TRY(expert.d_ff, p.count_or("expert_d_ff", d_ff));
  CONTINUO_TRY(ExpertsSpec experts, plain_experts(p, expert, normalized_by_default));
  if (shared_d_ff > 0) {
    experts.shared = expert;
    CONTINUO_TRY(experts.shared->d_ff, p.count_or("shared_d_ff", shared_d_ff));
    experts.shared_gate = true;
  }
  CONTINUO_TRY(const int step, p.count_or("sparse_step", 1));
  CONTINUO_TRY(const std::vector<int> dense, p.indices("dense_layers"));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const int layer = static_cast<int>(i);
    if ((layer + 1) % step != 0 || std::count(dense.begin(), dense.end(), layer)) continue;
    spec.layers[i].ffn = experts;
  }
  return {};
}

}  // namespace continuo
