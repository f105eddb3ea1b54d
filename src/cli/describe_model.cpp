#include "cli/describe_model.h"

#include <fmt/format.h>

namespace continuo {

namespace {

// A float with the digits that tell it from its neighbours, and no more.
Answer number(float value) { return Answer::parse(fmt::format("{}", value)); }

// json_of the alternative that is there; defined once all alternatives are.
template <class Variant>
Answer visit_json(const Variant& variant);

Answer json_of(std::monostate) { return nullptr; }

// An optional part: null where it is absent.
template <class Part>
Answer if_there(const std::optional<Part>& part);

Answer json_of(const RmsNormSpec& norm) {
  Answer out = {
      {"kind", "rms_norm"}, {"eps", number(norm.eps)}, {"weight", norm.weight}, {"unit_offset", norm.unit_offset}};
  if (norm.unit_length) out["unit_length"] = true;
  return out;
}
Answer json_of(const LayerNormSpec& norm) {
  Answer out = {{"kind", "layer_norm"}, {"eps", number(norm.eps)}, {"weight", norm.weight}, {"bias", norm.bias}};
  if (norm.unit_offset) out["unit_offset"] = true;
  return out;
}
Answer json_of(const NormSpec& norm);

Answer json_of(const LearnedPositions& positions) {
  return {{"kind", "learned"}, {"count", positions.count}, {"offset", positions.offset}};
}

Answer json_of(const SinusoidalPositions& positions) { return {{"kind", "sinusoidal"}, {"offset", positions.offset}}; }

Answer json_of(const RopeLinear& scaling) { return {{"kind", "linear"}, {"factor", scaling.factor}}; }
Answer json_of(const RopeLlama3& scaling) {
  return {{"kind", "llama3"},
          {"factor", scaling.factor},
          {"low_freq_factor", scaling.low_freq_factor},
          {"high_freq_factor", scaling.high_freq_factor},
          {"original_context", scaling.original_context}};
}
Answer json_of(const RopeYarn& scaling) {
  return {{"kind", "yarn"},
          {"factor", scaling.factor},
          {"beta_fast", scaling.beta_fast},
          {"beta_slow", scaling.beta_slow},
          {"original_context", scaling.original_context},
          {"attention_factor", scaling.attention_factor},
          {"truncate", scaling.truncate}};
}
Answer json_of(const RopeDynamic& scaling) {
  return {{"kind", "dynamic"}, {"factor", scaling.factor}, {"original_context", scaling.original_context}};
}

Answer json_of(const RopeFactors& scaling) {
  return {{"kind", "factors"},
          {"original_context", scaling.original_context},
          {"attention_factor", scaling.attention_factor}};
}

Answer json_of(const RopeProportional& scaling) {
  return {{"kind", "proportional"}, {"turned_pairs", scaling.turned_pairs}, {"factor", scaling.factor}};
}

Answer json_of(const RopeSpec& rope) {
  return {{"rotary_dim", rope.rotary_dim},
          {"theta", rope.theta},
          {"interleaved", rope.interleaved},
          {"clockwise", rope.negative_angle},
          {"scaling", visit_json(rope.scaling)}};
}

Answer json_of(const AlibiSpec& alibi) {
  Answer slopes = Answer::array();
  for (const float slope : alibi.slopes) slopes.push_back(number(slope));
  return {{"slopes", std::move(slopes)}, {"bf16_products", alibi.bf16_products}, {"scale", number(alibi.scale)}};
}

std::string_view span_name(QkNormSpec::Span span) {
  switch (span) {
    case QkNormSpec::Span::head:
      return "head";
    case QkNormSpec::Span::own_head:
      return "own_head";
    case QkNormSpec::Span::all_heads:
      return "all_heads";
  }
  return "";
}

Answer json_of(const QkNormSpec& qk_norm) {
  return {{"norm", json_of(qk_norm.norm)}, {"span", span_name(qk_norm.span)}};
}

// A limit that is 0 where there is none.
Answer limit(float value) { return value > 0 ? number(value) : Answer(); }

// Null where there is none.
Answer gate_name(AttentionSpec::OutputGate gate) {
  switch (gate) {
    case AttentionSpec::OutputGate::none:
      return nullptr;
    case AttentionSpec::OutputGate::value:
      return "value";
    case AttentionSpec::OutputGate::head:
      return "head";
    case AttentionSpec::OutputGate::apart:
      return "apart";
  }
  return nullptr;
}

Answer json_of(const LatentSpec& latent) {
  return {{"q_rank", latent.q_rank > 0 ? Answer(latent.q_rank) : Answer()},
          {"kv_rank", latent.kv_rank},
          {"nope_dim", latent.nope_dim},
          {"rope_dim", latent.rope_dim},
          {"v_dim", latent.v_dim},
          {"norm", json_of(latent.norm)}};
}

Answer json_of(const AttentionSpec& attention) {
  Answer out = {{"kind", "attention"},
                {"n_heads", attention.n_heads},
                {"n_kv_heads", attention.n_kv_heads},
                {"head_dim", attention.head_dim},
                {"scale", number(attention.scale)},
                {"qkv_bias", attention.qkv_bias},
                {"out_bias", attention.out_bias},
                {"rope", if_there(attention.rope)},
                {"alibi", if_there(attention.alibi)},
                {"qk_norm", if_there(attention.qk_norm)},
                {"window", attention.window > 0 ? Answer(attention.window) : Answer()},
                {"score_cap", limit(attention.attn_logit_softcap)},
                {"qkv_clip", limit(attention.qkv_clip)},
                {"output_gate", gate_name(attention.output_gate)}};
  // What few models have is said where it is there.
  if (attention.qk_norm_after_rope) out["qk_norm_after_rope"] = true;
  if (attention.qk_bias) out["qk_bias"] = true;
  if (attention.gate_scales) out["gate_scales"] = true;
  if (attention.query_scales) out["query_scales"] = true;
  if (attention.sinks) out["sinks"] = true;
  if (attention.query_scale_beta > 0) {
    out["query_scale"] = {{"beta", attention.query_scale_beta}, {"length", attention.query_scale_length}};
  }
  if (attention.v_norm) out["v_norm"] = json_of(*attention.v_norm);
  if (attention.out_norm) out["out_norm"] = json_of(*attention.out_norm);
  if (attention.values_are_keys) out["values_are_keys"] = true;
  if (attention.kv_layer) out["kv_layer"] = *attention.kv_layer;
  if (attention.latent) out["latent"] = json_of(*attention.latent);
  return out;
}

std::string_view activation_name(Activation activation) {
  switch (activation) {
    case Activation::silu:
      return "silu";
    case Activation::gelu_erf:
      return "gelu_erf";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::gelu_quick:
      return "gelu_quick";
    case Activation::relu:
      return "relu";
    case Activation::relu_squared:
      return "relu_squared";
    case Activation::xielu:
      return "xielu";
  }
  return "";
}

Answer json_of(const ShortConvSpec& conv) {
  return {{"kind", "short_conv"}, {"d_inner", conv.d_inner}, {"kernel", conv.kernel}, {"bias", conv.bias}};
}

Answer json_of(const MambaSpec& mamba) {
  return {{"kind", "mamba"},
          {"d_inner", mamba.d_inner},
          {"d_state", mamba.d_state},
          {"d_conv", mamba.d_conv},
          {"dt_rank", mamba.dt_rank},
          {"conv_bias", mamba.conv_bias},
          {"proj_bias", mamba.proj_bias},
          {"activation", activation_name(mamba.activation)},
          {"inner_norm", if_there(mamba.inner_norm)}};
}

std::string_view gate_name(Mamba2Spec::Gate gate) {
  switch (gate) {
    case Mamba2Spec::Gate::norm_gated:
      return "norm_gated";
    case Mamba2Spec::Gate::gated_norm:
      return "gated_norm";
    case Mamba2Spec::Gate::gate:
      return "gate";
  }
  return "";
}

Answer json_of(const Mamba2Spec& mamba) {
  return {{"kind", "mamba2"},
          {"n_heads", mamba.n_heads},
          {"head_dim", mamba.head_dim},
          {"n_groups", mamba.n_groups},
          {"d_state", mamba.d_state},
          {"d_conv", mamba.d_conv},
          {"conv_bias", mamba.conv_bias},
          {"in_bias", mamba.in_bias},
          {"out_bias", mamba.out_bias},
          {"activation", activation_name(mamba.activation)},
          {"dt_min", number(mamba.dt_min)},
          {"dt_max", mamba.dt_max > 0 ? number(mamba.dt_max) : Answer()},
          {"gate", gate_name(mamba.gate)},
          {"norm_groups", mamba.norm_groups},
          {"norm_eps", number(mamba.norm_eps)},
          {"input_scale", number(mamba.input_scale)}};
}

Answer json_of(const DeltaNetSpec& delta) {
  return {{"kind", "delta_net"},
          {"n_key_heads", delta.n_key_heads},
          {"n_value_heads", delta.n_value_heads},
          {"key_dim", delta.key_dim},
          {"value_dim", delta.value_dim},
          {"d_conv", delta.d_conv},
          {"negative_eigenvalues", delta.negative_eigenvalues},
          {"norm_eps", number(delta.norm_eps)}};
}

Answer json_of(const RgLruSpec& lru) {
  return {{"kind", "rg_lru"},
          {"width", lru.width},
          {"n_blocks", lru.n_blocks},
          {"d_conv", lru.d_conv},
          {"activation", activation_name(lru.activation)}};
}

Answer json_of(const Rwkv4Spec& rwkv) { return {{"kind", "rwkv4"}, {"d_attention", rwkv.d_attention}}; }

Answer json_of(const RwkvSpec& rwkv) {
  return {{"kind", fmt::format("rwkv{}", rwkv.version)},
          {"n_heads", rwkv.n_heads},
          {"head_dim", rwkv.head_dim},
          {"value_dim", rwkv.value_dim},
          {"norm_eps", number(rwkv.norm_eps)}};
}

Answer json_of(const ChannelMixSpec& mix) {
  return {{"kind", "channel_mix"}, {"version", mix.version}, {"d_ff", mix.d_ff}, {"receptance", mix.receptance}};
}

template <class Variant>
Answer visit_json(const Variant& variant);

Answer json_of(const SharedBlockSpec& shared) {
  return {{"kind", "shared_block"},
          {"owner", shared.owner},
          {"attention", json_of(shared.attention)},
          {"d_ff", shared.d_ff},
          {"activation", activation_name(shared.activation)},
          {"adapter_rank", shared.ffn_rank},
          {"mixer", json_of(shared.mixer)}};
}

Answer json_of(const BesideSpec& beside) {
  Answer parts = Answer::object({{"kind", "beside"}});
  for (std::size_t i = 0; i < beside.parts.size(); ++i) {
    Answer part = visit_json(beside.parts[i].mixer);
    part["scale"] = number(beside.parts[i].scale);
    parts[std::to_string(i)] = std::move(part);
  }
  return parts;
}

Answer json_of(const FeedForwardSpec& feed) {
  Answer out = {{"kind", "feed_forward"},
                {"d_ff", feed.d_ff},
                {"activation", activation_name(feed.activation)},
                {"gated", feed.gated},
                {"bias", feed.bias}};
  if (feed.gate_scale != 1) out["gate_scale"] = number(feed.gate_scale);
  if (feed.down_scale != 1) out["down_scale"] = number(feed.down_scale);
  if (feed.inner_norm) out["inner_norm"] = json_of(*feed.inner_norm);
  if (feed.clamped_gate) {
    out["clamped_gate"] = {{"alpha", number(feed.clamped_gate->alpha)}, {"limit", number(feed.clamped_gate->limit)}};
  }
  return out;
}

std::string_view scores_name(ExpertsSpec::Scores scores) {
  switch (scores) {
    case ExpertsSpec::Scores::softmax:
      return "softmax";
    case ExpertsSpec::Scores::sigmoid:
      return "sigmoid";
    case ExpertsSpec::Scores::sparse_mixer:
      return "sparse_mixer";
  }
  return "";
}

Answer json_of(const ExpertsSpec& experts) {
  return {{"kind", "experts"},
          {"n_experts", experts.n_experts},
          {"n_active", experts.n_active},
          {"expert", json_of(experts.expert)},
          {"normalize", experts.normalize},
          {"shared", if_there(experts.shared)},
          {"shared_gate", experts.shared_gate},
          {"scores", scores_name(experts.scores)},
          {"selection_bias", experts.selection_bias},
          {"routed_scale", number(experts.routed_scale)}};
}

std::string_view order_name(LayerSpec::Order order) {
  switch (order) {
    case LayerSpec::Order::sequential:
      return "sequential";
    case LayerSpec::Order::parallel:
      return "parallel";
    case LayerSpec::Order::post_norm:
      return "norm_after";
    case LayerSpec::Order::norm_of_sum:
      return "norm_of_sum";
    case LayerSpec::Order::toward:
      return "toward";
  }
  return "";
}

template <class Part>
Answer if_there(const std::optional<Part>& part) {
  return part ? json_of(*part) : Answer();
}

template <class Variant>
Answer visit_json(const Variant& variant) {
  return std::visit([](const auto& part) { return json_of(part); }, variant);
}

Answer json_of(const NormSpec& norm) { return visit_json(norm); }

// "attention, n_heads 8, rope (theta 10000)": true switches by their name alone, what is off left out.
std::string in_words(const Answer& part) {
  if (part.is_null()) return "none";
  std::string out;
  for (const auto& [key, value] : part.items()) {
    if (value.is_null() || value == false) continue;
    if (!out.empty()) out += ", ";
    if (key == "kind") {
      out += value.get<std::string>();
    } else if (value == true) {
      out += key;
    } else if (value.is_object()) {
      out += fmt::format("{} ({})", key, in_words(value));
    } else {
      out += fmt::format("{} {}", key, value.is_string() ? value.get<std::string>() : value.dump());
    }
  }
  return out;
}

}  // namespace

Answer norm_json(const std::optional<NormSpec>& norm) { return if_there(norm); }
Answer positions_json(const PositionSpec& positions) { return visit_json(positions); }
Answer layer_json(const LayerSpec& layer) {
  Answer out = {{"order", order_name(layer.order)},
                {"mixer_norm", if_there(layer.mixer_norm)},
                {"mixer", visit_json(layer.mixer)},
                {"mixer_out_norm", if_there(layer.post_mixer_norm)},
                {"feed_norm", if_there(layer.ffn_norm)},
                {"feed", visit_json(layer.ffn)},
                {"feed_out_norm", if_there(layer.post_ffn_norm)},
                {"residual_scale", number(layer.residual_scale)}};
  if (layer.layer_input) {
    out["layer_input"] = {{"width", layer.layer_input->width},
                          {"activation", activation_name(layer.layer_input->activation)},
                          {"norm", json_of(layer.layer_input->norm)}};
  }
  if (layer.output_scale) out["output_scale"] = "stored";
  return out;
}

std::string norm_text(const std::optional<NormSpec>& norm) { return in_words(norm_json(norm)); }
std::string positions_text(const PositionSpec& positions) { return in_words(positions_json(positions)); }
std::string layer_text(const LayerSpec& layer) {
  std::string out;
  const Answer parts = layer_json(layer);
  for (const auto& [role, part] : parts.items()) {
    if (part.is_null() || part == 1) continue;  // a scale of 1
    const std::string text = part.is_object()   ? in_words(part)
                             : part.is_string() ? part.get<std::string>()
                                                : part.dump();
    out += fmt::format("  {:<14} {}\n", role, text);
  }
  return out;
}

}  // namespace continuo
