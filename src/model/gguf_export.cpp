#include "model/gguf_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

#include "model/gguf_mixture.h"
#include "model/gguf_numbers.h"
#include "model/gguf_parts.h"
#include "quant/block.h"

namespace continuo {

namespace {

// By how much each pair's frequency is divided, in the words of RopeLlama3.
std::vector<float> llama3_factors(const RopeSpec& rope, const RopeLlama3& scaling) {
  std::vector<float> out;
  for (int i = 0; i < rope.rotary_dim / 2; ++i) {
    const double length = 2 * std::numbers::pi * std::pow(rope.theta, 2.0 * i / rope.rotary_dim);
    const double turns = scaling.original_context / length;  // in the original context
    double factor = scaling.factor;
    if (turns > scaling.high_freq_factor) {
      factor = 1;
    } else if (turns >= scaling.low_freq_factor) {
      const double smooth = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
      factor = 1 / ((1 - smooth) / scaling.factor + smooth);
    }
    out.push_back(static_cast<float>(factor));
  }
  return out;
}

class Exporter {
 public:
  Exporter(const Model& model, const Family& family, GgufWriter& into)
      : model_(model), spec_(model.spec), family_(family), parts_(family, model.spec, into), into_(into) {}

  Result<void> run() {
    numbers();
    CONTINUO_TRY_VOID(rope_factors());
    around_layers();
    for (std::size_t i = 0; i < spec_.layers.size(); ++i) layer({i}, spec_.layers[i], model_.weights.layers[i]);
    if (parts_.nameless().empty()) return {};
    return model_error(model_.name, fmt::format("a {} with {} cannot be written as GGUF, which has no name for it",
                                                spec_.family, parts_.nameless()));
  }

 private:
  void numbers() {
    into_.add("general.architecture", family_.gguf.architecture);
    into_.add("general.name", std::string_view(model_.name).substr(model_.name.rfind('/') + 1));
    GgufNumbers numbers = gguf_numbers(spec_);
    if (family_.gguf.write) family_.gguf.write(spec_, numbers);
    numbers.write(family_.gguf.architecture, into_);
  }

  // Scalings that these files have as a number for each pair.
  Result<void> rope_factors() {
    const auto factors = [&](const char* name, const std::vector<float>& values) { add_vector(name, values); };
    for (const LayerSpec& layer : spec_.layers) {
      const AttentionSpec* const attention = attention_in(layer.mixer);
      if (!attention || !attention->rope) continue;
      const RopeScaling& scaling = attention->rope->scaling;
      if (std::holds_alternative<RopeDynamic>(scaling)) {
        return model_error(model_.name, "rotary positions that are scaled as the text grows have no place in GGUF");
      }
      if (const auto* llama3 = std::get_if<RopeLlama3>(&scaling)) {
        factors("rope_freqs.weight", llama3_factors(*attention->rope, *llama3));
      } else if (const auto* both = std::get_if<RopeFactors>(&scaling)) {
        factors("rope_factors_long.weight", both->long_factors);
        factors("rope_factors_short.weight", both->short_factors);
      } else if (const auto* part = std::get_if<RopeProportional>(&scaling)) {
        std::vector<float> all(size(attention->rope->rotary_dim / 2), kNeverTurns);
        std::fill_n(all.begin(), part->turned_pairs, static_cast<float>(part->factor));
        factors("rope_freqs.weight", all);
      } else {
        continue;
      }
      return {};
    }
    return {};
  }

  void around_layers() {
    const Weights& weights = model_.weights;
    matrix(Role::embedding, scaled_by(rows_of(weights.embedding), spec_.embedding_scale));
    matrix(Role::token_types, rows_of(weights.token_types));
    matrix(Role::learned_positions, rows_of(weights.learned_positions));
    parts_.norm(Role::embedding_norm, Role::embedding_norm_bias, {}, spec_.embedding_norm, weights.embedding_norm);
    parts_.map(Role::embedding_project_in, Role::embedding_project_in_bias, {}, rows_of(weights.project_in));
    parts_.norm(Role::final_norm, Role::final_norm_bias, {}, spec_.final_norm, weights.final_norm);
    if (spec_.layer_embedding) {
      matrix(Role::layer_embedding, rows_of(weights.layer_embedding));
      parts_.map(Role::layer_embedding_project, {}, rows_of(weights.layer_embedding_project));
      parts_.norm(Role::layer_embedding_norm, Role::layer_embedding_norm, {}, spec_.layer_embedding->norm,
                  weights.layer_embedding_norm);
    }
    parts_.map(Role::output_project_out, {}, rows_of(weights.project_out));
    parts_.map(Role::output_head, Role::output_head_bias, {}, rows_of(weights.output_head));
    MapRows output = scaled_by(rows_of(weights.output), spec_.logit_scale);
    if (spec_.has_output && (!spec_.tied_output || folds_output())) {
      parts_.map(Role::output, Role::output_bias, {}, output);
    } else {
      parts_.values(Role::output_bias, {}, {output.bias.size()}, output.bias);
    }
  }

  // A tied output whose scale is part of it is tied no more.
  bool folds_output() const {
    return family_.gguf.folds_scales && (spec_.embedding_scale != 1 || spec_.logit_scale != 1);
  }
  MapRows scaled_by(MapRows rows, float scale) const {
    if (!family_.gguf.folds_scales || scale == 1 || !rows.row) return rows;
    return scaled(std::move(rows), [scale](std::size_t) { return scale; });
  }

  void layer(const TensorPlace& place, const LayerSpec& spec, const LayerWeights& weights) {
    // A feed-forward part's norm has its only name where the mixer's has two (Falcon).
    parts_.norm(Role::ffn_norm, Role::ffn_norm_bias, place, spec.ffn_norm, weights.ffn_norm);
    parts_.norm(Role::mixer_norm, Role::mixer_norm_bias, place, spec.mixer_norm, weights.mixer_norm);
    export_mixer(parts_, place, spec.mixer, weights.mixer);
    parts_.norm(Role::post_mixer_norm, Role::post_mixer_norm, place, spec.post_mixer_norm, weights.post_mixer_norm);
    export_ffn(parts_, place, spec.ffn, weights.ffn);
    parts_.norm(Role::post_ffn_norm, Role::post_ffn_norm, place, spec.post_ffn_norm, weights.post_ffn_norm);
    if (spec.layer_input) {
      parts_.map(Role::layer_input_gate, place, rows_of(weights.input_gate));
      parts_.map(Role::layer_input_projection, place, rows_of(weights.input_projection));
      parts_.norm(Role::layer_input_norm, Role::layer_input_norm, place, spec.layer_input->norm, weights.input_norm);
    }
    if (spec.output_scale) parts_.values(Role::layer_output_scale, place, {1}, {weights.output_scale});
  }

  void matrix(Role role, MapRows rows) {
    rows.bias.clear();
    parts_.map(role, {}, rows);
  }

  void add_vector(const char* name, const std::vector<float>& values) {
    const auto kept = std::make_shared<const std::vector<float>>(values);
    into_.add({.name = name, .shape = {values.size()}, .format = Format::f32, .row = [kept](std::size_t, float* out) {
                 std::copy(kept->begin(), kept->end(), out);
               }});
  }

  static std::size_t size(int n) { return static_cast<std::size_t>(n); }
  static constexpr float kNeverTurns = 1e30f;  // a divisor

  const Model& model_;
  const ModelSpec& spec_;
  const Family& family_;
  PartExporter parts_;
  GgufWriter& into_;
};

// The family under whose architecture a model is written; null where there is none.
const Family* written_family(const ModelSpec& spec) {
  const Family* const own = find_family(spec.family);
  const std::string_view other = own && own->gguf.written_as ? own->gguf.written_as(spec) : std::string_view();
  if (other.empty()) return own && !own->gguf.architecture.empty() ? own : nullptr;
  for (const Family* family : families()) {
    if (family->gguf.architecture == other && !family->gguf.claims) return family;
  }
  return nullptr;
}

Format of_smaller_blocks(Format format) {
  switch (format) {
    case Format::q4_k:
      return Format::q5_0;
    case Format::q5_k:
      return Format::q5_1;
    case Format::q6_k:
      return Format::q8_0;
    default:
      return format_info(format).block_values > kBlock ? Format::iq4_nl : Format::f16;
  }
}

}  // namespace

Result<void> export_gguf(const Model& model, GgufWriter& into) {
  const Family* const family = written_family(model.spec);
  if (family && model.spec.loop) {
    return model_error(model.name, fmt::format("a {} with loops cannot be written as GGUF", model.spec.family));
  }
  if (family) return Exporter(model, *family, into).run();
  return model_error(model.name, fmt::format("a {} cannot be written as GGUF", model.spec.family),
                     "the format has no name for this kind of model");
}

Format format_for(const GgufOutput& tensor, Format wanted) {
  if (!may_be_quantized(tensor)) return Format::f32;
  Format format = wanted;
  while (tensor.shape.back() % format_info(format).block_values != 0) format = of_smaller_blocks(format);
  return format;
}

}  // namespace continuo
