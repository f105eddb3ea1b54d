// Dory: layers of nGPT (every state has length 1, and each part moves it some way toward its own result), the middle
// ones of which are gone through several times, each time from the last result plus what the first layers gave. NVIDIA
// 2026, huggingface.co/nvidia/NVIDIA-Nemotron-Labs-Dory1.0-4B-BF16.
#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "model/families/llama.h"

namespace continuo {

namespace {

RmsNormSpec unit_norm(int n) {  // x / sqrt(sum of squares + 1e-6)
  return {.eps = 1e-6f / static_cast<float>(n), .weight = false, .unit_length = true};
}

// Files list attention and feed-forward parts as layers of their own; their numbers count both.
Result<int> section_size(const HyperParameters& p, std::string_view name, int fallback, bool pairs) {
  CONTINUO_TRY(const int n, p.index_or(name, fallback));
  return pairs ? n / 2 : n;
}

struct Sections {
  std::size_t input_end, core_end, output_begin;
};

// As the reference cuts a list: numbers beyond its ends are those ends, and the output section may begin within the
// others, so that layers may be in two.
Result<Sections> sections(const HyperParameters& p, int n_layers, bool pairs) {
  CONTINUO_TRY(const int n_input, section_size(p, "n_input_layers", pairs ? 16 : 8, pairs));
  CONTINUO_TRY(const int n_output, section_size(p, "n_output_layers", pairs ? 16 : 8, pairs));
  const Json* const stated = p.raw("n_recurrent_layers");
  int n_core = n_layers - n_input - n_output;
  if (stated && !stated->is_null()) {
    const bool whole = stated->is_number_integer() && std::llabs(stated->get<std::int64_t>()) <= 2 * kMaxLayers;
    const int n = whole ? stated->get<int>() : 0;
    if (!whole || (pairs ? (n - (n % 2 != 0 && n < 0 ? 1 : 0)) / 2 : n) != n_core)
      return p.wrong("n_recurrent_layers", "what the layers before and after the loop leave");
  }
  const auto clamped = [&](int end) {
    return static_cast<std::size_t>(std::clamp(end < 0 ? end + n_layers : end, 0, n_layers));
  };
  return Sections{clamped(n_input), clamped(n_input + n_core), clamped(n_layers - n_output)};
}

Result<LoopSpec> loop(const HyperParameters& p, int n_layers, bool pairs) {
  CONTINUO_TRY(const Sections at, sections(p, n_layers, pairs));
  CONTINUO_TRY(const int loops, p.count_or("loops", 2, static_cast<int>(kMaxLoops)));
  const auto n = static_cast<std::size_t>(n_layers);
  const Pass core{.norm = true,
                  .keep = {},
                  .join = Pass::Join::add,
                  .joined = 0,
                  .layers = layer_range(at.input_end, at.core_end - std::min(at.core_end, at.input_end))};
  LoopSpec loop{.before = {{.layers = layer_range(0, at.input_end)}},
                .first = {core},
                .again = {core},
                .after = {{.layers = layer_range(at.output_begin, n - at.output_begin)}},
                .loops = static_cast<std::size_t>(loops),
                .n_kept = 1};
  loop.first.front().keep = 0;
  return loop;
}

Result<void> set_types(const HyperParameters& p, ModelSpec& spec, const std::vector<std::string>& types) {
  const int head_dim = attention_of(spec.layers.front()).head_dim;
  CONTINUO_TRY(const int window, p.count_or("window", 1024));
  CONTINUO_TRY(const RopesByKind ropes,
               ropes_by_kind(p, head_dim, spec.context_length, {.theta = 1e7}, {.theta = 1e4}));
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    AttentionSpec& attention = attention_of(spec.layers[i]);
    const bool full = types.empty() ? (i + 1) % 4 == 0 : types[i] == "full_attention";
    if (!full && !types.empty() && types[i] != "sliding_attention")
      return p.wrong_item("layer_types", i, "full_attention or sliding_attention, each with mlp behind it or none");
    attention.window = full ? 0 : window;
    attention.rope = full ? ropes.full : ropes.sliding;
  }
  return {};
}

LayerSpec ngpt_layer(const ModelSpec& spec, double range, double initial_rate) {
  LayerSpec layer = spec.layers.front();
  const auto unit = static_cast<float>(1 / range);
  layer.order = LayerSpec::Order::toward;
  layer.mixer_norm = layer.post_mixer_norm = layer.ffn_norm = layer.post_ffn_norm = unit_norm(spec.d_model);
  layer.rate_scale = static_cast<float>(initial_rate / range);
  AttentionSpec& attention = attention_of(layer);
  attention.qk_norm = QkNormSpec{unit_norm(attention.head_dim), QkNormSpec::Span::head};
  attention.out_norm = unit_norm(attention.n_heads * attention.head_dim);
  attention.output_gate = AttentionSpec::OutputGate::apart;
  attention.gate_scales = attention.query_scales = true;
  attention.gate_scale_unit = std::pow(static_cast<float>(spec.d_model), 0.25f) * unit;
  attention.query_scale_unit = std::sqrt(static_cast<float>(attention.head_dim)) * unit;
  auto& feed = std::get<FeedForwardSpec>(layer.ffn);
  feed.inner_norm = unit_norm(feed.d_ff);
  feed.channel_scales = true;
  feed.channel_scale_unit = std::sqrt(static_cast<float>(spec.d_model));
  return layer;
}

Result<ModelSpec> dory(const HyperParameters& p) {
  constexpr std::string_view kNoBias = "biases are not supported for this kind of model";
  CONTINUO_TRY_VOID(expect_flag(p, "attention_bias", false, kNoBias));
  CONTINUO_TRY_VOID(expect_flag(p, "mlp_bias", false, kNoBias));
  CONTINUO_TRY(const std::string cache, p.text_or("loop_cache", "per_loop"));
  if (cache != "per_loop") {
    return p.wrong("loop_cache", "per_loop", "with last_loop, what a prompt says depends on how it is cut into steps");
  }
  CONTINUO_TRY(ModelSpec spec,
               llama_spec(p, {.plain = {.context_length = 8192}, .head_dim = 256, .ropes_differ = true}));
  CONTINUO_TRY(const double range, p.number_or("initializer_range", 0.0177, kFactor));
  CONTINUO_TRY(const double rate, p.number_or("initial_rate", 0.05, kFactor));
  CONTINUO_TRY(const bool listed, p.has("layer_types"));
  std::vector<std::string> types;
  if (listed) {
    CONTINUO_TRY(types, p.texts("layer_types", spec.layers.size()));
  }
  const bool pairs = std::find(types.begin(), types.end(), "mlp") != types.end();
  std::size_t n_layers = spec.layers.size();
  if (pairs) {
    n_layers /= 2;
    if (types.size() % 2 != 0) return p.wrong("n_layers", "an even number: attention and mlp take turns");
    for (std::size_t i = 0; i < n_layers; ++i) {
      if (types[2 * i + 1] != "mlp") return p.wrong_item("layer_types", 2 * i + 1, "mlp");
      types[i] = types[2 * i];
    }
    types.resize(n_layers);
  }
  spec.layers.assign(n_layers, ngpt_layer(spec, range, rate));
  CONTINUO_TRY_VOID(set_types(p, spec, types));
  CONTINUO_TRY(spec.loop, loop(p, static_cast<int>(n_layers), pairs));
  spec.final_norm = unit_norm(spec.d_model);
  spec.output_scales = true;
  spec.logit_scale = static_cast<float>(1 / range);
  return spec;
}

// "#": a layer is both its parts; "&" and "^": each part is a layer of its own.
constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embeddings.weight"},
    {Role::embedding, "*embed_tokens.weight"},
    {Role::mixer_rate, "*layers.#.lambda_1"},
    {Role::mixer_rate, "*layers.&.attn_alpha"},
    {Role::attention_q, "*layers.#.self_attn.q_proj.weight"},
    {Role::attention_q, "*layers.&.mixer.q_proj.weight"},
    {Role::attention_k, "*layers.#.self_attn.k_proj.weight"},
    {Role::attention_k, "*layers.&.mixer.k_proj.weight"},
    {Role::attention_v, "*layers.#.self_attn.v_proj.weight"},
    {Role::attention_v, "*layers.&.mixer.v_proj.weight"},
    {Role::attention_out, "*layers.#.self_attn.o_proj.weight"},
    {Role::attention_out, "*layers.&.mixer.o_proj.weight"},
    {Role::attention_gate, "*layers.#.self_attn.g_proj.weight"},
    {Role::attention_gate, "*layers.#.self_attn.gate_proj.weight"},
    {Role::attention_gate, "*layers.&.mixer.g_proj.weight"},
    {Role::attention_gate_scales, "*layers.#.self_attn.s_gate"},
    {Role::attention_gate_scales, "*layers.&.mixer.s_gate"},
    {Role::attention_query_scales, "*layers.#.self_attn.sqk"},
    {Role::attention_query_scales, "*layers.&.mixer.sqk"},
    {Role::ffn_rate, "*layers.#.lambda_2"},
    {Role::ffn_rate, "*layers.^.mlp_alpha"},
    {Role::ffn_gate, "*layers.#.mlp.gate_proj.weight"},
    {Role::ffn_gate, "*layers.^.mixer.gate_proj.weight"},
    {Role::ffn_up, "*layers.#.mlp.up_proj.weight"},
    {Role::ffn_up, "*layers.^.mixer.up_proj.weight"},
    {Role::ffn_down, "*layers.#.mlp.down_proj.weight"},
    {Role::ffn_down, "*layers.^.mixer.down_proj.weight"},
    {Role::ffn_gate_scales, "*layers.#.mlp.suv_gate"},
    {Role::ffn_gate_scales, "*layers.^.mixer.suv_gate"},
    {Role::ffn_up_scales, "*layers.#.mlp.suv_up"},
    {Role::ffn_up_scales, "*layers.^.mixer.suv_up"},
    {Role::output, "lm_head.weight"},
    {Role::output_scales, "lm_head.logit_scale"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"backbone.", "model.", ""});

}  // namespace

extern const Family kDory;  // the list's
const Family kDory = {
    .model_type = "dory",
    .known_as = "Nemotron Labs Dory",
    .spec = dory,
    .names = {.tensors = kTensors, .prefixes = kPrefixes, .ignored = kLlamaIgnored},
};

}  // namespace continuo
