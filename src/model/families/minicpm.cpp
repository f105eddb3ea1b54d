// MiniCPM: Llama with scaled embeddings, residuals and last hidden state (tensor programs: Yang et al. 2022,
// arXiv:2203.03466). Hu et al. 2024, arXiv:2404.06395.
#include <cmath>

#include "model/families/llama.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

Result<ModelSpec> minicpm(const HyperParameters& p) {
  CONTINUO_TRY(const bool experts, p.has("n_experts"));
  if (experts) return p.wrong("n_experts", "none: experts are not supported for this kind of model");
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.tied_output = true}}));
  CONTINUO_TRY(const double embedding, p.number_or("embedding_scale", 1, kFactor));
  CONTINUO_TRY(const double depth, p.number_or("depth_scale", 1, kFactor));
  CONTINUO_TRY(const int base_width, p.count_or("base_width", spec.d_model));
  spec.embedding_scale = static_cast<float>(embedding);
  spec.logit_scale = static_cast<float>(static_cast<double>(base_width) / spec.d_model);
  const double residual = depth / std::sqrt(static_cast<double>(spec.layers.size()));
  for (LayerSpec& layer : spec.layers) layer.residual_scale = static_cast<float>(residual);
  return spec;
}

// The file has the scales themselves, the family what they are made of.
Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto embedding, gguf_number(file, "embedding_scale"));
  CONTINUO_TRY(const auto residual, gguf_number(file, "residual_scale"));
  CONTINUO_TRY(const auto divisor, gguf_number(file, "logit_scale"));
  if (!embedding || !residual || !divisor || !(*divisor > 0)) {
    return gguf_wrong(file,
                      !embedding  ? "embedding_scale"
                      : !residual ? "residual_scale"
                                  : "logit_scale",
                      "is missing or not above 0", "was the file made by an old converter?");
  }
  config.erase("residual_multiplier");
  config.erase("embedding_multiplier");
  config["scale_emb"] = *embedding;
  config["scale_depth"] = *residual * std::sqrt(std::max(config.value("num_hidden_layers", 0.0), 0.0));
  config["dim_model_base"] =
      static_cast<std::int64_t>(std::lround(std::min(config.value("hidden_size", 0.0) / *divisor, 1e9)));
  return {};
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  into.set("embedding_scale", spec.embedding_scale);
  into.set("residual_scale", spec.layers.front().residual_scale);
  into.set("logit_scale", gguf_divisor(spec.logit_scale));
}

}  // namespace

extern const Family kMinicpm;  // the list's
const Family kMinicpm = {
    .model_type = "minicpm",
    .known_as = "MiniCPM",
    .spec = minicpm,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "minicpm", .paired_heads = true, .adapt = adapt_gguf, .write = write_gguf},
};

}  // namespace continuo
