// Seed-OSS: Llama with biases of queries, keys and values. ByteDance Seed 2025, github.com/ByteDance-Seed/seed-oss.
#include "model/families/llama.h"

namespace continuo {

namespace {

Result<ModelSpec> seed_oss(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.context_length = 524288}, .head_dim = 128, .feed_bias = true}));
  CONTINUO_TRY(const bool bias, p.flag_or("attention_bias", true));
  CONTINUO_TRY(const bool out_bias, p.flag_or("attention_out_bias", false));
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).qkv_bias = bias;
    attention_of(layer).out_bias = out_bias;
  }
  return spec;
}

constexpr auto kGgufNames = std::to_array<TensorName>({{Role::ffn_norm, "blk.#.post_attention_norm.weight"}});

}  // namespace

extern const Family kSeedOss;  // the list's
const Family kSeedOss = {
    .model_type = "seed_oss",
    .known_as = "Seed-OSS",
    .spec = seed_oss,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "seed_oss", .names = kGgufNames},
};

}  // namespace continuo
