// Mistral: Llama that may look back through a window in every layer. Jiang et al. 2023, arXiv:2310.06825.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> mistral(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {}));
  CONTINUO_TRY(const int window, window_or(p, 4096));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int) { return window > 0; }));
  return spec;
}

}  // namespace

extern const Family kMistral;  // the list's
const Family kMistral = {
    .model_type = "mistral",
    .known_as = "Mistral 7B, Zephyr",
    .spec = mistral,
    .names = llama_names(kLlamaTensors),
    .gguf = {.written_as = [](const ModelSpec&) { return std::string_view("llama"); }},
};

}  // namespace continuo
