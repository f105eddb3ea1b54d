#include "model/gguf_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "io/gguf_writer.h"

namespace continuo {

namespace {

// ---- attention ----

// A number of each layer's attention; `none` where it has none.
template <class Number>
std::vector<std::int32_t> by_attention(const ModelSpec& spec, std::int32_t none, Number&& number) {
  std::vector<std::int32_t> all;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    all.push_back(attention ? number(*attention) : none);
  }
  return all;
}

// The float32 nearest to `value` for which read(float32), rounded, is `wanted`; the nearest of all where none is.
template <class Read>
float float_that_reads(double value, double wanted, Read&& read) {
  const float near = static_cast<float>(value), infinity = std::numeric_limits<float>::infinity();
  const float below = std::nextafter(near, -infinity), above = std::nextafter(near, infinity);
  for (const float candidate :
       {near, below, above, std::nextafter(below, -infinity), std::nextafter(above, infinity)}) {
    if (static_cast<float>(read(static_cast<double>(candidate))) == static_cast<float>(wanted)) return candidate;
  }
  return near;
}

// A latent layer remembers one head of latent values and turned keys.
void set_latent(const AttentionSpec& attention, GgufNumbers& into) {
  const LatentSpec& latent = *attention.latent;
  if (latent.q_rank > 0) into.set("attention.q_lora_rank", latent.q_rank);
  into.set("attention.kv_lora_rank", latent.kv_rank);
  into.set("attention.key_length", latent.nope_dim + latent.rope_dim);
  into.set("attention.value_length", latent.v_dim);
  into.set("rope.dimension_count", latent.rope_dim);
  // Scores of texts longer than trained are multiplied by the square of 1 + log_multiplier * ln(factor), cosines and
  // sines then are not.
  const auto* const yarn = attention.rope ? std::get_if<RopeYarn>(&attention.rope->scaling) : nullptr;
  const double plain = 1 / std::sqrt(static_cast<double>(latent.nope_dim + latent.rope_dim));
  if (!yarn || yarn->factor <= 1 || attention.scale == static_cast<float>(plain)) return;
  const double wanted = static_cast<double>(attention.scale), logarithm = std::log(yarn->factor);
  const auto scale = [&](double multiplier) { return plain * std::pow(0.1 * (multiplier * 10) * logarithm + 1, 2); };
  into.set("rope.scaling.yarn_log_multiplier",
           float_that_reads((std::sqrt(wanted / plain) - 1) / logarithm, wanted, scale));
  into.set("rope.scaling.attn_factor", yarn->attention_factor);
}

// The rotation of layers that see everything, else of any.
const RopeSpec* main_rope(const ModelSpec& spec) {
  const RopeSpec* any = nullptr;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    if (!attention || !attention->rope) continue;
    if (attention->window == 0) return &*attention->rope;
    any = &*attention->rope;
  }
  return any;
}

void set_scaling(const RopeSpec& rope, GgufNumbers& into) {
  if (const auto* linear = std::get_if<RopeLinear>(&rope.scaling)) {
    into.set("rope.scaling.type", "linear");
    into.set("rope.scaling.factor", linear->factor);
  } else if (const auto* yarn = std::get_if<RopeYarn>(&rope.scaling)) {
    into.set("rope.scaling.type", "yarn");
    into.set("rope.scaling.factor", yarn->factor);
    into.set("rope.scaling.original_context_length", static_cast<int>(yarn->original_context));
    if (yarn->beta_fast != 32) into.set("rope.scaling.yarn_beta_fast", yarn->beta_fast);
    if (yarn->beta_slow != 1) into.set("rope.scaling.yarn_beta_slow", yarn->beta_slow);
    const double by_factor = yarn->factor > 1 ? 0.1 * std::log(yarn->factor) + 1 : 1;
    if (yarn->attention_factor != by_factor)
      into.set("rope.scaling.attn_factor", float_that_reads(yarn->attention_factor / by_factor, yarn->attention_factor,
                                                            [&](double factor) { return factor * by_factor; }));
  } else if (const auto* factors = std::get_if<RopeFactors>(&rope.scaling)) {
    into.set("rope.scaling.type", "longrope");
    into.set("rope.scaling.attn_factor", factors->attention_factor);
    into.set("rope.scaling.original_context_length", static_cast<int>(factors->original_context));
  }
}

void set_rope(const ModelSpec& spec, GgufNumbers& into) {
  const RopeSpec* const rope = main_rope(spec);
  if (!rope) return;
  into.set("rope.dimension_count", rope->rotary_dim);
  into.set("rope.freq_base", rope->theta);
  set_scaling(*rope, into);
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    if (attention && attention->window > 0 && attention->rope) into.set("rope.freq_base_swa", attention->rope->theta);
  }
}

void set_attention(const ModelSpec& spec, GgufNumbers& into) {
  const AttentionSpec* const first = first_attention(spec);
  if (!first) {
    into.set("attention.head_count", 0);
    return;
  }
  const auto heads = by_attention(spec, first->n_heads, [](const AttentionSpec& a) { return a.n_heads; });
  into.set_by_layer("attention.head_count", heads);
  into.set_by_layer("attention.head_count_kv",
                    by_attention(spec, 0, [](const AttentionSpec& a) { return a.latent ? a.n_heads : a.n_kv_heads; }));
  into.set("attention.key_length", first->head_dim);
  into.set("attention.value_length", first->head_dim);
  if (first->qkv_clip > 0) into.set("attention.clamp_kqv", first->qkv_clip);
  if (first->attn_logit_softcap > 0) into.set("attn_logit_softcapping", first->attn_logit_softcap);
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    if (attention && attention->window > 0) into.set("attention.sliding_window", attention->window);
  }
  set_rope(spec, into);
  if (first->latent) set_latent(*first, into);
}

// ---- recurrent layers ----

void set_recurrent(const ModelSpec& spec, GgufNumbers& into) {
  if (const auto* mamba = first_mixer<MambaSpec>(spec)) {
    into.set("ssm.conv_kernel", mamba->d_conv);
    into.set("ssm.inner_size", mamba->d_inner);
    into.set("ssm.state_size", mamba->d_state);
    into.set("ssm.time_step_rank", mamba->dt_rank);
  } else if (const auto* mamba2 = first_mixer<Mamba2Spec>(spec)) {
    into.set("ssm.conv_kernel", mamba2->d_conv);
    into.set("ssm.inner_size", mamba2->d_inner());
    into.set("ssm.state_size", mamba2->d_state);
    into.set("ssm.time_step_rank", mamba2->n_heads);
    into.set("ssm.group_count", mamba2->n_groups);
  } else if (const auto* delta = first_mixer<DeltaNetSpec>(spec)) {
    into.set("ssm.conv_kernel", delta->d_conv);
    into.set("ssm.inner_size", delta->n_value_heads * delta->value_dim);
    into.set("ssm.state_size", delta->key_dim);
    into.set("ssm.time_step_rank", delta->n_value_heads);
    into.set("ssm.group_count", delta->n_key_heads);
  } else if (const auto* conv = first_mixer<ShortConvSpec>(spec)) {
    into.set("shortconv.l_cache", conv->kernel);
  } else if (const auto* rwkv = first_mixer<RwkvSpec>(spec)) {
    into.set("wkv.head_size", rwkv->head_dim);
    into.set("token_shift_count", 2);
  }
}

// ---- feed-forward networks ----

void set_experts(const ModelSpec& spec, GgufNumbers& into) {
  const auto* const experts = first_ffn<ExpertsSpec>(spec);
  if (!experts) return;
  into.set("expert_count", experts->n_experts);
  into.set("expert_used_count", experts->n_active);
  into.set("expert_feed_forward_length", experts->expert.d_ff);
  if (experts->shared) into.set("expert_shared_feed_forward_length", experts->shared->d_ff);
  if (experts->scores == ExpertsSpec::Scores::sigmoid) into.set("expert_gating_func", 2);
}

void set_ffn(const ModelSpec& spec, GgufNumbers& into) {
  const auto* const experts = first_ffn<ExpertsSpec>(spec);
  const auto* const dense = first_ffn<FeedForwardSpec>(spec);
  std::vector<std::int32_t> widths;
  for (const LayerSpec& layer : spec.layers) {
    std::int32_t width = dense ? dense->d_ff : experts ? experts->expert.d_ff : 0;
    if (const auto* own = std::get_if<FeedForwardSpec>(&layer.ffn)) width = own->d_ff;
    if (const auto* mix = std::get_if<ChannelMixSpec>(&layer.ffn)) width = mix->d_ff;
    if (std::holds_alternative<std::monostate>(layer.ffn)) width = 0;
    widths.push_back(width);
  }
  into.set_by_layer("feed_forward_length", widths);
  set_experts(spec, into);
}

}  // namespace

void GgufNumbers::set_by_layer(std::string_view key, const std::vector<std::int32_t>& values) {
  const bool same = std::all_of(values.begin(), values.end(), [&](std::int32_t v) { return v == values.front(); });
  if (same) {
    set(key, static_cast<int>(values.front()));
  } else {
    set(key, values);
  }
}

void GgufNumbers::drop(std::string_view key) {
  if (const auto found = values_.find(key); found != values_.end()) values_.erase(found);
}

void GgufNumbers::write(std::string_view architecture, GgufWriter& into) const {
  for (const auto& [key, value] : values_) {
    const std::string name = fmt::format("{}.{}", architecture, key);
    std::visit([&](const auto& kind) { into.add(name, kind); }, value);
  }
}

const AttentionSpec* first_attention(const ModelSpec& spec) {
  for (const LayerSpec& layer : spec.layers) {
    if (const AttentionSpec* const attention = attention_in(layer.mixer)) return attention;
  }
  return nullptr;
}

float gguf_divisor(float scale) {
  const float near = 1 / scale, largest = std::numeric_limits<float>::max();
  for (const float divisor : {near, std::nextafter(near, 0.0f), std::nextafter(near, largest)}) {
    if (static_cast<float>(1 / static_cast<double>(divisor)) == scale) return divisor;
  }
  return near;
}

void set_window_pattern(const ModelSpec& spec, GgufNumbers& into) {
  std::vector<bool> pattern;
  bool any = false;
  for (const LayerSpec& layer : spec.layers) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    pattern.push_back(attention && attention->window > 0);
    any = any || pattern.back();
  }
  if (any) into.set("attention.sliding_window_pattern", std::move(pattern));
}

void set_leading_dense(const ModelSpec& spec, GgufNumbers& into) {
  int dense = 0;
  for (const LayerSpec& layer : spec.layers) {
    if (std::holds_alternative<ExpertsSpec>(layer.ffn)) break;
    ++dense;
  }
  into.set("leading_dense_block_count", dense);
}

GgufNumbers gguf_numbers(const ModelSpec& spec) {
  GgufNumbers into;
  into.set("block_count", static_cast<int>(spec.layers.size()));
  into.set("context_length", spec.context_length);
  into.set("embedding_length", spec.d_model);
  into.set("vocab_size", spec.vocab_size);
  if (spec.final_norm) {
    if (const auto* norm = std::get_if<RmsNormSpec>(&*spec.final_norm))
      into.set("attention.layer_norm_rms_epsilon", norm->eps);
    if (const auto* norm = std::get_if<LayerNormSpec>(&*spec.final_norm))
      into.set("attention.layer_norm_epsilon", norm->eps);
  }
  if (spec.final_logit_softcap > 0) into.set("final_logit_softcapping", spec.final_logit_softcap);
  set_attention(spec, into);
  set_recurrent(spec, into);
  set_ffn(spec, into);
  return into;
}

}  // namespace continuo
