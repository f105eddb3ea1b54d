// HRM-Text: two stacks of layers, a fast one that is gone through several times for each time of the slow one. With zL
// and zH what they gave last: zL = L(zL + zH), L_cycles times, then zH = H(zH + zL); all of that H_cycles times. Norms
// have no weights, attention has a gate. Sapient 2026, huggingface.co/sapientinc/HRM-Text-1B.
// The reference lets an instruction that is marked as such be seen from both sides; here every text is causal.
#include "model/families/llama.h"

namespace continuo {

namespace {

constexpr std::size_t kHigh = 0, kLow = 1;  // what is kept: zH and zL

LoopSpec loop(std::size_t n_layers, int low_cycles, int high_cycles) {
  LoopSpec loop{.loops = static_cast<std::size_t>(high_cycles), .n_kept = 2, .learned_start = kLow};
  const auto low = layer_range(0, n_layers), high = layer_range(n_layers, n_layers);
  // x is the embedding, or zH of the cycle before; the norm of a stack stands before what comes next.
  loop.first.push_back({.keep = kHigh, .join = Pass::Join::add, .joined = kLow, .layers = low});
  for (int i = 1; i < low_cycles; ++i)
    loop.first.push_back({.norm = true, .keep = {}, .join = Pass::Join::add, .joined = kHigh, .layers = low});
  loop.first.push_back({.norm = true, .keep = kLow, .join = Pass::Join::add, .joined = kHigh, .layers = high});
  loop.again = loop.first;
  loop.again.front().norm = true;
  return loop;
}

Result<ModelSpec> hrm_text(const HyperParameters& p) {
  CONTINUO_TRY_VOID(expect_flag(p, "attention_bias", false, "biases are not supported for this kind of model"));
  CONTINUO_TRY_VOID(expect_flag(p, "mlp_bias", false, "biases are not supported for this kind of model"));
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.plain = {.context_length = 2048}, .head_dim = 128}));
  const RmsNormSpec norm{.eps = std::get<RmsNormSpec>(*spec.final_norm).eps, .weight = false};
  // Files that say both have the number of a stack here, and that of all times through a layer as n_layers.
  CONTINUO_TRY(const bool stacked, p.has("stack_layers"));
  CONTINUO_TRY(const int n_layers, p.count(stacked ? "stack_layers" : "n_layers", kMaxLayers / 2));
  CONTINUO_TRY(const int high_cycles, p.count_or("high_cycles", 2, static_cast<int>(kMaxLoops)));
  CONTINUO_TRY(const int low_cycles, p.count_or("low_cycles", 3, static_cast<int>(kMaxLoops)));
  CONTINUO_TRY(const double range, p.number_or("initializer_range", 0.02, kZeroToOne));
  CONTINUO_TRY(const bool scaled, p.has("scaled_embedding"));
  if (!scaled && range == 0) return p.wrong("initializer_range", "a number above 0");
  CONTINUO_TRY(const double scale, p.number_or("scaled_embedding", scaled ? 1 : 1 / range, kFactor));
  LayerSpec layer = spec.layers.front();
  layer.mixer_norm = layer.ffn_norm = norm;
  AttentionSpec& attention = attention_of(layer);
  attention.n_kv_heads = attention.n_heads;
  attention.output_gate = AttentionSpec::OutputGate::apart;
  spec.embedding_scale = static_cast<float>(scale);
  spec.final_norm = norm;
  spec.stacks = {static_cast<std::size_t>(n_layers), static_cast<std::size_t>(n_layers)};
  spec.layers.assign(2 * static_cast<std::size_t>(n_layers), layer);
  spec.loop = loop(static_cast<std::size_t>(n_layers), low_cycles, high_cycles);
  return spec;
}

constexpr auto kStacks = std::to_array<std::string_view>({"L_module", "H_module"});
constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*embed_tokens.weight"},
    {Role::loop_start, "*z_L_init"},
    {Role::attention_gqkv, "*%.layers.#.attn.gqkv_proj.weight"},
    {Role::attention_gate, "*%.layers.#.self_attn.gate_proj.weight"},
    {Role::attention_q, "*%.layers.#.self_attn.q_proj.weight"},
    {Role::attention_k, "*%.layers.#.self_attn.k_proj.weight"},
    {Role::attention_v, "*%.layers.#.self_attn.v_proj.weight"},
    {Role::attention_out, "*%.layers.#.attn.o_proj.weight"},
    {Role::attention_out, "*%.layers.#.self_attn.o_proj.weight"},
    {Role::ffn_gate_up, "*%.layers.#.mlp.gate_up_proj.weight"},
    {Role::ffn_gate, "*%.layers.#.mlp.gate_proj.weight"},
    {Role::ffn_up, "*%.layers.#.mlp.up_proj.weight"},
    {Role::ffn_down, "*%.layers.#.mlp.down_proj.weight"},
    {Role::output, "lm_head.weight"},
});

}  // namespace

extern const Family kHrmText;  // the list's
const Family kHrmText = {
    .model_type = "hrm_text",
    .known_as = "HRM-Text",
    .spec = hrm_text,
    .names = {.tensors = kTensors, .prefixes = kLlamaPrefixes, .ignored = kLlamaIgnored, .stacks = kStacks},
};

}  // namespace continuo
