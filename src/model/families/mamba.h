// What the families with state space models share.
#pragma once

#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

// Models without attention state no context length: nothing in them ends at a position.
inline constexpr int kRecurrentContext = 1 << 20;

// A whole number that may also be "auto", or absent: then it is `automatic`. `field`: the file's name of it.
Result<int> count_or_auto(const HyperParameters& parameters, std::string_view name, std::string_view field,
                          int automatic, int largest = HyperParameters::kLargest);
// factor * d_model, where the file names the factor `name`; an error if that is no possible width.
Result<int> expanded_width(const HyperParameters& parameters, std::string_view name, int d_model);

// A model whose blocks are `mixer` alone behind an RMS norm.
Result<ModelSpec> mixers_only(const HyperParameters& parameters, ModelSpec spec, const MixerSpec& mixer);
// Mamba's layers: d_inner wide, without norms inside.
Result<MambaSpec> mamba_mixer(const HyperParameters& parameters, int d_inner, int dt_rank);
// The default of dt_rank.
constexpr int auto_dt_rank(int d_model) { return (d_model + 15) / 16; }
// Mamba, and Falcon Mamba but for its norms.
Result<ModelSpec> mamba_spec(const HyperParameters& parameters);

// Mamba-2 with d_inner values in all heads: what all families say by the same names (groups, state, convolution, biases
// of the maps as given, activation named `activation`, limits of the step, norm). An error unless the sizes fit.
struct Mamba2Sizes {
  int d_inner = 0, n_heads = 0, head_dim = 0;
  int default_groups = 1, default_d_state = 0;
  std::string_view activation = "activation";
};
Result<Mamba2Spec> mamba2_mixer(const HyperParameters& parameters, const Mamba2Sizes& sizes, float norm_eps);
// The same of hybrids, which say "mamba_n_heads", "mamba_d_head" and one flag for the biases of both maps.
Result<Mamba2Spec> hybrid_mamba2_mixer(const HyperParameters& parameters, int d_inner, float norm_eps);

// Names of a mixer's tensors within the part `module` of a layer.
#define CONTINUO_MAMBA_COMMON_TENSORS(module)                                                                          \
  {Role::mamba_in, "*layers.#." module ".in_proj.weight"}, {Role::mamba_in_bias, "*layers.#." module ".in_proj.bias"}, \
      {Role::conv_filters, "*layers.#." module ".conv1d.weight"},                                                      \
      {Role::conv_filters_bias, "*layers.#." module ".conv1d.bias"}, {Role::mamba_a, "*layers.#." module ".A_log"},    \
      {Role::mamba_skip, "*layers.#." module ".D"}, {Role::mamba_out, "*layers.#." module ".out_proj.weight"}, {       \
    Role::mamba_out_bias, "*layers.#." module ".out_proj.bias"                                                         \
  }
#define CONTINUO_MAMBA_TENSORS(module)                                                          \
  CONTINUO_MAMBA_COMMON_TENSORS(module), {Role::mamba_x, "*layers.#." module ".x_proj.weight"}, \
      {Role::mamba_dt, "*layers.#." module ".dt_proj.weight"}, {                                \
    Role::mamba_dt_bias, "*layers.#." module ".dt_proj.bias"                                    \
  }
#define CONTINUO_MAMBA2_TENSORS(module)                                                           \
  CONTINUO_MAMBA_COMMON_TENSORS(module), {Role::mamba_dt_bias, "*layers.#." module ".dt_bias"}, { \
    Role::mamba_norm, "*layers.#." module ".norm.weight"                                          \
  }
// Names around the mixers of models that call them so.
#define CONTINUO_BACKBONE_TENSORS                                                          \
  {Role::embedding, "*embeddings.weight"}, {Role::embedding, "*embedding.weight"},         \
      {Role::mixer_norm, "*layers.#.norm.weight"}, {Role::final_norm, "*norm_f.weight"}, { \
    Role::output, "lm_head.weight"                                                         \
  }
inline constexpr auto kBackbonePrefixes = std::to_array<std::string_view>({"backbone.", "model.", ""});

// What GGUF files call the tensors of Mamba and Mamba-2 layers.
inline constexpr auto kGgufMambaNames = std::to_array<TensorName>({
    {Role::mamba_in, "blk.#.ssm_in.weight"},
    {Role::mamba_in_bias, "blk.#.ssm_in.bias"},
    {Role::conv_filters, "blk.#.ssm_conv1d.weight"},
    {Role::conv_filters_bias, "blk.#.ssm_conv1d.bias"},
    {Role::mamba_x, "blk.#.ssm_x.weight"},
    {Role::mamba_dt, "blk.#.ssm_dt.weight"},
    {Role::mamba_dt_bias, "blk.#.ssm_dt.bias"},
    {Role::mamba_dt_norm, "blk.#.ssm_dt_norm.weight"},
    {Role::mamba_b_norm, "blk.#.ssm_b_norm.weight"},
    {Role::mamba_c_norm, "blk.#.ssm_c_norm.weight"},
    {Role::mamba_rate, "blk.#.ssm_a"},
    {Role::mamba_skip, "blk.#.ssm_d"},
    {Role::mamba_norm, "blk.#.ssm_norm.weight"},
    {Role::mamba_out, "blk.#.ssm_out.weight"},
    {Role::mamba_out_bias, "blk.#.ssm_out.bias"},
});
// Sizes of Mamba layers in a GGUF file, and which biases are there, by the names of Mamba's own files; the same of
// Mamba-2 in hybrids, by theirs.
Result<void> adapt_gguf_mamba(const Checkpoint& file, Json& config);
Result<void> adapt_gguf_hybrid_mamba2(const Checkpoint& file, Json& config);
// "layer_types": `attention` where a layer has heads of keys, else `other`; "num_key_value_heads".
Result<void> adapt_gguf_layer_types(const Checkpoint& file, Json& config, const char* attention, const char* other);

}  // namespace continuo
