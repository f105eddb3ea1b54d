#include "model/hyper_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/json.h"

namespace continuo {

namespace {

struct Names {
  std::string_view canonical;
  std::vector<std::string_view> in_files;  // the first two are those that messages suggest
};

// clang-format off
const std::vector<Names>& table() {
  static const std::vector<Names> names = {
      {"family", {"model_type"}},
      {"quantization", {"quant_method"}},
      // Sizes.
      {"vocab_size", {"vocab_size"}},
      {"d_model", {"hidden_size", "n_embd", "d_model", "n_embed", "model_dim", "dim"}},
      {"d_embedding", {"word_embed_proj_dim"}},
      {"d_ff", {"intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "block_ff_dim", "hidden_dim"}},
      {"d_ff_ratio", {"expansion_ratio"}},
      {"n_layers", {"num_hidden_layers", "n_layer", "num_layers", "n_layers", "num_transformer_layers"}},
      {"n_heads", {"num_attention_heads", "n_head", "num_heads", "n_heads", "attention_heads"}},
      {"n_kv_heads", {"num_key_value_heads", "num_kv_heads"}},
      {"head_dim", {"head_dim"}},
      {"context_length", {"max_position_embeddings", "n_positions", "n_ctx"}},
      {"n_positions", {"n_positions", "max_position_embeddings"}},
      {"max_context_length", {"max_context_length"}},
      {"model_max_length", {"model_max_length"}},
      {"trained_length", {"seq_length", "max_seq_len"}},
      // Kinds.
      {"activation", {"hidden_act", "activation_function", "activation"}},
      {"hidden_activation", {"hidden_activation"}},
      {"short_activation", {"afn"}},
      {"glu_activation", {"activation_fn_name"}},
      {"glu", {"ffn_with_glu"}},
      {"norm_eps", {"rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps", "norm_epsilon", "norm_eps"}},
      {"norm_kind", {"norm_type"}},
      {"norm_weights", {"layer_norm_elementwise_affine"}},
      {"norm_before", {"do_layer_norm_before"}},
      {"no_final_norm", {"_remove_final_layer_norm"}},
      {"n_parallel_norms", {"num_ln_in_parallel_attn"}},
      {"parallel", {"use_parallel_residual", "parallel_attn"}},
      {"residual_after_norm", {"apply_residual_connection_post_layernorm"}},
      {"feed_kind", {"mlp_type"}},
      {"tied_output", {"tie_word_embeddings", "tie_embedding"}},
      {"shared_output", {"share_input_output_layers"}},
      // Biases.
      {"attention_bias", {"attention_bias"}},
      {"attention_out_bias", {"attention_out_bias"}},
      {"output_bias", {"lm_head_bias", "decoder_bias"}},
      {"head_bias", {"classifier_bias"}},
      {"head_activation", {"classifier_activation"}},
      {"qkv_bias", {"use_qkv_bias", "qkv_bias"}},
      {"mlp_bias", {"mlp_bias"}},
      {"biases", {"use_bias", "bias", "enable_bias", "add_bias_linear"}},
      {"no_biases", {"no_bias"}},
      // Attention.
      {"attention_section", {"attn_config", "attn"}},
      {"listed_layers", {"layers"}},
      {"attention_kind", {"attn_type"}},
      {"scale_by_head_dim", {"scale_attn_weights"}},
      {"scale_by_layer", {"scale_attn_by_inverse_layer_idx"}},
      {"attention_scale", {"attention_multiplier", "softmax_scale"}},
      {"query_scale_dim", {"query_pre_attn_scalar"}},
      {"multi_query", {"multi_query"}},
      {"grouped_decoder", {"new_decoder_architecture"}},
      {"qk_norm", {"qk_layernorm", "use_qk_norm", "qk_ln", "normalize_qk_projections"}},
      {"qkv_clip", {"clip_qkv"}},
      {"score_cap", {"attn_logit_softcapping"}},
      {"cross_attention", {"add_cross_attention"}},
      {"value_gate", {"attn_output_gate"}},
      {"head_gate", {"use_attention_gate"}},
      {"post_norms", {"use_sandwich_norm", "use_post_norm"}},
      {"bidirectional", {"use_bidirectional_attention"}},
      {"q_rank", {"q_lora_rank"}},
      {"kv_rank", {"kv_lora_rank"}},
      {"nope_dim", {"qk_nope_head_dim"}},
      {"latent_rope_dim", {"qk_rope_head_dim"}},
      {"v_dim", {"v_head_dim"}},
      {"interleaved_rope", {"rope_interleave"}},
      {"values_are_keys", {"attention_k_eq_v"}},
      {"shared_kv_layers", {"num_kv_shared_layers"}},
      {"wide_shared_layers", {"use_double_wide_mlp"}},
      {"full_head_dim", {"global_head_dim"}},
      {"full_kv_heads", {"num_global_key_value_heads"}},
      {"layer_overrides", {"per_layer_config"}},
      {"layer_input_width", {"hidden_size_per_layer_input"}},
      {"layer_input_vocab", {"vocab_size_per_layer_input"}},
      {"prefix_lm", {"prefix_lm"}},
      // Windows.
      {"window", {"sliding_window", "window_size", "attention_window_size"}},
      {"use_window", {"use_sliding_window"}},
      {"first_window_layer", {"max_window_layers"}},
      {"window_pattern", {"sliding_window_pattern", "_sliding_window_pattern"}},
      {"local_attention", {"local_attention"}},
      {"full_attention_every", {"global_attn_every_n_layers"}},
      {"layer_types", {"layer_types"}},
      {"attention_layers", {"full_attn_idxs", "attn_layer_indices"}},
      // Convolutions.
      {"conv_kernel", {"conv_L_cache", "conv_kernel", "mamba_d_conv", "linear_conv_kernel_dim", "conv1d_width"}},
      {"conv_bias", {"conv_bias", "use_conv_bias", "mamba_conv_bias"}},
      // Delta nets and recurrent units.
      {"full_attention_interval", {"full_attention_interval"}},
      {"n_key_heads", {"linear_num_key_heads"}},
      {"n_value_heads", {"linear_num_value_heads"}},
      {"key_dim", {"linear_key_head_dim"}},
      {"value_dim", {"linear_value_head_dim"}},
      {"negative_eigenvalues", {"linear_allow_neg_eigval"}},
      {"tiled_heads", {"gguf_tiled_heads"}},
      {"lru_width", {"lru_width"}},
      {"block_types", {"layers_block_type", "block_types", "_block_types"}},
      // State spaces.
      {"d_state", {"state_size", "ssm_state_size", "mamba_d_state"}},
      {"mamba_expand", {"expand", "mamba_expand"}},
      {"mamba_d_inner", {"mamba_d_ssm"}},
      {"mamba_heads", {"mamba_n_heads", "mamba_num_heads", "n_mamba_heads"}},
      {"mamba_head_dim", {"mamba_d_head", "mamba_head_dim"}},
      {"mamba_groups", {"n_groups", "mamba_n_groups", "mamba_ngroups"}},
      {"mamba_bias", {"mamba_proj_bias"}},
      {"projector_bias", {"projectors_bias"}},
      {"mamba_activation", {"mamba_hidden_act"}},
      {"mlp_activation", {"mlp_hidden_act"}},
      {"mamba_norm", {"mamba_rms_norm"}},
      {"mamba_norm_before_gate", {"mamba_norm_before_gate"}},
      {"inner_norms", {"mamba_inner_layernorms"}},
      {"inner_norm_eps", {"mixer_rms_eps"}},
      {"dt_rank", {"time_step_rank", "mamba_dt_rank"}},
      {"dt_min", {"time_step_min", "mamba_dt_min"}},
      {"dt_limit", {"time_step_limit"}},
      {"ssm_in_scale", {"ssm_in_multiplier"}},
      {"ssm_out_scale", {"ssm_out_multiplier"}},
      {"ssm_scales", {"ssm_multipliers"}},
      // Blocks that layers share.
      {"n_shared_blocks", {"num_mem_blocks"}},
      {"adapter_rank", {"adapter_rank"}},
      {"attention_adapters", {"use_shared_attention_adapter"}},
      {"shared_rope", {"use_mem_rope"}},
      {"long_context", {"use_long_context"}},
      // Loops.
      {"loops", {"num_loops", "total_ut_steps", "n_recurrent_loops", "mean_recurrence"}},
      {"skip_loop_norm", {"skip_loop_final_norm"}},
      {"exit_threshold", {"early_exit_threshold"}},
      {"high_cycles", {"H_cycles"}},
      {"low_cycles", {"L_cycles"}},
      {"stack_layers", {"num_layers_per_stack"}},
      {"initializer_range", {"initializer_range"}},
      {"scaled_embedding", {"embedding_scale", "embed_scale"}},
      {"kv_channels", {"head_dim", "kv_channels"}},
      {"n_input_layers", {"n_input_layers"}},
      {"n_output_layers", {"n_output_layers"}},
      {"n_recurrent_layers", {"n_recurrent_layers"}},
      {"initial_rate", {"ngpt_alpha_init"}},
      {"loop_cache", {"recurrent_kv_cache_mode"}},
      {"prelude_layers", {"n_layers_in_prelude"}},
      {"core_layers", {"n_layers_in_recurrent_block"}},
      {"coda_layers", {"n_layers_in_coda"}},
      {"initial_values", {"init_values"}},
      {"state_noise", {"test_time_noise"}},
      {"injection", {"injection_type"}},
      {"block_kind", {"block_class_name"}},
      {"raven_norm", {"norm_class_name"}},
      {"raven_ffn", {"mlp_class_name"}},
      {"raven_activation", {"nonlin_name"}},
      {"raven_context", {"block_size"}},
      {"padded_vocab_size", {"padded_vocab_size"}},
      {"raven_tied", {"tie_embeddings"}},
      {"raven_theta", {"rope_base"}},
      {"qk_bias", {"qk_bias"}},
      // Which layers are what.
      {"block_pattern", {"hybrid_override_pattern"}},
      {"attention_period", {"attn_layer_period"}},
      {"attention_offset", {"attn_layer_offset"}},
      {"expert_period", {"expert_layer_period"}},
      {"expert_offset", {"expert_layer_offset"}},
      // RWKV.
      {"rwkv_d_attention", {"attention_hidden_size"}},
      {"rwkv_head_dim", {"head_size", "head_dim"}},
      {"rwkv_head_divisor", {"head_size_divisor"}},
      {"rescale_every", {"rescale_every"}},
      {"rescaled_every", {"gguf_rescaled_every"}},
      {"rwkv_shift_rank", {"time_mix_extra_dim"}},
      {"rwkv_decay_rank", {"decay_low_rank_dim", "time_decay_extra_dim"}},
      {"rwkv_learning_rank", {"a_low_rank_dim"}},
      {"rwkv_value_rank", {"v_low_rank_dim"}},
      {"rwkv_gate_rank", {"gate_low_rank_dim"}},
      {"norm_bias", {"norm_bias"}},
      {"norm_first", {"norm_first"}},
      {"hidden_ratio", {"hidden_ratio"}},
      {"rwkv_value_width", {"value_dim"}},
      // Widths that are computed.
      {"adjust_d_ff", {"block_auto_adjust_ff_dim"}},
      {"d_ff_multiple", {"block_multiple_of"}},
      {"d_ff_factor", {"block_ffn_dim_multiplier"}},
      // Scales.
      {"embedding_scale", {"embedding_multiplier", "scale_emb"}},
      {"scales_embedding", {"scale_embedding"}},
      {"pad_token", {"pad_token_id"}},
      {"residual_scale", {"residual_multiplier"}},
      {"depth_scale", {"scale_depth"}},
      {"logit_divisor", {"logits_scaling"}},
      {"logit_scale", {"logit_scale"}},
      {"lm_head_scale", {"lm_head_multiplier"}},
      {"attention_in_scale", {"attention_in_multiplier"}},
      {"attention_out_scale", {"attention_out_multiplier"}},
      {"key_scale", {"key_multiplier"}},
      {"mlp_scales", {"mlp_multipliers"}},
      {"base_width", {"dim_model_base"}},
      {"logit_cap", {"final_logit_softcapping", "logits_soft_cap"}},
      // Experts.
      {"n_experts", {"num_experts", "num_local_experts"}},
      {"n_active_experts", {"num_experts_per_tok"}},
      {"expert_d_ff", {"moe_intermediate_size"}},
      {"shared_d_ff", {"shared_expert_intermediate_size", "shared_intermediate_size"}},
      {"normalize_experts", {"norm_topk_prob"}},
      {"sparse_step", {"decoder_sparse_step"}},
      {"dense_layers", {"mlp_only_layers"}},
      {"n_dense_layers", {"num_dense_layers"}},
      {"selection_bias", {"use_expert_bias"}},
      {"router_jitter", {"router_jitter_noise"}},
      {"n_routed_experts", {"n_routed_experts"}},
      {"n_shared_experts", {"n_shared_experts"}},
      {"first_expert_layer", {"first_k_dense_replace"}},
      {"expert_groups", {"n_group"}},
      {"active_expert_groups", {"topk_group"}},
      {"expert_choice", {"topk_method"}},
      {"gate_alpha", {"swiglu_alpha"}},
      {"gate_limit", {"swiglu_limit"}},
      {"expert_block", {"enable_moe_block"}},
      {"routed_scale", {"routed_scaling_factor"}},
      // Positions.
      {"n_token_types", {"type_vocab_size"}},
      {"encoder_embedding", {"embedding_size"}},
      {"is_decoder", {"is_decoder"}},
      {"position_kind", {"position_embedding_type"}},
      {"alibi", {"alibi"}},
      {"alibi_bits", {"alibi_bias_max"}},
      {"learned_positions", {"learned_pos_emb"}},
      {"rotary_dim", {"rotary_dim"}},
      {"rope_constant", {"rope_freq_constant"}},
      {"layer_heads", {"num_query_heads"}},
      {"layer_kv_heads", {"num_kv_heads"}},
      {"layer_d_ff_factors", {"ffn_multipliers"}},
      {"d_ff_divisor", {"ffn_dim_divisor"}},
      {"norm_layer", {"normalization_layer_name"}},
      {"turned_layers", {"no_rope_layers"}},  // 1: turned by position
      {"unturned_interval", {"no_rope_layer_interval"}},
      // Rotary positions: top level, or inside the section below.
      {"rope_section", {"rope_parameters", "rope_scaling"}},
      {"rope_of_full", {"full_attention"}},
      {"rope_of_sliding", {"sliding_attention"}},
      {"rope_theta", {"rope_theta", "rotary_emb_base"}},
      {"local_rope_theta", {"rope_local_base_freq", "local_rope_theta"}},
      {"global_rope_theta", {"global_rope_theta"}},
      {"layer_rope_thetas", {"layer_rope_theta"}},
      {"rope_alpha", {"alpha"}},
      {"query_scale_beta", {"llama_4_scaling_beta"}},
      {"rope_type", {"rope_type", "type"}},
      {"partial_rotary_factor", {"partial_rotary_factor", "rotary_pct"}},
      {"rope_factor", {"factor"}},
      {"original_context", {"original_max_position_embeddings"}},
      {"low_freq_factor", {"low_freq_factor"}},
      {"high_freq_factor", {"high_freq_factor"}},
      {"short_magnitude", {"short_mscale"}},
      {"long_magnitude", {"long_mscale"}},
      {"short_factors", {"short_factor"}},
      {"long_factors", {"long_factor"}},
      {"attention_factor", {"attention_factor"}},
      {"beta_fast", {"beta_fast"}},
      {"beta_slow", {"beta_slow"}},
      {"mscale", {"mscale"}},
      {"mscale_all_dim", {"mscale_all_dim"}},
      {"truncate", {"truncate"}},
  };
  return names;
}
// clang-format on

const Names& names_of(std::string_view canonical) {
  for (const Names& names : table()) {
    if (names.canonical == canonical) return names;
  }
  CONTINUO_CHECK(false, "a hyper-parameter that the table does not name");
  return table().front();
}

// A value as a message shows it: short, whatever the file holds.
std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  std::string text = shown_json(value);
  constexpr std::size_t kLongest = 60;
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return text;
}

}  // namespace

HyperParameters::HyperParameters(const Json& object, std::string file, std::string section)
    : object_(&object), file_(std::move(file)), section_(std::move(section)) {}

const Json* HyperParameters::raw(std::string_view field) const {
  const auto it = object_->find(field);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

Result<std::optional<HyperParameters::Field>> HyperParameters::find(std::string_view name) const {
  std::optional<Field> found;
  for (const std::string_view field : names_of(name).in_files) {
    const Json* value = raw(field);
    if (!value) continue;
    // Files of Qwen2-VL have both: "mrope" is the older word, which the newer one replaces.
    if (found && name == "rope_type" && *value == "mrope") continue;
    if (found && *found->value != *value) {
      return model_error(file_,
                         fmt::format("'{0}{1}' is {2}, but '{0}{3}' is {4}", section_, found->name,
                                     shown(*found->value), field, shown(*value)),
                         "two names of the same thing; which is meant?");
    }
    if (!found) found = Field{field, value};
  }
  return found;
}

Result<HyperParameters::Field> HyperParameters::need(std::string_view name) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (field) return *field;
  constexpr std::size_t kSuggested = 2;
  const std::vector<std::string_view>& aliases = names_of(name).in_files;
  std::string fields;
  for (std::size_t i = 0; i < std::min(kSuggested, aliases.size()); ++i) {
    fields += fmt::format("{}'{}{}'", fields.empty() ? "" : " or ", section_, aliases[i]);
  }
  const auto kind = section_.empty() ? object_->find("model_type") : object_->end();
  const bool named = kind != object_->end() && kind->is_string() && kind->get_ref<const std::string&>().size() < 64;
  return model_error(file_, fields + " is missing",
                     named ? fmt::format("models of the kind {} have one", kind->get<std::string>()) : "");
}

Error HyperParameters::wrong(const Field& field, std::string_view expected, std::string hint) const {
  return model_error(file_,
                     fmt::format("'{}{}' is {}, expected {}", section_, field.name, shown(*field.value), expected),
                     std::move(hint));
}

Error HyperParameters::wrong(std::string_view name, std::string_view expected, std::string hint) const {
  const auto field = need(name);
  return field ? wrong(*field, expected, std::move(hint)) : field.error();
}

Error HyperParameters::wrong_item(std::string_view name, std::size_t index, std::string_view expected) const {
  const auto field = need(name);
  if (!field) return field.error();
  CONTINUO_CHECK(field->value->is_array() && index < field->value->size(), "an item that the list does not have");
  return model_error(file_, fmt::format("'{}{}[{}]' is {}, expected {}", section_, field->name, index,
                                        shown((*field->value)[index]), expected));
}

Result<bool> HyperParameters::has(std::string_view name) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  return field.has_value();
}

Result<int> HyperParameters::as_whole(const Field& field, int least, int largest) const {
  if (field.value->is_number_integer()) {
    const auto number = field.value->get<std::int64_t>();  // 2^63 and more turn negative
    if (number >= least && number <= largest) return static_cast<int>(number);
  }
  return wrong(field, fmt::format("a whole number from {} to {}", least, largest));
}

Result<double> HyperParameters::as_number(const Field& field, const NumberRange& range) const {
  if (field.value->is_number()) {
    const double number = field.value->get<double>();
    if (number >= range.least && number <= range.largest) return number;
  }
  return wrong(field, range.text);
}

Result<std::string> HyperParameters::as_text(const Field& field) const {
  if (!field.value->is_string()) return wrong(field, "a string");
  return field.value->get<std::string>();
}

Result<int> HyperParameters::count(std::string_view name, int largest) const {
  CONTINUO_TRY(const Field field, need(name));
  return as_whole(field, 1, largest);
}

Result<int> HyperParameters::count_or(std::string_view name, int fallback, int largest) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  return as_whole(*field, 1, largest);
}

Result<int> HyperParameters::index_or(std::string_view name, int fallback) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  return as_whole(*field, 0, kLargest);
}

Result<double> HyperParameters::number(std::string_view name, const NumberRange& range) const {
  CONTINUO_TRY(const Field field, need(name));
  return as_number(field, range);
}

Result<double> HyperParameters::number_or(std::string_view name, double fallback, const NumberRange& range) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  return as_number(*field, range);
}

Result<bool> HyperParameters::flag_or(std::string_view name, bool fallback) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  if (!field->value->is_boolean()) return wrong(*field, "true or false");
  return field->value->get<bool>();
}

Result<std::string> HyperParameters::text(std::string_view name) const {
  CONTINUO_TRY(const Field field, need(name));
  return as_text(field);
}

Result<std::string> HyperParameters::text_or(std::string_view name, std::string fallback) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return fallback;
  return as_text(*field);
}

Result<HyperParameters::Field> HyperParameters::need_list(std::string_view name, std::size_t size) const {
  CONTINUO_TRY(const Field field, need(name));
  if (!field.value->is_array()) return wrong(field, "a list");
  if (field.value->size() == size) return field;
  return model_error(
      file_, fmt::format("'{}{}' is a list of {}, expected {}", section_, field.name, field.value->size(), size));
}

Result<std::vector<float>> HyperParameters::numbers(std::string_view name, std::size_t size,
                                                    const NumberRange& range) const {
  CONTINUO_TRY(const Field field, need_list(name, size));
  std::vector<float> out;
  for (const Json& value : *field.value) {
    CONTINUO_TRY(const double number, as_number({field.name, &value}, range));
    out.push_back(static_cast<float>(number));
  }
  return out;
}

Result<std::vector<std::string>> HyperParameters::texts(std::string_view name, std::size_t size) const {
  CONTINUO_TRY(const Field field, need_list(name, size));
  std::vector<std::string> out;
  for (const Json& value : *field.value) {
    CONTINUO_TRY(std::string text, as_text({field.name, &value}));
    out.push_back(std::move(text));
  }
  return out;
}

Result<std::vector<int>> HyperParameters::indices(std::string_view name) const {
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  std::vector<int> out;
  if (!field) return out;
  if (!field->value->is_array() || field->value->size() > kLongestList) {
    return wrong(*field, fmt::format("a list of at most {} whole numbers", kLongestList));
  }
  for (const Json& value : *field->value) {
    CONTINUO_TRY(const int index, as_whole({field->name, &value}, 0, kLargest));
    out.push_back(index);
  }
  return out;
}

Result<void> HyperParameters::plain_values() const {
  for (const auto& [name, value] : object_->items()) {
    if (!value.is_object()) continue;
    return model_error(file_, fmt::format("'{}{}' is an object, expected plain values", section_, name),
                       "values that differ from layer to layer are not supported");
  }
  return {};
}

bool HyperParameters::is_null(std::string_view name) const {
  bool null = false;
  for (const std::string_view field : names_of(name).in_files) {
    const auto it = object_->find(field);
    if (it == object_->end()) continue;
    if (!it->is_null()) return false;
    null = true;
  }
  return null;
}

Result<HyperParameters> HyperParameters::section(std::string_view name) const {
  static const Json empty = Json::object();
  CONTINUO_TRY(const std::optional<Field> field, find(name));
  if (!field) return HyperParameters(empty, file_, section_);
  if (!field->value->is_object()) return wrong(*field, "an object");
  return HyperParameters(*field->value, file_, fmt::format("{}{}.", section_, field->name));
}

}  // namespace continuo
