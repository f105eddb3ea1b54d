#include "model/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/json.h"
#include "io/checkpoint.h"
#include "model/gguf_keys.h"
#include "model/gguf_metadata.h"
#include "model/gguf_rope.h"

namespace continuo {

namespace {

// ---- numbers ----

struct KeyName {
  std::string_view gguf;    // after "ARCHITECTURE."
  std::string_view family;  // the first of the names that the table of hyper-parameters knows
};
constexpr auto kKeys = std::to_array<KeyName>({
    {"embedding_length", "hidden_size"},
    {"block_count", "num_hidden_layers"},
    {"feed_forward_length", "intermediate_size"},
    {"context_length", "max_position_embeddings"},
    {"attention.head_count", "num_attention_heads"},
    {"attention.head_count_kv", "num_key_value_heads"},
    {"attention.key_length", "head_dim"},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps"},
    {"attention.layer_norm_epsilon", "layer_norm_epsilon"},
    {"attention.scale", "attention_multiplier"},
    {"attention.clamp_kqv", "clip_qkv"},
    {"attn_logit_softcapping", "attn_logit_softcapping"},
    {"final_logit_softcapping", "final_logit_softcapping"},
    {"rope.freq_base", "rope_theta"},
    {"use_parallel_residual", "use_parallel_residual"},
    {"embedding_scale", "embedding_multiplier"},
    {"residual_scale", "residual_multiplier"},
    {"expert_count", "num_experts"},
    {"expert_used_count", "num_experts_per_tok"},
    {"expert_feed_forward_length", "moe_intermediate_size"},
    {"expert_shared_feed_forward_length", "shared_expert_intermediate_size"},
});

// Without a length of their own heads have an equal share of the model, whatever the family's files take for granted.
void set_head_dim(Json& config) {
  const auto whole = [&](const char* name) {
    const auto it = config.find(name);
    return it != config.end() && it->is_number_integer() ? it->get<std::int64_t>() : 0;
  };
  const std::int64_t width = whole("hidden_size"), heads = whole("num_attention_heads");
  if (!config.contains("head_dim") && heads > 0 && width % heads == 0) config["head_dim"] = width / heads;
}

// ---- tensors ----

constexpr auto kNames = std::to_array<TensorName>({
    {Role::embedding, "token_embd.weight"},
    {Role::embedding_norm, "token_embd_norm.weight"},
    {Role::embedding_norm_bias, "token_embd_norm.bias"},
    {Role::learned_positions, "position_embd.weight"},
    {Role::mixer_norm, "blk.#.attn_norm.weight"},
    {Role::mixer_norm_bias, "blk.#.attn_norm.bias"},
    {Role::post_mixer_norm, "blk.#.post_attention_norm.weight"},
    {Role::attention_q, "blk.#.attn_q.weight"},
    {Role::attention_q_bias, "blk.#.attn_q.bias"},
    {Role::attention_k, "blk.#.attn_k.weight"},
    {Role::attention_k_bias, "blk.#.attn_k.bias"},
    {Role::attention_v, "blk.#.attn_v.weight"},
    {Role::attention_v_bias, "blk.#.attn_v.bias"},
    {Role::attention_qkv, "blk.#.attn_qkv.weight"},
    {Role::attention_qkv_bias, "blk.#.attn_qkv.bias"},
    {Role::attention_q_norm, "blk.#.attn_q_norm.weight"},
    {Role::attention_q_norm_bias, "blk.#.attn_q_norm.bias"},
    {Role::attention_k_norm, "blk.#.attn_k_norm.weight"},
    {Role::attention_k_norm_bias, "blk.#.attn_k_norm.bias"},
    {Role::attention_out, "blk.#.attn_output.weight"},
    {Role::attention_out_bias, "blk.#.attn_output.bias"},
    {Role::attention_sinks, "blk.#.attn_sinks.weight"},
    {Role::attention_out_norm, "blk.#.attn_sub_norm.weight"},
    {Role::latent_q_a, "blk.#.attn_q_a.weight"},
    {Role::latent_q_norm, "blk.#.attn_q_a_norm.weight"},
    {Role::latent_q_b, "blk.#.attn_q_b.weight"},
    {Role::latent_kv_a, "blk.#.attn_kv_a_mqa.weight"},
    {Role::latent_kv_norm, "blk.#.attn_kv_a_norm.weight"},
    {Role::latent_kv_b, "blk.#.attn_kv_b.weight"},
    {Role::latent_k_b, "blk.#.attn_k_b.weight"},
    {Role::latent_v_b, "blk.#.attn_v_b.weight"},
    {Role::ffn_norm, "blk.#.ffn_norm.weight"},
    {Role::ffn_norm_bias, "blk.#.ffn_norm.bias"},
    {Role::post_ffn_norm, "blk.#.post_ffw_norm.weight"},
    {Role::ffn_gate, "blk.#.ffn_gate.weight"},
    {Role::ffn_gate_bias, "blk.#.ffn_gate.bias"},
    {Role::ffn_up, "blk.#.ffn_up.weight"},
    {Role::ffn_up_bias, "blk.#.ffn_up.bias"},
    {Role::ffn_gate_up_bias, "blk.#.ffn_up.bias"},
    {Role::ffn_down, "blk.#.ffn_down.weight"},
    {Role::ffn_down_bias, "blk.#.ffn_down.bias"},
    {Role::ffn_inner_norm, "blk.#.ffn_sub_norm.weight"},
    {Role::router, "blk.#.ffn_gate_inp.weight"},
    {Role::router_map_bias, "blk.#.ffn_gate_inp.bias"},
    {Role::expert_gate_bias, "blk.#.ffn_gate_exps.bias"},
    {Role::expert_up_bias, "blk.#.ffn_up_exps.bias"},
    {Role::expert_down_bias, "blk.#.ffn_down_exps.bias"},
    {Role::expert_gate, "blk.#.ffn_gate_exps.weight"},
    {Role::expert_up, "blk.#.ffn_up_exps.weight"},
    {Role::expert_down, "blk.#.ffn_down_exps.weight"},
    {Role::expert_gate, "blk.#.ffn_gate.@.weight"},
    {Role::expert_up, "blk.#.ffn_up.@.weight"},
    {Role::expert_down, "blk.#.ffn_down.@.weight"},
    {Role::expert_gate_up, "blk.#.ffn_gate_up_exps.weight"},
    {Role::shared_gate, "blk.#.ffn_gate_shexp.weight"},
    {Role::shared_up, "blk.#.ffn_up_shexp.weight"},
    {Role::shared_down, "blk.#.ffn_down_shexp.weight"},
    {Role::shared_router, "blk.#.ffn_gate_inp_shexp.weight"},
    {Role::final_norm, "output_norm.weight"},
    {Role::final_norm_bias, "output_norm.bias"},
    {Role::output, "output.weight"},
    {Role::output_bias, "output.bias"},
});
// Read into the hyper-parameters, or made from them.
constexpr auto kIgnored = std::to_array<std::string_view>(
    {"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight", "blk.#.attn_rot_embd.weight",
     // RWKV-7's first layer has values of its own; some files hold maps to mix others
     // in.
     "blk.0.time_mix_v0.weight", "blk.0.time_mix_v1.weight", "blk.0.time_mix_v2.weight"});

void set_bias(std::optional<NormSpec>& norm, bool bias) {
  if (!norm) return;
  if (auto* layer_norm = std::get_if<LayerNormSpec>(&*norm)) {
    layer_norm->bias = bias;
    layer_norm->unit_offset = false;
  }
  if (auto* rms_norm = std::get_if<RmsNormSpec>(&*norm)) rms_norm->unit_offset = false;
}

}  // namespace

const std::span<const std::string_view> kGgufIgnoredTensors = kIgnored;

Result<const Family*> gguf_family(const Checkpoint& file) {
  const std::string name = gguf_architecture(file);
  if (name.empty()) {
    return model_error(file.config_file, "'general.architecture' is missing or no string",
                       "it says what kind of model the file holds");
  }
  const Family* unclaimed = nullptr;
  for (const Family* family : families()) {
    const GgufNames& gguf = family->gguf;
    if (gguf.architecture != name && (gguf.also.empty() || gguf.also != name)) continue;
    if (gguf.claims && gguf.claims(file)) return family;
    if (!gguf.claims) unclaimed = family;
  }
  if (unclaimed) return unclaimed;
  return model_error(
      file.config_file,
      fmt::format("'general.architecture' is \"{}\", expected one that 'continuo inspect --families' lists", name),
      "this kind of model is not supported");
}

Result<Json> gguf_hyper_parameters(const Family& family, const Checkpoint& file) {
  CONTINUO_TRY_VOID(check_needed_gguf_keys(file));
  if (!gguf_stored(file, "token_embd.weight")) {
    return model_error(file.name, "tensor 'token_embd.weight' is missing", "does the file hold a vocabulary alone?");
  }
  Json config = {{"model_type", family.model_type}};
  const std::string_view epsilon = gguf_epsilon_key(file);
  std::vector<const KeyName*> by_layer;  // what a family may know how to take
  for (const KeyName& key : kKeys) {
    if (key.gguf.ends_with("epsilon") && !epsilon.empty() && key.gguf != epsilon) continue;
    if (gguf_differs(file, key.gguf)) {
      by_layer.push_back(&key);
      continue;
    }
    CONTINUO_TRY(const Json* value, gguf_plain(file, key.gguf));
    if (value) config[std::string(key.family)] = *value;
  }
  // Zero stands for "none" where another format leaves a number out.
  for (const char* name : {"num_experts", "num_experts_per_tok", "shared_expert_intermediate_size"}) {
    if (config.contains(name) && config[name] == 0) config.erase(name);
  }
  for (const char* name : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (config.contains(name) && config[name] == 0) config[name] = nullptr;
  }
  if (const auto it = file.tensors.find("token_embd.weight");
      it != file.tensors.end() && it->second.shape.size() == 2) {
    config["vocab_size"] = it->second.shape[0];
  }
  config["tie_word_embeddings"] = !gguf_stored(file, "output.weight");
  set_head_dim(config);
  CONTINUO_TRY_VOID(add_gguf_rope(file, config));
  const auto copy = [&](const char* from, const char* to) {
    if (const auto it = file.config.find(from); it != file.config.end()) config[to].push_back(*it);
  };
  copy("tokenizer.ggml.bos_token_id", "bos_token_id");
  copy("tokenizer.ggml.eos_token_id", "eos_token_id");
  copy("tokenizer.ggml.eot_token_id", "eos_token_id");
  copy("tokenizer.ggml.eom_token_id", "eos_token_id");
  if (family.gguf.adapt) CONTINUO_TRY_VOID(family.gguf.adapt(file, config));
  for (const KeyName* key : by_layer) {
    if (!config.contains(key->family)) CONTINUO_TRY_VOID(gguf_plain(file, key->gguf));
  }
  CONTINUO_TRY_VOID(check_unread_gguf_keys(file));
  return config;
}

std::vector<TensorName> gguf_tensor_names(const Family& family) {
  std::vector<TensorName> names(family.gguf.names.begin(), family.gguf.names.end());
  for (const TensorName& name : kNames) {
    const auto same = [&](const TensorName& other) { return other.role == name.role; };
    if (std::none_of(family.gguf.names.begin(), family.gguf.names.end(), same)) names.push_back(name);
  }
  return names;
}

void follow_gguf(const Checkpoint& file, ModelSpec& spec) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    set_bias(layer.mixer_norm, gguf_stored(file, i, "attn_norm.bias") || gguf_stored(file, i, "attn_output_norm.bias"));
    set_bias(layer.post_mixer_norm, false);
    set_bias(layer.ffn_norm, gguf_stored(file, i, "ffn_norm.bias") || gguf_stored(file, i, "attn_norm_2.bias") ||
                                 gguf_stored(file, i, "layer_output_norm.bias"));
    set_bias(layer.post_ffn_norm, false);
    if (AttentionSpec* const attention = attention_in(layer.mixer)) {
      attention->grouped_qkv = false;
      attention->qkv_bias = gguf_stored(file, i, "attn_q.bias") || gguf_stored(file, i, "attn_qkv.bias");
      attention->out_bias = gguf_stored(file, i, "attn_output.bias");
      if (attention->qk_norm) {
        std::optional<NormSpec> norm = attention->qk_norm->norm;
        set_bias(norm, gguf_stored(file, i, "attn_q_norm.bias"));
        attention->qk_norm->norm = *norm;
      }
    }
    if (auto* experts = std::get_if<ExpertsSpec>(&layer.ffn)) {
      experts->router_bias = gguf_stored(file, i, "ffn_gate_inp.bias");
      experts->expert.bias = gguf_stored(file, i, "ffn_down_exps.bias");
      experts->interleaved = false;
    }
    if (auto* feed = std::get_if<FeedForwardSpec>(&layer.ffn)) feed->bias = gguf_stored(file, i, "ffn_up.bias");
  }
  set_bias(spec.embedding_norm, gguf_stored(file, "token_embd_norm.bias"));
  set_bias(spec.final_norm, gguf_stored(file, "output_norm.bias"));
  spec.output_bias = gguf_stored(file, "output.bias");
}

}  // namespace continuo
