// SmolLM3: Llama in which some layers know no positions (Yang et al. 2025, arXiv:2501.18795), and may look
// back through a window. Hugging Face 2025, huggingface.co/blog/smollm3.
#include <fmt/format.h>

#include "model/families/llama.h"

namespace continuo {

namespace {

// "no_rope_layers" says 1 where positions turn; absent, every "no_rope_layer_interval"-th layer knows none.
Result<std::vector<bool>> turned_layers(const HyperParameters& p, std::size_t n_layers) {
  std::vector<bool> turned(n_layers);
  CONTINUO_TRY(const bool listed, p.has("turned_layers"));
  if (listed) {
    CONTINUO_TRY(const std::vector<int> list, p.indices("turned_layers"));
    if (list.size() < n_layers) {
      return p.wrong("turned_layers", fmt::format("a list of {} numbers", n_layers));
    }
    for (std::size_t i = 0; i < n_layers; ++i) turned[i] = list[i] != 0;
  } else {
    CONTINUO_TRY(const int interval, p.count_or("unturned_interval", 4));
    for (std::size_t i = 0; i < n_layers; ++i) turned[i] = (i + 1) % static_cast<std::size_t>(interval) != 0;
  }
  return turned;
}

Result<ModelSpec> smollm3(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.tied_output = true}, .rope = {.theta = 2e6}, .feed_bias = true}));
  CONTINUO_TRY(const std::vector<bool> turned, turned_layers(p, spec.layers.size()));
  CONTINUO_TRY(const bool windows, p.flag_or("use_window", false));
  int window = 0;
  if (windows) {
    CONTINUO_TRY(window, window_or(p, 0));
  }
  CONTINUO_TRY_VOID(
      set_windows(p, spec, window, [&](int layer) { return window > 0 && !turned[static_cast<std::size_t>(layer)]; }));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    if (!turned[i]) attention_of(spec.layers[i]).rope.reset();
  }
  return spec;
}

}  // namespace

extern const Family kSmollm3;  // the list's
const Family kSmollm3 = {
    .model_type = "smollm3",
    .known_as = "SmolLM3",
    .spec = smollm3,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "smollm3", .paired_heads = true},
};

}  // namespace continuo
