// GPT-Neo (TinyStories): GPT-2 whose layers look back globally or through a window, in turn; scores are not
// scaled. Black et al. 2021, doi:10.5281/zenodo.5297715; Eldan & Li 2023, arXiv:2305.07759.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/json.h"
#include "model/families.h"
#include "model/family_parts.h"

namespace continuo {

namespace {

bool is_kind(const Json& kind) { return kind == "global" || kind == "local"; }

// "attention_types": a list of [kinds, how often].
std::optional<std::vector<bool>> unfolded_types(const Json& types, std::size_t n_layers) {
  std::vector<bool> local;
  for (const Json& item : types) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_array() || !item[1].is_number_unsigned()) {
      return std::nullopt;
    }
    const Json& kinds = item[0];
    if (kinds.empty() || !std::all_of(kinds.begin(), kinds.end(), is_kind)) return std::nullopt;
    for (auto times = item[1].get<std::uint64_t>(); times > 0 && local.size() <= n_layers; --times) {
      for (const Json& kind : kinds) local.push_back(kind == "local");
    }
  }
  return local;
}

// Which layers are local. "attention_layers" spells out what "attention_types" says in short; either may stand alone.
// Absent, every other one is.
Result<std::vector<bool>> local_layers(const HyperParameters& p, std::size_t n_layers) {
  const Json* const types = p.raw("attention_types");
  const Json* const layers = p.raw("attention_layers");
  std::optional<std::vector<bool>> local;
  if (types) {
    local = unfolded_types(*types, n_layers);
    if (!local || local->size() != n_layers) {
      return model_error(p.file(),
                         fmt::format("'attention_types' is not a list of [[\"global\", \"local\"], times] for "
                                     "{} layers",
                                     n_layers));
    }
  }
  if (layers) {
    const bool sound =
        layers->is_array() && layers->size() == n_layers && std::all_of(layers->begin(), layers->end(), is_kind);
    if (!sound) {
      return model_error(p.file(),
                         fmt::format("'attention_layers' is not a list of \"global\" or \"local\" for each of "
                                     "{} layers",
                                     n_layers));
    }
    std::vector<bool> listed;
    for (const Json& kind : *layers) listed.push_back(kind == "local");
    if (local && listed != *local) {
      return model_error(p.file(), "'attention_types' and 'attention_layers' contradict each other", "which is meant?");
    }
    return listed;
  }
  if (local) return *local;
  std::vector<bool> every_other(n_layers);
  for (std::size_t i = 1; i < n_layers; i += 2) every_other[i] = true;
  return every_other;
}

Result<ModelSpec> gpt_neo(const HyperParameters& p) {
  CONTINUO_TRY(ModelSpec spec, plain_spec(p, {.tied_output = true}));
  spec.positions = LearnedPositions{.count = spec.context_length};
  CONTINUO_TRY(AttentionSpec mixer, plain_attention(p, spec));
  mixer.out_bias = true;
  mixer.scale = 1;

  CONTINUO_TRY(const FeedForwardSpec feed,
               plain_feed(p, {.d_ff = 4 * spec.d_model, .gated = false, .bias = true}, "gelu_new"));
  CONTINUO_TRY(const float eps, norm_eps(p, 1e-5));
  const LayerNormSpec norm{.eps = eps};
  CONTINUO_TRY_VOID(fill_layers(p, spec, {.mixer_norm = norm, .mixer = mixer, .ffn_norm = norm, .ffn = feed}));
  CONTINUO_TRY(const std::vector<bool> local, local_layers(p, spec.layers.size()));
  CONTINUO_TRY(const int window, p.count_or("window", 256));
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (local[i]) attention_of(spec.layers[i]).window = window;
  }
  spec.final_norm = norm;
  return spec;
}

constexpr auto kTensors = std::to_array<TensorName>({
    {Role::embedding, "*wte.weight"},
    {Role::learned_positions, "*wpe.weight"},
    {Role::mixer_norm, "*h.#.ln_1.weight"},
    {Role::mixer_norm_bias, "*h.#.ln_1.bias"},
    {Role::attention_q, "*h.#.attn.attention.q_proj.weight"},
    {Role::attention_k, "*h.#.attn.attention.k_proj.weight"},
    {Role::attention_v, "*h.#.attn.attention.v_proj.weight"},
    {Role::attention_out, "*h.#.attn.attention.out_proj.weight"},
    {Role::attention_out_bias, "*h.#.attn.attention.out_proj.bias"},
    {Role::ffn_norm, "*h.#.ln_2.weight"},
    {Role::ffn_norm_bias, "*h.#.ln_2.bias"},
    {Role::ffn_up, "*h.#.mlp.c_fc.weight"},
    {Role::ffn_up_bias, "*h.#.mlp.c_fc.bias"},
    {Role::ffn_down, "*h.#.mlp.c_proj.weight"},
    {Role::ffn_down_bias, "*h.#.mlp.c_proj.bias"},
    {Role::final_norm, "*ln_f.weight"},
    {Role::final_norm_bias, "*ln_f.bias"},
    {Role::output, "lm_head.weight"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"transformer.", ""});
// The mask and the value it hides with.
constexpr auto kIgnored =
    std::to_array<std::string_view>({"*h.#.attn.attention.bias", "*h.#.attn.attention.masked_bias"});

}  // namespace

extern const Family kGptNeo;  // the list's
const Family kGptNeo = {
    .model_type = "gpt_neo",
    .known_as = "GPT-Neo, TinyStories",
    .spec = gpt_neo,
    .names = {kTensors, kPrefixes, kIgnored},
};

}  // namespace continuo
