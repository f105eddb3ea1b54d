#include "model/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/json.h"
#include "io/checkpoint.h"

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
constexpr std::array<std::string_view, 4> kNeeded = {"embedding_length", "block_count", "context_length",
                                                     "attention.head_count"};

std::string architecture_of(const Checkpoint& file) {
  const auto it = file.config.find("general.architecture");
  return it != file.config.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// The value of a key of the architecture; null if it is absent.
const Json* find(const Checkpoint& file, std::string_view key) {
  const auto it = file.config.find(fmt::format("{}.{}", architecture_of(file), key));
  return it == file.config.end() ? nullptr : &*it;
}

Error wrong(const Checkpoint& file, std::string_view key, std::string_view what, std::string hint = {}) {
  return model_error(file.config_file, fmt::format("'{}.{}' {}", architecture_of(file), key, what),
                     std::move(hint));
}

// A number or a truth value; a list of one for each layer must be of equal ones.
Result<const Json*> plain(const Checkpoint& file, std::string_view key) {
  const Json* value = find(file, key);
  if (!value) return value;
  if (value->is_array()) {
    if (value->empty()) return wrong(file, key, "is an empty list");
    for (const Json& each : *value) {
      if (each != value->front())
        return wrong(file, key, "differs from layer to layer", "such models are not supported");
    }
    value = &value->front();
  }
  if (!value->is_number() && !value->is_boolean()) return wrong(file, key, "is no number");
  return value;
}

Result<std::optional<double>> number(const Checkpoint& file, std::string_view key) {
  CONTINUO_TRY(const Json* value, plain(file, key));
  if (!value) return std::optional<double>{};
  if (!value->is_number()) return wrong(file, key, "is no number");
  return std::optional<double>{value->get<double>()};
}

bool stored(const Checkpoint& file, const std::string& name) {
  return file.tensors.count(name) > 0 || file.others.count(name) > 0;
}
bool stored(const Checkpoint& file, std::size_t layer, std::string_view name) {
  return stored(file, fmt::format("blk.{}.{}", layer, name));
}

// ---- positions ----

// The values of a tensor of factors, one for each pair that turns.
Result<Json> factors(const Checkpoint& file, const std::string& name) {
  const TensorView& tensor = file.tensors.find(name)->second;
  constexpr std::size_t kMost = 4096;
  if (tensor.shape.size() != 1 || tensor.shape[0] > kMost || !format_is_plain(tensor.format)) {
    return model_error(tensor.file, fmt::format("tensor '{}' is not a short row of floats", name));
  }
  std::vector<float> values(tensor.shape[0]);
  format_info(tensor.format).to_float(tensor.bytes.data(), values.data(), values.size());
  return Json(values);
}

// Factors in the file: by two tensors for short and long texts, or by one for all.
Result<Json> scaling_by_factors(const Checkpoint& file, bool by_length) {
  const std::string short_name = by_length ? "rope_factors_short.weight" : "rope_freqs.weight";
  const std::string long_name = by_length ? "rope_factors_long.weight" : "rope_freqs.weight";
  for (const std::string& name : {short_name, long_name}) {
    if (!file.tensors.count(name)) return model_error(file.name, fmt::format("tensor '{}' is missing", name));
  }
  Json scaling = {{"rope_type", "longrope"}};
  CONTINUO_TRY(scaling["short_factor"], factors(file, short_name));
  CONTINUO_TRY(scaling["long_factor"], factors(file, long_name));
  CONTINUO_TRY(const auto attention, number(file, "rope.scaling.attn_factor"));
  scaling["attention_factor"] = attention.value_or(1);
  if (by_length) {
    CONTINUO_TRY(const auto original, number(file, "rope.scaling.original_context_length"));
    if (original) scaling["original_max_position_embeddings"] = *original;
  }
  return scaling;
}

Result<Json> yarn_scaling(const Checkpoint& file, double factor) {
  Json scaling = {{"rope_type", "yarn"}, {"factor", factor}};
  if (find(file, "rope.scaling.yarn_log_multiplier")) {
    return wrong(file, "rope.scaling.yarn_log_multiplier", "is not supported");
  }
  const auto copy = [&](std::string_view from, const char* to) -> Result<void> {
    CONTINUO_TRY(const auto value, number(file, from));
    if (value) scaling[to] = *value;
    return {};
  };
  CONTINUO_TRY_VOID(copy("rope.scaling.original_context_length", "original_max_position_embeddings"));
  CONTINUO_TRY_VOID(copy("rope.scaling.yarn_beta_fast", "beta_fast"));
  CONTINUO_TRY_VOID(copy("rope.scaling.yarn_beta_slow", "beta_slow"));
  CONTINUO_TRY(const auto attention, number(file, "rope.scaling.attn_factor"));
  if (attention) scaling["attention_factor"] = *attention * (factor > 1 ? 0.1 * std::log(factor) + 1 : 1);
  return scaling;
}

Result<Json> rope_scaling(const Checkpoint& file) {
  if (stored(file, "rope_freqs.weight")) return scaling_by_factors(file, false);
  if (stored(file, "rope_factors_long.weight") || stored(file, "rope_factors_short.weight")) {
    return scaling_by_factors(file, true);
  }
  CONTINUO_TRY(const auto old_factor, number(file, "rope.scale_linear"));
  CONTINUO_TRY(const auto stated, number(file, "rope.scaling.factor"));
  const double factor = stated ? *stated : old_factor.value_or(1);
  const Json* kind = find(file, "rope.scaling.type");
  const std::string type = kind && kind->is_string() ? kind->get<std::string>()
                           : old_factor              ? "linear"
                                                     : "none";
  if (type == "none" || type == "longrope" || (type == "linear" && factor == 1)) return Json();
  if (type == "linear") return Json{{"rope_type", "linear"}, {"factor", factor}};
  if (type == "yarn") return yarn_scaling(file, factor);
  return wrong(file, "rope.scaling.type",
               fmt::format("is '{}', expected none, linear, yarn or longrope", type));
}

// The part of each head that turns, if it is not the whole.
Result<void> add_rotary_share(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto turning, number(file, "rope.dimension_count"));
  if (!turning) return {};
  double head_dim = config.value("head_dim", 0.0);
  if (head_dim == 0)
    head_dim = std::floor(config.value("hidden_size", 0.0) / config.value("num_attention_heads", 1.0));
  if (!(*turning >= 1) || *turning > head_dim) {
    return wrong(file, "rope.dimension_count", fmt::format("is {}, expected 1 to {}", *turning, head_dim));
  }
  // A little more than the quotient, so that rounding cannot lose a dimension.
  if (*turning < head_dim) config["partial_rotary_factor"] = (*turning + 1e-6) / head_dim;
  return {};
}

// ---- what single architectures do otherwise ----

Result<void> nothing(const Checkpoint&, Json&) { return {}; }

Result<void> adapt_llama(const Checkpoint&, Json& config) {
  if (config.contains("num_experts")) config["model_type"] = "mixtral";
  return {};
}

// Whether the weights of the chosen experts are divided by their sum is no part of these files.
Result<void> adapt_qwen2_moe(const Checkpoint&, Json& config) {
  config["norm_topk_prob"] = false;
  return {};
}
Result<void> adapt_qwen3_moe(const Checkpoint&, Json& config) {
  config["norm_topk_prob"] = true;
  return {};
}

Result<void> copy_window(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const Json* window, plain(file, "attention.sliding_window"));
  if (window) config["sliding_window"] = *window == 0 ? Json() : *window;
  return {};
}

// Gemma 2 and 3 scale queries by the size of a head, but the largest of each by the share of a head in the
// model.
Result<void> set_query_scale(const Checkpoint& file, Json& config, double largest_layers) {
  CONTINUO_TRY(const auto layers, number(file, "block_count"));
  const double d_model = config.value("hidden_size", 0.0), n_heads = config.value("num_attention_heads", 1.0);
  const double head_dim = config.value("head_dim", n_heads > 0 ? d_model / n_heads : 0);
  config["query_pre_attn_scalar"] = layers == largest_layers && n_heads > 0 ? d_model / n_heads : head_dim;
  return {};
}
Result<void> adapt_gemma2(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(copy_window(file, config));
  return set_query_scale(file, config, 46);
}
Result<void> adapt_gemma3(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(copy_window(file, config));
  CONTINUO_TRY(const Json* pattern, plain(file, "attention.sliding_window_pattern"));
  if (pattern) config["sliding_window_pattern"] = *pattern;
  CONTINUO_TRY(const auto local_theta, number(file, "rope.freq_base_swa"));
  if (local_theta) config["rope_local_base_freq"] = *local_theta;
  return set_query_scale(file, config, 62);
}

Result<void> adapt_exaone4(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(copy_window(file, config));
  const Json* pattern = find(file, "attention.sliding_window_pattern");
  if (!config.contains("sliding_window")) config["sliding_window"] = nullptr;
  if (!pattern || !pattern->is_array()) return {};
  Json types = Json::array();
  for (const Json& slides : *pattern)
    types.push_back(slides == true ? "sliding_attention" : "full_attention");
  config["layer_types"] = std::move(types);
  return {};
}

Result<void> adapt_falcon(const Checkpoint& file, Json& config) {
  const bool two_norms = stored(file, 0, "attn_norm_2.weight");
  config["num_kv_heads"] = config.value("num_key_value_heads", Json(1));
  config.erase("num_key_value_heads");
  config["new_decoder_architecture"] = two_norms || config["num_kv_heads"] != 1;
  config["num_ln_in_parallel_attn"] = two_norms ? 2 : 1;
  config["parallel_attn"] = true;
  return {};
}

Result<void> adapt_bloom(const Checkpoint&, Json& config) {
  config["seq_length"] = config["max_position_embeddings"];
  return {};
}

Result<void> adapt_mpt(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto bias, number(file, "attention.max_alibi_bias"));
  Json attention = {{"alibi", bias.value_or(0) > 0}};
  if (bias.value_or(0) > 0) attention["alibi_bias_max"] = static_cast<std::int64_t>(std::min(*bias, 1e6));
  if (config.contains("clip_qkv")) attention["clip_qkv"] = config["clip_qkv"];
  config.erase("clip_qkv");
  config["attn_config"] = std::move(attention);
  config["max_seq_len"] = config["max_position_embeddings"];
  const double d_model = config.value("hidden_size", 0.0), d_ff = config.value("intermediate_size", 0.0);
  if (d_model > 0 && d_ff > 0)
    config["expansion_ratio"] = static_cast<std::int64_t>(std::min(d_ff / d_model, 1e6));
  return {};
}

Result<void> adapt_command_r(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto scale, number(file, "logit_scale"));
  if (scale) config["logit_scale"] = *scale;
  config["use_qk_norm"] = stored(file, 0, "attn_q_norm.weight");
  return {};
}

Result<void> adapt_granite(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto scale, number(file, "logit_scale"));
  if (scale) config["logits_scaling"] = *scale;
  return {};
}

// The file has the scales themselves, the family what they are made of.
Result<void> adapt_minicpm(const Checkpoint& file, Json& config) {
  CONTINUO_TRY(const auto embedding, number(file, "embedding_scale"));
  CONTINUO_TRY(const auto residual, number(file, "residual_scale"));
  CONTINUO_TRY(const auto divisor, number(file, "logit_scale"));
  if (!embedding || !residual || !divisor || !(*divisor > 0)) {
    return wrong(file,
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

Result<void> adapt_norms_of_heads(const Checkpoint& file, Json& config) {
  config["qk_layernorm"] = stored(file, 0, "attn_q_norm.weight");
  return {};
}
Result<void> adapt_stablelm(const Checkpoint& file, Json& config) {
  // Files without a second norm are parallel, whatever they say.
  config["use_parallel_residual"] = !stored(file, 0, "ffn_norm.weight");
  return adapt_norms_of_heads(file, config);
}

constexpr auto kFalconNames = std::to_array<TensorName>({
    {Role::mixer_norm, "blk.#.attn_norm_2.weight"},
    {Role::mixer_norm_bias, "blk.#.attn_norm_2.bias"},
    {Role::mixer_norm, "blk.#.attn_norm.weight"},
    {Role::mixer_norm_bias, "blk.#.attn_norm.bias"},
    {Role::ffn_norm, "blk.#.attn_norm.weight"},
    {Role::ffn_norm_bias, "blk.#.attn_norm.bias"},
});
constexpr auto kGateUpNames = std::to_array<TensorName>({{Role::ffn_gate_up, "blk.#.ffn_up.weight"}});

constexpr auto kArchitectures = std::to_array<GgufArchitecture>({
    {"llama", "llama", true, {}, adapt_llama},
    {"gpt2", "gpt2", false, {}, nothing},
    {"gptneox", "gpt_neox", false, {}, nothing},
    {"bloom", "bloom", false, {}, adapt_bloom},
    {"falcon", "falcon", false, kFalconNames, adapt_falcon},
    {"mpt", "mpt", false, {}, adapt_mpt},
    {"phi2", "phi", false, {}, adapt_norms_of_heads},
    {"phi3", "phi3", false, kGateUpNames, copy_window},
    {"qwen2", "qwen2", false, {}, nothing},
    {"qwen2moe", "qwen2_moe", false, {}, adapt_qwen2_moe},
    {"qwen3", "qwen3", false, {}, nothing},
    {"qwen3moe", "qwen3_moe", false, {}, adapt_qwen3_moe},
    {"gemma", "gemma", false, {}, nothing},
    {"gemma2", "gemma2", false, {}, adapt_gemma2},
    {"gemma3", "gemma3_text", false, {}, adapt_gemma3},
    {"stablelm", "stablelm", false, {}, adapt_stablelm},
    {"starcoder2", "starcoder2", false, {}, nothing},
    {"olmo", "olmo", true, {}, nothing},
    {"olmo2", "olmo2", false, {}, nothing},
    {"command-r", "cohere", false, {}, adapt_command_r},
    {"granite", "granite", true, {}, adapt_granite},
    {"minicpm", "minicpm", true, {}, adapt_minicpm},
    {"smollm3", "smollm3", true, {}, nothing},
    {"exaone4", "exaone4", false, {}, adapt_exaone4},
});

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
    {Role::ffn_norm, "blk.#.ffn_norm.weight"},
    {Role::ffn_norm_bias, "blk.#.ffn_norm.bias"},
    {Role::post_ffn_norm, "blk.#.post_ffw_norm.weight"},
    {Role::ffn_gate, "blk.#.ffn_gate.weight"},
    {Role::ffn_gate_bias, "blk.#.ffn_gate.bias"},
    {Role::ffn_up, "blk.#.ffn_up.weight"},
    {Role::ffn_up_bias, "blk.#.ffn_up.bias"},
    {Role::ffn_down, "blk.#.ffn_down.weight"},
    {Role::ffn_down_bias, "blk.#.ffn_down.bias"},
    {Role::router, "blk.#.ffn_gate_inp.weight"},
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
constexpr auto kIgnored =
    std::to_array<std::string_view>({"rope_freqs.weight", "rope_factors_long.weight",
                                     "rope_factors_short.weight", "blk.#.attn_rot_embd.weight"});

void set_bias(std::optional<NormSpec>& norm, bool bias) {
  if (!norm) return;
  if (auto* layer_norm = std::get_if<LayerNormSpec>(&*norm)) layer_norm->bias = bias;
  if (auto* rms_norm = std::get_if<RmsNormSpec>(&*norm)) rms_norm->unit_offset = false;
}

}  // namespace

const std::span<const std::string_view> kGgufIgnoredTensors = kIgnored;

Result<const GgufArchitecture*> gguf_architecture(const Checkpoint& file) {
  const std::string name = architecture_of(file);
  if (name.empty()) {
    return model_error(file.config_file, "'general.architecture' is missing or no string",
                       "it says what kind of model the file holds");
  }
  std::string known;
  for (const GgufArchitecture& architecture : kArchitectures) {
    if (architecture.name == name) return &architecture;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", architecture.name);
  }
  return model_error(file.config_file,
                     fmt::format("'general.architecture' is \"{}\", expected one of {}", name, known),
                     "this kind of model is not supported");
}

Result<Json> gguf_hyper_parameters(const GgufArchitecture& architecture, const Checkpoint& file) {
  for (const std::string_view key : kNeeded) {
    if (!find(file, key)) return wrong(file, key, "is missing");
  }
  if (!stored(file, "token_embd.weight")) {
    return model_error(file.name, "tensor 'token_embd.weight' is missing",
                       "does the file hold a vocabulary alone?");
  }
  Json config = {{"model_type", architecture.family}};
  for (const KeyName& key : kKeys) {
    CONTINUO_TRY(const Json* value, plain(file, key.gguf));
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
  config["tie_word_embeddings"] = !stored(file, "output.weight");
  CONTINUO_TRY_VOID(add_rotary_share(file, config));
  CONTINUO_TRY(Json scaling, rope_scaling(file));
  if (!scaling.is_null()) config["rope_scaling"] = std::move(scaling);
  const auto copy = [&](const char* from, const char* to) {
    if (const auto it = file.config.find(from); it != file.config.end()) config[to].push_back(*it);
  };
  copy("tokenizer.ggml.bos_token_id", "bos_token_id");
  copy("tokenizer.ggml.eos_token_id", "eos_token_id");
  copy("tokenizer.ggml.eot_token_id", "eos_token_id");
  CONTINUO_TRY_VOID(architecture.adapt(file, config));
  return config;
}

std::vector<TensorName> gguf_tensor_names(const GgufArchitecture& architecture) {
  std::vector<TensorName> names(architecture.names.begin(), architecture.names.end());
  for (const TensorName& name : kNames) {
    const auto same = [&](const TensorName& other) { return other.role == name.role; };
    if (std::none_of(architecture.names.begin(), architecture.names.end(), same)) names.push_back(name);
  }
  return names;
}

void follow_gguf(const Checkpoint& file, ModelSpec& spec) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    set_bias(layer.mixer_norm, stored(file, i, "attn_norm.bias"));
    set_bias(layer.post_mixer_norm, false);
    set_bias(layer.ffn_norm, stored(file, i, "ffn_norm.bias") || stored(file, i, "attn_norm_2.bias"));
    set_bias(layer.post_ffn_norm, false);
    if (AttentionSpec* const attention = attention_in(layer.mixer)) {
      attention->grouped_qkv = false;
      attention->qkv_bias = stored(file, i, "attn_q.bias") || stored(file, i, "attn_qkv.bias");
      attention->out_bias = stored(file, i, "attn_output.bias");
      if (attention->qk_norm) {
        std::optional<NormSpec> norm = attention->qk_norm->norm;
        set_bias(norm, stored(file, i, "attn_q_norm.bias"));
        attention->qk_norm->norm = *norm;
      }
    }
    if (auto* feed = std::get_if<FeedForwardSpec>(&layer.ffn)) feed->bias = stored(file, i, "ffn_up.bias");
  }
  set_bias(spec.embedding_norm, stored(file, "token_embd_norm.bias"));
  set_bias(spec.final_norm, stored(file, "output_norm.bias"));
  spec.output_bias = stored(file, "output.bias");
}

}  // namespace continuo
