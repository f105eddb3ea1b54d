#include "model/gguf_mixture.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "model/gguf_numbers.h"

namespace continuo {

namespace {

// When a rule holds, for a tensor that is the i-th of n of its kind.
enum class When : std::uint8_t {
  never,
  always,
  first_two,
  first_four,
  first_sixteenth,
  first_eighth,
  first_eighth_unweighed,  // and there is no importance matrix
  unweighed,
  middle,  // but for the first and the last eighth
  spread,  // the first and the last eighth, and every third between
  shared,  // four query heads or more share a key
};
struct Rule {
  When when = When::never;
  Format format = Format::f32;
};
using Rules = std::array<Rule, 2>;  // the first that holds counts

}  // namespace

struct Mixture {
  std::string_view name;
  std::uint32_t file_type;
  Format base;
  Format output = Format::q6_k;
  std::optional<Format> embedding = {};  // where it is not the output
  Rules value = {}, down = {};
  std::optional<Format> query, key, out = {};
  Rules gate_up = {};
  bool two_bits = false;  // of the kind whose values and keys follow the number of experts otherwise
};

namespace {

using F = Format;
constexpr Rules kNone = {};
constexpr Rules kSpread6 = {{{When::spread, F::q6_k}}};

constexpr Mixture kMixtures[] = {
    {.name = "F32", .file_type = 0, .base = F::f32, .output = F::f32},
    {.name = "F16", .file_type = 1, .base = F::f16, .output = F::f16},
    {.name = "BF16", .file_type = 32, .base = F::bf16, .output = F::bf16},
    {.name = "Q8_0", .file_type = 7, .base = F::q8_0, .output = F::q8_0},
    {.name = "Q6_K", .file_type = 18, .base = F::q6_k},
    {.name = "Q5_K_M", .file_type = 17, .base = F::q5_k, .value = kSpread6, .down = kSpread6},
    {.name = "Q5_K_S", .file_type = 16, .base = F::q5_k},
    {.name = "Q5_1", .file_type = 9, .base = F::q5_1},
    {.name = "Q5_0", .file_type = 8, .base = F::q5_0},
    {.name = "Q4_K_M", .file_type = 15, .base = F::q4_k, .value = kSpread6, .down = kSpread6},
    {.name = "Q4_K_S",
     .file_type = 14,
     .base = F::q4_k,
     .value = {{{When::first_four, F::q5_k}}},
     .down = {{{When::first_eighth, F::q5_k}}}},
    {.name = "IQ4_NL",
     .file_type = 25,
     .base = F::iq4_nl,
     .value = {{{When::shared, F::q5_k}}},
     .down = {{{When::first_eighth_unweighed, F::q5_k}}}},
    {.name = "IQ4_XS",
     .file_type = 30,
     .base = F::iq4_xs,
     .value = {{{When::shared, F::q5_k}}},
     .down = {{{When::first_eighth_unweighed, F::q5_k}}}},
    {.name = "Q4_1", .file_type = 3, .base = F::q4_1},
    {.name = "Q4_0", .file_type = 2, .base = F::q4_0},
    {.name = "Q3_K_L",
     .file_type = 13,
     .base = F::q3_k,
     .value = {{{When::always, F::q5_k}}},
     .down = {{{When::always, F::q5_k}}},
     .out = F::q5_k},
    {.name = "Q3_K_M",
     .file_type = 12,
     .base = F::q3_k,
     .value = {{{When::first_two, F::q5_k}, {When::always, F::q4_k}}},
     .down = {{{When::first_sixteenth, F::q5_k}, {When::always, F::q4_k}}},
     .out = F::q4_k},
    {.name = "Q3_K_S", .file_type = 11, .base = F::q3_k},
    {.name = "IQ3_M",
     .file_type = 27,
     .base = F::iq3_s,
     .value = {{{When::always, F::q4_k}}},
     .down = {{{When::first_eighth, F::q4_k}}},
     .out = F::q4_k},
    {.name = "IQ3_S", .file_type = 26, .base = F::iq3_s, .value = {{{When::shared, F::q4_k}}}},
    {.name = "IQ3_XS",
     .file_type = 22,
     .base = F::iq3_s,
     .value = {{{When::shared, F::q4_k}}},
     .query = F::iq3_xxs,
     .key = F::iq3_xxs,
     .gate_up = {{{When::middle, F::iq3_xxs}}}},
    {.name = "IQ3_XXS",
     .file_type = 23,
     .base = F::iq3_xxs,
     .output = F::q5_k,
     .embedding = F::iq3_s,
     .value = {{{When::shared, F::q4_k}, {When::unweighed, F::iq3_s}}},
     .down = {{{When::first_eighth_unweighed, F::q4_k}, {When::unweighed, F::q3_k}}},
     .query = F::iq2_s,
     .key = F::iq2_s,
     .out = F::iq3_s},
    {.name = "Q2_K",
     .file_type = 10,
     .base = F::q2_k,
     .value = {{{When::shared, F::q4_k}, {When::always, F::q3_k}}},
     .down = {{{When::always, F::q3_k}}},
     .out = F::q3_k},
    {.name = "Q2_K_S",
     .file_type = 21,
     .base = F::q2_k,
     .value = {{{When::shared, F::q4_k}}},
     .down = {{{When::first_eighth, F::q4_k}}}},
    {.name = "IQ2_M",
     .file_type = 29,
     .base = F::iq2_s,
     .output = F::q5_k,
     .embedding = F::iq3_s,
     .value = {{{When::shared, F::q4_k}, {When::always, F::iq3_s}}},
     .down = {{{When::first_eighth, F::iq3_s}}},
     .out = F::iq3_s,
     .two_bits = true},
    {.name = "IQ2_S",
     .file_type = 28,
     .base = F::iq2_xs,
     .output = F::q5_k,
     .embedding = F::iq3_s,
     .value = {{{When::shared, F::q4_k}, {When::always, F::iq3_s}}},
     .down = {{{When::first_eighth, F::iq3_s}}},
     .out = F::iq3_s,
     .two_bits = true},
    {.name = "IQ2_XS",
     .file_type = 20,
     .base = F::iq2_xs,
     .output = F::q5_k,
     .embedding = F::q2_k,
     .value = {{{When::shared, F::q4_k}, {When::always, F::q2_k}}},
     .down = {{{When::first_eighth, F::q2_k}}},
     .two_bits = true},
    {.name = "IQ2_XXS",
     .file_type = 19,
     .base = F::iq2_xxs,
     .output = F::q5_k,
     .embedding = F::q2_k,
     .value = {{{When::shared, F::q4_k}, {When::always, F::q2_k}}},
     .down = {{{When::first_eighth, F::q2_k}}},
     .two_bits = true},
    {.name = "IQ1_M",
     .file_type = 31,
     .base = F::iq1_m,
     .output = F::q5_k,
     .embedding = F::q2_k,
     .value = {{{When::shared, F::q4_k}, {When::always, F::q2_k}}},
     .down = {{{When::first_eighth, F::q2_k}}},
     .out = F::iq2_xxs,
     .two_bits = true},
    {.name = "IQ1_S",
     .file_type = 24,
     .base = F::iq1_s,
     .output = F::q5_k,
     .embedding = F::q2_k,
     .value = {{{When::shared, F::q4_k}, {When::always, F::q2_k}}},
     .down = {{{When::first_eighth, F::q2_k}}},
     .out = F::iq2_xxs,
     .two_bits = true},
    {.name = "TQ2_0", .file_type = 37, .base = F::tq2_0, .embedding = F::q4_k},
    {.name = "TQ1_0", .file_type = 36, .base = F::tq1_0, .embedding = F::q4_k},
};

enum class Kind : std::uint8_t { output, embedding, value, key, query, out, gate, up, down, other };

Kind kind_of(std::string_view name) {
  const auto has = [&](std::string_view part) { return name.find(part) != name.npos; };
  if (name == "output.weight") return Kind::output;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return Kind::embedding;
  if (has("attn_qkv.weight") || has("attn_kv_b.weight") || has("attn_v.weight")) return Kind::value;
  if (has("attn_k.weight")) return Kind::key;
  if (has("attn_q.weight")) return Kind::query;
  if (has("attn_output.weight")) return Kind::out;
  if (has("ffn_up")) return Kind::up;
  if (has("ffn_gate")) return Kind::gate;
  return has("ffn_down") ? Kind::down : Kind::other;
}

std::size_t layer_of(std::string_view name) {
  constexpr std::string_view kStart = "blk.";
  std::size_t layer = 0;
  if (name.starts_with(kStart)) std::from_chars(name.data() + kStart.size(), name.data() + name.size(), layer);
  return layer;
}

// What the rules ask of a model.
struct Facts {
  std::size_t n_layers = 0, n_values = 0;
  int n_experts = 0;
  bool shares_keys = false, has_importance = false, falcon = false, tied = true;
};

class Mixer {
 public:
  Mixer(const Mixture& mixture, const Facts& facts) : mixture_(mixture), facts_(facts) {}

  Format format_of(const GgufOutput& tensor) {
    const Kind kind = kind_of(tensor.name);
    if (kind == Kind::output || (kind == Kind::embedding && facts_.tied)) return output(tensor);
    if (kind == Kind::embedding) return mixture_.embedding.value_or(mixture_.base);
    return in_layer(kind, layer_of(tensor.name));
  }

 private:
  bool holds(When when, std::size_t i, std::size_t n) const {
    switch (when) {
      case When::never:
        return false;
      case When::always:
        return true;
      case When::first_two:
        return i < 2;
      case When::first_four:
        return i < 4;
      case When::first_sixteenth:
        return i < n / 16;
      case When::first_eighth:
        return i < n / 8;
      case When::first_eighth_unweighed:
        return i < n / 8 && !facts_.has_importance;
      case When::unweighed:
        return !facts_.has_importance;
      case When::middle:
        return i >= n / 8 && i < 7 * n / 8;
      case When::spread:
        return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
      case When::shared:
        return facts_.shares_keys || (mixture_.two_bits && facts_.n_experts >= 4);
    }
    return false;
  }
  Format by(const Rules& rules, std::size_t i, std::size_t n) const {
    for (const Rule& rule : rules) {
      if (holds(rule.when, i, n)) return rule.format;
    }
    return mixture_.base;
  }

  Format output(const GgufOutput& tensor) const {
    if (format_is_plain(mixture_.base)) return mixture_.base;
    const bool whole_blocks = tensor.shape.back() % format_info(mixture_.base).block_values == 0;
    return facts_.falcon || !whole_blocks ? Format::q8_0 : mixture_.output;
  }

  Format in_layer(Kind kind, std::size_t layer) {
    // Eight experts' attention is small beside them.
    const bool eight = facts_.n_experts == 8 && !format_is_plain(mixture_.base);
    switch (kind) {
      case Kind::value:
        return value(eight);
      case Kind::key:
        if (eight) return mixture_.two_bits ? Format::q4_k : Format::q8_0;
        return mixture_.key.value_or(mixture_.base);
      case Kind::query:
        return mixture_.query.value_or(mixture_.base);
      case Kind::out:
        return out(eight);
      case Kind::gate:
      case Kind::up: {
        const std::size_t i = kind == Kind::gate ? gates_++ : ups_++;
        return by(mixture_.gate_up, facts_.n_experts > 1 ? layer : i, facts_.n_layers);
      }
      case Kind::down:
        return down(facts_.n_experts > 1 && !mixture_.two_bits ? layer : downs_++);
      default:
        return mixture_.base;
    }
  }

  Format value(bool eight) {
    constexpr std::size_t kLayersOf70B = 80;
    const std::size_t i = values_++;
    Format format = by(mixture_.value, i, facts_.n_values);
    if (mixture_.two_bits) return format;
    const bool raised = format == Format::q3_k || format == Format::q4_k;
    if (facts_.n_layers == kLayersOf70B && facts_.shares_keys && raised) format = Format::q5_k;
    return eight ? Format::q8_0 : format;
  }

  Format out(bool eight) const {
    const auto named = [&](std::initializer_list<std::string_view> names) {
      return std::find(names.begin(), names.end(), mixture_.name) != names.end();
    };
    if (facts_.falcon) return named({"Q3_K_L"}) ? Format::q4_k : mixture_.base;
    if (!eight) return mixture_.out.value_or(mixture_.base);
    const bool better = mixture_.two_bits || named({"Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S",
                                                    "Q4_K_M", "IQ3_S", "IQ3_M", "IQ4_XS"});
    return better ? Format::q5_k : mixture_.base;
  }

  Format down(std::size_t i) const {
    const std::size_t n = facts_.n_layers;
    const std::string_view name = mixture_.name;
    if (facts_.falcon) {
      if (name == "Q3_K_M" && i >= n / 16 && !holds(When::spread, i, n)) return Format::q3_k;
      if (name == "Q3_K_L") return Format::q4_k;
      if (name == "Q4_K_S") return Format::q4_k;
      if (name == "Q4_K_M" && i >= n / 16) return holds(When::spread, i, n) ? Format::q5_k : Format::q4_k;
    }
    if (name == "IQ3_M" && facts_.n_experts == 8 && holds(When::spread, i, n)) return Format::q4_k;
    // The first of these go astray in the formats around zero, weighed or not.
    if (facts_.has_importance && i < n / 8 && name == "Q4_0") return Format::q4_1;
    if (facts_.has_importance && i < n / 8 && name == "Q5_0") return Format::q5_1;
    return by(mixture_.down, i, n);
  }

  const Mixture& mixture_;
  const Facts& facts_;
  std::size_t values_ = 0, downs_ = 0, gates_ = 0, ups_ = 0;
};

}  // namespace

const Mixture* find_mixture(std::string_view name) {
  const auto found =
      std::find_if(std::begin(kMixtures), std::end(kMixtures), [&](const Mixture& row) { return row.name == name; });
  return found == std::end(kMixtures) ? nullptr : found;
}

std::vector<std::string_view> mixture_names() {
  std::vector<std::string_view> names;
  for (const Mixture& row : kMixtures) names.push_back(row.name);
  return names;
}

std::string_view mixture_name(const Mixture& mixture) { return mixture.name; }
std::uint32_t mixture_file_type(const Mixture& mixture) { return mixture.file_type; }

bool may_be_quantized(const GgufOutput& tensor) {
  // Parts of names.
  constexpr std::string_view kKept[] = {
      "_norm.weight",      "ffn_gate_inp",          "position_embd",  "token_types", "per_layer_model_proj",
      "ssm_conv1d",        "shortconv.conv.weight", "time_mix_first", "time_mix_w0", "time_mix_w1",
      "time_mix_w2",       "time_mix_v0",           "time_mix_v1",    "time_mix_v2", "time_mix_a0",
      "time_mix_a1",       "time_mix_a2",           "time_mix_g1",    "time_mix_g2", "time_mix_decay_w1",
      "time_mix_decay_w2", "time_mix_lerp"};
  const std::string_view name = tensor.name;
  if (tensor.shape.size() < 2 || !name.ends_with("weight")) return false;
  // One row for each layer or channel is no matrix.
  if (tensor.shape.size() > 1 && tensor.shape[tensor.shape.size() - 2] == 1) return false;
  return std::none_of(std::begin(kKept), std::end(kKept),
                      [&](std::string_view part) { return name.find(part) != name.npos; });
}

std::vector<Format> mixed_formats(const Mixture& mixture, std::span<const GgufOutput> tensors, const ModelSpec& spec,
                                  std::string_view architecture, bool has_importance) {
  Facts facts{.n_layers = spec.layers.size(), .has_importance = has_importance, .falcon = architecture == "falcon"};
  if (const AttentionSpec* const attention = first_attention(spec))
    facts.shares_keys = attention->n_kv_heads > 0 && attention->n_heads / attention->n_kv_heads >= 4;
  if (const auto* experts = first_ffn<ExpertsSpec>(spec)) facts.n_experts = experts->n_experts;
  for (const GgufOutput& tensor : tensors) {
    const Kind kind = kind_of(tensor.name);
    if (kind == Kind::value) ++facts.n_values;
    if (kind == Kind::output) facts.tied = false;
  }
  // Layer by layer, whatever the order of the file.
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return layer_of(tensors[a].name) < layer_of(tensors[b].name); });
  std::vector<Format> formats(tensors.size(), Format::f32);
  Mixer mixer(mixture, facts);
  for (const std::size_t i : order) {
    if (may_be_quantized(tensors[i])) formats[i] = mixer.format_of(tensors[i]);
  }
  return formats;
}

}  // namespace continuo
