// BitNet b1.58: Llama with squared ReLUs and a norm before each part's last map. Ma et al. 2025, arXiv:2504.12285.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> bitnet(const HyperParameters& p) {
  CONTINUO_TRY(
      ModelSpec spec,
      llama_spec(p,
                 {.plain = {.context_length = 2048}, .norm_eps = 1e-5, .activation = "relu2", .rope = {.theta = 5e5}}));
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).out_norm = layer.mixer_norm;
    std::get<FeedForwardSpec>(layer.ffn).inner_norm = layer.ffn_norm;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    {Role::attention_out_norm, "*layers.#.self_attn.attn_sub_norm.weight"},
    {Role::ffn_inner_norm, "*layers.#.mlp.ffn_sub_norm.weight"},
});

Result<void> adapt_gguf(const Checkpoint&, Json& config) {
  config["hidden_act"] = "relu2";
  return {};
}

}  // namespace

extern const Family kBitnet;  // the list's
const Family kBitnet = {
    .model_type = "bitnet",
    .known_as = "BitNet b1.58 2B4T",
    .spec = bitnet,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "bitnet", .adapt = adapt_gguf},
};

}  // namespace continuo
