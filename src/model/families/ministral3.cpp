// Ministral 3: Mistral whose queries are longer at later positions (Llama 4's scaling). Mistral AI 2025,
// arXiv:2601.08584.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> ministral3(const HyperParameters& p) {
  CONTINUO_TRY(const bool ropes, p.has("rope_section"));
  if (!ropes) return model_error(p.file(), "'rope_parameters' or 'rope_scaling' is missing");
  CONTINUO_TRY(
      ModelSpec spec,
      llama_spec(p, {.plain = {.context_length = 262144}, .norm_eps = 1e-5, .head_dim = 128, .rope = {.theta = 1e6}}));
  CONTINUO_TRY(const int window, window_or(p, 0));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [&](int) { return window > 0; }));
  CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
  CONTINUO_TRY(const double beta, section.number_or("query_scale_beta", 0, kLimit));
  double length = 0;
  if (beta > 0) {
    CONTINUO_TRY(length, section.number("original_context", kFromOne));
  }
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.qkv_bias = attention.out_bias = false;
    attention.query_scale_beta = beta;
    attention.query_scale_length = length;
  }
  return spec;
}

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto beta, gguf_number(file, "attention.temperature_scale"));
  if (!config.contains("rope_scaling")) config["rope_scaling"] = {{"rope_type", "default"}};
  if (beta) config["rope_scaling"]["llama_4_scaling_beta"] = *beta;
  CONTINUO_TRY(const auto length, gguf_number(file, "attention.temperature_length"));
  if (length) config["rope_scaling"]["original_max_position_embeddings"] = *length;
  return gguf_copy_window(file, config);
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  const AttentionSpec& attention = *first_attention(spec);
  if (attention.query_scale_beta <= 0) return;
  into.set("attention.temperature_scale", attention.query_scale_beta);
  into.set("attention.temperature_length", static_cast<int>(attention.query_scale_length));
}

}  // namespace

extern const Family kMinistral3;  // the list's
const Family kMinistral3 = {
    .model_type = "ministral3",
    .known_as = "Ministral 3",
    .spec = ministral3,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "mistral3", .paired_heads = true, .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
