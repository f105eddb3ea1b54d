// Command R7B: Command R with a window in three layers of four; the others see everything and know no positions. Cohere
// 2024, huggingface.co/CohereLabs/c4ai-command-r7b-12-2024.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> cohere2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.tied_output = true, .context_length = 8192}, .norm_eps = 1e-5}));
  const LayerNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps, .bias = false};
  CONTINUO_TRY(const int window, window_or(p, 4096));
  CONTINUO_TRY(const int pattern, p.count_or("window_pattern", 4));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int layer) { return (layer + 1) % pattern != 0; }));
  for (LayerSpec& layer : spec.layers) {
    layer.order = LayerSpec::Order::parallel;
    layer.mixer_norm = norm;
    layer.ffn_norm.reset();
    AttentionSpec& attention = attention_of(layer);
    attention.rope->interleaved = true;
    if (attention.window == 0) attention.rope.reset();
  }
  spec.final_norm = norm;
  CONTINUO_TRY(const double scale, p.number_or("logit_scale", 0.0625, kFactor));
  spec.logit_scale = static_cast<float>(scale);
  return spec;
}

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy_window(file, config));
  gguf_copy_layer_types(file, config);
  return gguf_copy(file, "logit_scale", config, "logit_scale");
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  into.set("logit_scale", spec.logit_scale);
  set_window_pattern(spec, into);
}

}  // namespace

extern const Family kCohere2;  // the list's
const Family kCohere2 = {
    .model_type = "cohere2",
    .known_as = "Command R7B, Command A, Tiny Aya",
    .spec = cohere2,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "cohere2", .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
