// Gemma 2: Gemma with norms before and after each part, caps on scores and logits, and a window in every
// other layer. Gemma team 2024, arXiv:2408.00118.
#include "model/families/gemma.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> gemma2(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, gemma_spec(p, {}));
  CONTINUO_TRY_VOID(set_later_gemma(p, spec, {.score = 50, .logit = 30}));
  CONTINUO_TRY(const int window, window_or(p, 4096));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [](int layer) { return layer % 2 == 0; }));
  return spec;
}

constexpr LlamaNames kTensors({kGemmaNorms[0], kGemmaNorms[1], kGemmaNorms[2]});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy_window(file, config));
  gguf_copy_layer_types(file, config);
  const Json* pattern = gguf_value(file, "attention.sliding_window_pattern");
  if (pattern && !pattern->is_array() && *pattern != 2) {
    return gguf_wrong(file, "attention.sliding_window_pattern", "is not 2, which is not supported");
  }
  return gguf_gemma_query_scale(file, config, 46);
}

}  // namespace

extern const Family kGemma2;  // the list's
const Family kGemma2 = {
    .model_type = "gemma2",
    .known_as = "Gemma 2",
    .spec = gemma2,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "gemma2", .adapt = adapt_gguf, .write = set_window_pattern},
};

}  // namespace continuo
