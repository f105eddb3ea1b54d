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

Answer json_of(const RmsNormSpec& norm) { return {{"kind", "rms_norm"}, {"eps", number(norm.eps)}}; }
Answer json_of(const LayerNormSpec& norm) {
  return {{"kind", "layer_norm"}, {"eps", number(norm.eps)}, {"bias", norm.bias}};
}

Answer json_of(const LearnedPositions& positions) {
  return {{"kind", "learned"}, {"count", positions.count}};
}

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

Answer json_of(const RopeSpec& rope) {
  return {{"rotary_dim", rope.rotary_dim}, {"theta", rope.theta}, {"scaling", visit_json(rope.scaling)}};
}

Answer json_of(const AttentionSpec& attention) {
  return {{"kind", "attention"},
          {"n_heads", attention.n_heads},
          {"n_kv_heads", attention.n_kv_heads},
          {"head_dim", attention.head_dim},
          {"scale", number(attention.scale)},
          {"qkv_bias", attention.qkv_bias},
          {"out_bias", attention.out_bias},
          {"rope", attention.rope ? json_of(*attention.rope) : Answer()}};
}

std::string_view activation_name(Activation activation) {
  switch (activation) {
    case Activation::silu:
      return "silu";
    case Activation::gelu_erf:
      return "gelu_erf";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::relu:
      return "relu";
  }
  return "";
}

Answer json_of(const FeedForwardSpec& feed) {
  return {{"kind", "feed_forward"},
          {"d_ff", feed.d_ff},
          {"activation", activation_name(feed.activation)},
          {"gated", feed.gated},
          {"bias", feed.bias}};
}

template <class Variant>
Answer visit_json(const Variant& variant) {
  return std::visit([](const auto& part) { return json_of(part); }, variant);
}

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

Answer norm_json(const NormSpec& norm) { return visit_json(norm); }
Answer positions_json(const PositionSpec& positions) { return visit_json(positions); }
Answer layer_json(const LayerSpec& layer) {
  return {{"mixer_norm", visit_json(layer.mixer_norm)},
          {"mixer", visit_json(layer.mixer)},
          {"feed_norm", visit_json(layer.feed_norm)},
          {"feed", visit_json(layer.feed)}};
}

std::string norm_text(const NormSpec& norm) { return in_words(norm_json(norm)); }
std::string positions_text(const PositionSpec& positions) { return in_words(positions_json(positions)); }
std::string layer_text(const LayerSpec& layer) {
  std::string out;
  const Answer parts = layer_json(layer);
  for (const auto& [role, part] : parts.items())
    out += fmt::format("  {:<10} {}\n", role, in_words(part));
  return out;
}

}  // namespace continuo
