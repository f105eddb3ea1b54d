// Nemotron-H: blocks that are a Mamba-2 layer, attention without positions, or a feed-forward network.
// NVIDIA 2025, arXiv:2504.03624.
#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "model/families/llama.h"
#include "model/families/mamba.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

enum class Block { mamba, attention, feed };
struct BlockName {
  std::string_view name, older_name;
  char letter;
  Block block;
};
constexpr BlockName kBlocks[] = {
    {"linear_attention", "mamba", 'M', Block::mamba},
    {"full_attention", "attention", '*', Block::attention},
    {"mlp", "mlp", '-', Block::feed},
};

// From "layers_block_type".
Result<std::vector<Block>> listed_blocks(const HyperParameters& p) {
  const Json* const list = p.raw("layers_block_type");
  const std::size_t n_layers = list->is_array() ? list->size() : 1;
  if (n_layers == 0 || n_layers > kMaxLayers)
    return model_error(p.file(),
                       fmt::format("'layers_block_type' is a list of {}, expected 1 to {}", n_layers, kMaxLayers));
  CONTINUO_TRY(const std::vector<std::string> names, p.texts("block_types", n_layers));
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < names.size(); ++i) {
    for (const BlockName& row : kBlocks) {
      if (names[i] == row.name || names[i] == row.older_name) blocks.push_back(row.block);
    }
    if (blocks.size() <= i) {
      return p.wrong_item("block_types", i,
                          "linear_attention, full_attention or mlp: blocks of experts are not supported");
    }
  }
  return blocks;
}

// From "hybrid_override_pattern".
Result<std::vector<Block>> blocks_of_pattern(const HyperParameters& p) {
  CONTINUO_TRY(const std::string pattern, p.text("block_pattern"));
  if (pattern.empty() || pattern.size() > kMaxLayers)
    return p.wrong("block_pattern", fmt::format("1 to {} letters", kMaxLayers));
  std::vector<Block> blocks;
  for (const char letter : pattern) {
    const std::size_t before = blocks.size();
    for (const BlockName& row : kBlocks) {
      if (letter == row.letter) blocks.push_back(row.block);
    }
    if (blocks.size() == before) {
      return p.wrong("block_pattern",
                     "letters M (Mamba), * (attention) and - (feed-forward): E (experts) is not supported");
    }
  }
  return blocks;
}

Result<Mamba2Spec> mamba_of(const HyperParameters& p, float eps) {
  Mamba2Sizes sizes{.default_groups = 8, .default_d_state = 128, .activation = "mamba_activation"};
  CONTINUO_TRY(sizes.n_heads, p.count_or("mamba_heads", 128, kMaxHeads));
  CONTINUO_TRY(sizes.head_dim, p.count_or("mamba_head_dim", 64, HyperParameters::kLargest / sizes.n_heads));
  sizes.d_inner = sizes.n_heads * sizes.head_dim;
  CONTINUO_TRY(Mamba2Spec mixer, mamba2_mixer(p, sizes, eps));
  CONTINUO_TRY(mixer.in_bias, p.flag_or("biases", false));
  mixer.out_bias = mixer.in_bias;
  CONTINUO_TRY(const double least, p.number_or("dt_min", 0.001, kLimit));
  mixer.dt_min = static_cast<float>(least);
  mixer.dt_max = 0;  // the reference reads no limit but "time_step_min"
  return mixer;
}

Result<ModelSpec> nemotron_h(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.context_length = 4096}));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  CONTINUO_TRY(AttentionSpec attention, plain_attention(p, spec, 128));
  CONTINUO_TRY(attention.window, window_or(p, 0));
  if (attention.window > 0) return p.wrong("window", "null: a sliding window is not supported for this kind of model");
  CONTINUO_TRY(const Mamba2Spec mamba, mamba_of(p, eps));
  FeedForwardSpec feed{.gated = false};
  CONTINUO_TRY(feed.d_ff, p.count_or("d_ff", 21504));
  CONTINUO_TRY(feed.bias, p.flag_or("mlp_bias", false));
  CONTINUO_TRY(feed.activation, activation(p, "relu2", "mlp_activation"));
  CONTINUO_TRY(const bool listed, p.has("block_types"));
  CONTINUO_TRY(const std::vector<Block> blocks, listed ? listed_blocks(p) : blocks_of_pattern(p));
  const RmsNormSpec norm{.eps = eps};
  for (const Block block : blocks) {
    LayerSpec layer{.mixer_norm = norm, .mixer = mamba, .ffn = std::monostate()};
    if (block == Block::attention) layer.mixer = attention;
    if (block == Block::feed) layer = {.mixer = std::monostate(), .ffn_norm = norm, .ffn = feed};
    spec.layers.push_back(std::move(layer));
  }
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    CONTINUO_BACKBONE_TENSORS,
    CONTINUO_MAMBA2_TENSORS("mixer"),
    {Role::attention_q, "*layers.#.mixer.q_proj.weight"},
    {Role::attention_k, "*layers.#.mixer.k_proj.weight"},
    {Role::attention_v, "*layers.#.mixer.v_proj.weight"},
    {Role::attention_out, "*layers.#.mixer.o_proj.weight"},
    {Role::ffn_norm, "*layers.#.norm.weight"},
    {Role::ffn_up, "*layers.#.mixer.up_proj.weight"},
    {Role::ffn_up_bias, "*layers.#.mixer.up_proj.bias"},
    {Role::ffn_down, "*layers.#.mixer.down_proj.weight"},
    {Role::ffn_down_bias, "*layers.#.mixer.down_proj.bias"},
});

constexpr auto kGgufNames = [] {
  std::array<TensorName, kGgufMambaNames.size() + 1> names{};
  std::copy(kGgufMambaNames.begin(), kGgufMambaNames.end(), names.begin());
  names.back() = {Role::ffn_norm, "blk.#.attn_norm.weight"};
  return names;
}();

// A layer has heads of keys, a feed-forward network, or neither.
Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(adapt_gguf_hybrid_mamba2(file, config));
  CONTINUO_TRY_VOID(adapt_gguf_layer_types(file, config, "full_attention", "linear_attention"));
  CONTINUO_TRY(const std::vector<int> widths, gguf_by_layer(file, "feed_forward_length"));
  Json types = config["layer_types"];
  config.erase("layer_types");
  int most = 0;
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] == 0) continue;
    if (types[i] != "linear_attention" || (most > 0 && widths[i] != most))
      return gguf_wrong(file, "feed_forward_length", "fits no block of one part", "such models are not supported");
    types[i] = "mlp";
    most = widths[i];
  }
  config["layers_block_type"] = std::move(types);
  if (most > 0) config["intermediate_size"] = most;
  return {};
}

}  // namespace

extern const Family kNemotronH;  // the list's
const Family kNemotronH = {
    .model_type = "nemotron_h",
    .known_as = "Nemotron-H, Nemotron Nano 2",
    .spec = nemotron_h,
    .names = {kTensors, kBackbonePrefixes, {}},
    .gguf = {.architecture = "nemotron_h", .paired_heads = true, .names = kGgufNames, .adapt = adapt_gguf},
};

}  // namespace continuo
