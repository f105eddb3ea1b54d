// Granite 4: Granite with Mamba-2 in some or all layers, and a feed-forward network that is called a shared expert;
// experts beside it are optional, and so are positions. IBM 2025, github.com/ibm-granite/granite-4.0-language-models.
#include <algorithm>
#include <cmath>

#include "model/families/granite.h"
#include "model/families/mamba.h"
#include "model/gguf_metadata.h"
#include "model/gguf_numbers.h"

namespace continuo {

namespace {

// Which layers are attention; without a list none is.
Result<std::vector<bool>> attention_layers(const HyperParameters& p, std::size_t n_layers) {
  CONTINUO_TRY(const bool listed, p.has("layer_types"));
  std::vector<bool> attends(n_layers);
  if (!listed) return attends;
  CONTINUO_TRY(const std::vector<std::string> types, p.texts("layer_types", n_layers));
  for (std::size_t i = 0; i < n_layers; ++i) {
    attends[i] = types[i] == "attention" || types[i] == "full_attention";
    if (!attends[i] && types[i] != "mamba" && types[i] != "linear_attention")
      return p.wrong_item("layer_types", i, "attention, full_attention, mamba or linear_attention");
  }
  return attends;
}

Result<FfnSpec> feed_of(const HyperParameters& p, const FeedForwardSpec& expert) {
  CONTINUO_TRY(const int n_experts, p.index_or("n_experts", 8));
  FeedForwardSpec shared = expert;
  CONTINUO_TRY(shared.d_ff, p.count_or("shared_d_ff", 1024));
  if (n_experts == 0) return FfnSpec(shared);
  CONTINUO_TRY(ExpertsSpec experts, plain_experts(p, expert, true));
  experts.normalize = true;
  experts.shared = shared;
  return FfnSpec(experts);
}

Result<ModelSpec> granitemoehybrid(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, granite_spec(p, {.rope = {.share_is_free = true}}));
  CONTINUO_TRY(const std::vector<bool> attends, attention_layers(p, spec.layers.size()));
  CONTINUO_TRY(const std::string positions, p.text_or("position_kind", "nope"));
  if (std::string_view(positions) != "rope" && std::string_view(positions) != "nope")
    return p.wrong("position_kind", "rope, nope or null");
  CONTINUO_TRY(const FfnSpec feed, feed_of(p, std::get<FeedForwardSpec>(spec.layers.front().ffn)));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-6));
  MixerSpec mamba;
  if (std::find(attends.begin(), attends.end(), false) != attends.end()) {
    CONTINUO_TRY(const int d_inner, expanded_width(p, "mamba_expand", spec.d_model));
    CONTINUO_TRY(mamba, hybrid_mamba2_mixer(p, d_inner, eps));
  }
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    layer.ffn = feed;
    if (std::string_view(positions) == "nope") attention_of(layer).rope.reset();
    if (!attends[i]) layer.mixer = mamba;
  }
  return spec;
}

constexpr LlamaNames kTensors({
    CONTINUO_MAMBA2_TENSORS("mamba"),
    {Role::ffn_gate_up, "*layers.#.shared_mlp.input_linear.weight"},
    {Role::ffn_down, "*layers.#.shared_mlp.output_linear.weight"},
    {Role::shared_gate_up, "*layers.#.shared_mlp.input_linear.weight"},
    {Role::shared_down, "*layers.#.shared_mlp.output_linear.weight"},
    kGraniteExperts[0],
    kGraniteExperts[1],
    kGraniteExperts[2],
    kGraniteExperts[3],
    kGraniteExperts[4],
    kGraniteExperts[5],
});

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy(file, "logit_scale", config, "logits_scaling"));
  CONTINUO_TRY_VOID(adapt_gguf_hybrid_mamba2(file, config));
  CONTINUO_TRY_VOID(adapt_gguf_layer_types(file, config, "attention", "mamba"));
  const Json* const turns = gguf_value(file, "rope.scaling.finetuned");
  config["position_embedding_type"] = turns && *turns == true ? "rope" : "nope";
  if (!config.contains("attention_multiplier")) {  // Bamba: llama.cpp's default
    CONTINUO_TRY(const int n_heads, gguf_whole(file, "attention.head_count"));
    CONTINUO_TRY(const int d_model, gguf_whole(file, "embedding_length"));
    config["attention_multiplier"] = 1 / std::sqrt(std::max(d_model / n_heads, 1));
  }
  // What is a shared expert in the family's own files is the plain network where there are no others.
  const char* const own =
      config.contains("shared_expert_intermediate_size") ? "shared_expert_intermediate_size" : "intermediate_size";
  config["shared_intermediate_size"] = config.value(own, 0);
  config.erase("shared_expert_intermediate_size");
  config["num_local_experts"] = config.value("num_experts", 0);
  config.erase("num_experts");
  return {};
}

// Granite 3 is the same where no layer has Mamba-2 or experts.
std::string_view written_as(const ModelSpec& spec) {
  const bool granite = std::all_of(spec.layers.begin(), spec.layers.end(), [](const LayerSpec& layer) {
    const auto* const attention = std::get_if<AttentionSpec>(&layer.mixer);
    return attention && attention->rope && std::holds_alternative<FeedForwardSpec>(layer.ffn);
  });
  return granite ? "granite" : "";
}

void write_gguf(const ModelSpec& spec, GgufNumbers& into) {
  write_granite_gguf(spec, into);
  const AttentionSpec* const attention = first_attention(spec);
  into.set("rope.scaling.finetuned", attention && attention->rope.has_value());
}

}  // namespace

extern const Family kGranitemoehybrid;  // the list's
const Family kGranitemoehybrid = {
    .model_type = "granitemoehybrid",
    .known_as = "Granite 4",
    .spec = granitemoehybrid,
    .names = llama_names(kTensors),
    .gguf = {.architecture = "granitehybrid",
             .paired_heads = true,
             .names = kGgufMambaNames,
             .adapt = adapt_gguf,
             .written_as = written_as,
             .write = write_gguf},
};

}  // namespace continuo
