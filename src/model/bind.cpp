#include "model/bind.h"

#include <array>
#include <cmath>

#include "base/check.h"
#include "io/checkpoint.h"
#include "model/bind_parts.h"
#include "model/exit_rule.h"
#include "model/tensor_finder.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

class Binder {
 public:
  Binder(const TensorNames& names, const ModelSpec& spec, const Checkpoint& checkpoint, const TextPart& text)
      : spec_(spec),
        names_(names),
        checkpoint_(checkpoint),
        finder_(names, checkpoint, text.outer, text.others),
        d_model_(size(spec.d_model)),
        vocab_size_(size(spec.vocab_size)),
        parts_(finder_, d_model_) {}

  Result<BoundWeights> run() {
    CONTINUO_TRY_VOID(embedding());
    for (std::size_t i = 0; i < spec_.layers.size(); ++i) {
      CONTINUO_TRY(LayerWeights bound, layer(i, spec_.layers[i]));
      weights_.layers.push_back(std::move(bound));
    }
    CONTINUO_TRY(weights_.final_norm,
                 norm({Role::final_norm, Role::final_norm_bias, {}}, spec_.final_norm, {d_model_}));
    if (spec_.loop) {
      if (const auto good = check_loops(spec_, 0, {}); !good)
        return model_error(checkpoint_.config_file, good.error().message());
      CONTINUO_TRY_VOID(loop(*spec_.loop));
    }
    CONTINUO_TRY_VOID(output());
    CONTINUO_TRY_VOID(finder_.check_no_leftovers(spec_.family));
    weights_.made = parts_.take_made();
    return BoundWeights{std::move(weights_), finder_.take_uses(), finder_.bytes(), finder_.left_out()};
  }

 private:
  std::size_t embedding_width() const { return spec_.d_embedding > 0 ? size(spec_.d_embedding) : d_model_; }

  Result<void> embedding() {
    const std::size_t width = embedding_width();
    CONTINUO_TRY(weights_.embedding, finder_.matrix(Role::embedding, {}, vocab_size_, width));
    if (width != d_model_) {
      CONTINUO_TRY(weights_.project_in, parts_.linear(Role::embedding_project_in, Role::embedding_project_in_bias, {},
                                                      spec_.project_in_bias, {d_model_, width}));
    }
    const std::size_t summed = spec_.sums_before_norm ? width : d_model_;
    if (spec_.n_token_types > 0) {
      CONTINUO_TRY(weights_.token_types, finder_.matrix(Role::token_types, {}, size(spec_.n_token_types), summed));
    }
    if (const auto* learned = std::get_if<LearnedPositions>(&spec_.positions)) {
      const std::size_t rows = size(learned->count) + size(learned->offset);
      CONTINUO_TRY(weights_.learned_positions, finder_.matrix(Role::learned_positions, {}, rows, summed));
    }
    CONTINUO_TRY(weights_.embedding_norm,
                 norm({Role::embedding_norm, Role::embedding_norm_bias, {}}, spec_.embedding_norm, {summed}));
    return spec_.layer_embedding ? layer_embedding(*spec_.layer_embedding) : Result<void>{};
  }

  Result<void> layer_embedding(const LayerEmbeddingSpec& spec) {
    const std::size_t width = size(spec.width), all = width * spec_.layers.size();
    CONTINUO_TRY(weights_.layer_embedding, finder_.matrix(Role::layer_embedding, {}, size(spec.vocab_size), all));
    CONTINUO_TRY(weights_.layer_embedding_project, parts_.linear(Role::layer_embedding_project, {}, {all, d_model_}));
    CONTINUO_TRY(weights_.layer_embedding_norm, norm({Role::layer_embedding_norm, {}, {}}, spec.norm, {width}));
    return {};
  }

  Result<LayerWeights> layer(std::size_t i, const LayerSpec& spec) {
    const TensorPlace place = place_of(i);
    LayerWeights into;
    CONTINUO_TRY(into.mixer_norm, norm({Role::mixer_norm, Role::mixer_norm_bias, place}, spec.mixer_norm, {d_model_}));
    CONTINUO_TRY(into.mixer, bind_mixer(parts_, place, spec.mixer));
    CONTINUO_TRY(into.post_mixer_norm, norm({Role::post_mixer_norm, {}, place}, spec.post_mixer_norm, {d_model_}));
    CONTINUO_TRY(into.ffn_norm, norm({Role::ffn_norm, Role::ffn_norm_bias, place}, spec.ffn_norm, {d_model_}));
    CONTINUO_TRY(into.ffn, bind_ffn(parts_, place, spec.ffn));
    CONTINUO_TRY(into.post_ffn_norm, norm({Role::post_ffn_norm, {}, place}, spec.post_ffn_norm, {d_model_}));
    if (spec.layer_input) {
      const std::size_t width = size(spec.layer_input->width);
      CONTINUO_TRY(into.input_gate, parts_.linear(Role::layer_input_gate, place, {width, d_model_}));
      CONTINUO_TRY(into.input_projection, parts_.linear(Role::layer_input_projection, place, {d_model_, width}));
      CONTINUO_TRY(into.input_norm, norm({Role::layer_input_norm, {}, place}, spec.layer_input->norm, {d_model_}));
    }
    if (spec.order == LayerSpec::Order::toward) {
      CONTINUO_TRY(into.mixer_rate, parts_.values(Role::mixer_rate, place, {d_model_}));
      CONTINUO_TRY(into.ffn_rate, parts_.values(Role::ffn_rate, place, {d_model_}));
      for (std::vector<float>* rates : {&into.mixer_rate, &into.ffn_rate}) {
        for (float& rate : *rates) rate = std::fabs(rate * spec.rate_scale);
      }
    }
    if (spec.output_scale) {
      CONTINUO_TRY(const std::vector<float> scale, parts_.values(Role::layer_output_scale, place, {1}));
      into.output_scale = scale.front();
    }
    return into;
  }

  // A layer's number in the stack that it is in.
  TensorPlace place_of(std::size_t layer) const {
    std::size_t first = 0;
    for (std::size_t stack = 0; stack < spec_.stacks.size(); ++stack) {
      if (layer - first < spec_.stacks[stack]) return {layer, 0, names_.stacks[stack], layer - first};
      first += spec_.stacks[stack];
    }
    return {layer};
  }

  // ---- loops ----

  Result<void> loop(const LoopSpec& spec) {
    if (spec.joins_by_map()) {
      CONTINUO_TRY(weights_.loop_map,
                   parts_.linear(Role::loop_map, Role::loop_map_bias, {}, spec.map_bias, {d_model_, 2 * d_model_}));
    }
    if (spec.learned_start) {
      CONTINUO_TRY(weights_.loop_start, parts_.values(Role::loop_start, {}, {d_model_}));
    }
    if (spec.gate) {
      CONTINUO_TRY(weights_.exit_gate, parts_.linear(Role::exit_gate, Role::exit_gate_bias, {}, true, {1, d_model_}));
    }
    return {};
  }

  // ---- output ----

  Result<void> output() {
    const std::size_t width = embedding_width();
    if (!spec_.has_output) return {};
    if (width != d_model_ && !spec_.output_head) {
      CONTINUO_TRY(weights_.project_out.weight, finder_.matrix(Role::output_project_out, {}, width, d_model_));
    }
    if (spec_.output_head) {
      CONTINUO_TRY(weights_.output_head, parts_.linear(Role::output_head, Role::output_head_bias, {},
                                                       spec_.output_head->bias, {width, d_model_}));
      CONTINUO_TRY(weights_.output_head_norm,
                   norm({Role::output_head_norm, Role::output_head_norm_bias, {}}, spec_.output_head->norm, {width}));
    }
    Linear& into = weights_.output;
    if (spec_.tied_output) {
      into.weight = weights_.embedding;
      CONTINUO_TRY_VOID(finder_.tied_output(weights_.embedding));
    } else {
      auto matrix = finder_.matrix(Role::output, {}, vocab_size_, width);
      if (!matrix) {
        Error error = std::move(matrix).error();
        if (!finder_.stored(Role::output, {}))
          error.hint = "if the output is the embedding, config.json should say \"tie_word_embeddings\": true";
        return error;
      }
      into.weight = *matrix;
    }
    if (spec_.output_scales) {
      CONTINUO_TRY(weights_.output_scales, parts_.values(Role::output_scales, {}, {vocab_size_}));
      for (float& scale : weights_.output_scales) scale *= spec_.logit_scale;
    }
    if (!spec_.output_bias) return {};
    CONTINUO_TRY(into.bias, finder_.values(Role::output_bias, {}, std::array{vocab_size_}));
    return {};
  }

  Result<NormWeights> norm(const NormRoles& roles, const std::optional<NormSpec>& spec,
                           std::initializer_list<std::size_t> shape) {
    return parts_.norm(roles, spec, shape);
  }

  const ModelSpec& spec_;
  const TensorNames& names_;
  const Checkpoint& checkpoint_;
  TensorFinder finder_;
  std::size_t d_model_, vocab_size_;
  PartBinder parts_;
  Weights weights_;
};

}  // namespace

Result<BoundWeights> bind_weights(const TensorNames& names, const ModelSpec& spec, const Checkpoint& checkpoint,
                                  const TextPart& text) {
  return Binder(names, spec, checkpoint, text).run();
}

}  // namespace continuo
