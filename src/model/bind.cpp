#include "model/bind.h"

#include <array>

#include "base/check.h"
#include "model/tensor_finder.h"

namespace continuo {

namespace {

struct Size {
  std::size_t rows, cols;
};

std::size_t size(int n) { return static_cast<std::size_t>(n); }

// `count` outputs of `whole`, from output `first`: the same bytes, seen through a window.
Matrix outputs_of(const Matrix& whole, std::size_t first, std::size_t count) {
  Matrix part = whole;
  part.rows = count;
  part.data += stored_bytes(whole.format, whole.layout == Layout::out_major ? first * whole.stride : first);
  return part;
}

Linear outputs_of(const Linear& whole, std::size_t first, std::size_t count) {
  Linear part{outputs_of(whole.weight, first, count), {}};
  if (!whole.bias.empty()) {
    const auto begin = whole.bias.begin() + static_cast<std::ptrdiff_t>(first);
    part.bias.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return part;
}

// A norm of the network: the roles of its weight and bias, and where it stands. Some have no role for a bias.
struct NormPlace {
  Role weight;
  std::optional<Role> bias;
  TensorPlace place;
};

class Binder {
 public:
  Binder(const TensorNames& names, const ModelSpec& spec, const Checkpoint& checkpoint)
      : spec_(spec),
        finder_(names, checkpoint),
        d_model_(size(spec.d_model)),
        vocab_size_(size(spec.vocab_size)) {}

  Result<BoundWeights> run() {
    CONTINUO_TRY_VOID(embedding());
    for (std::size_t i = 0; i < spec_.layers.size(); ++i) {
      CONTINUO_TRY(LayerWeights bound, layer(i, spec_.layers[i]));
      weights_.layers.push_back(std::move(bound));
    }
    CONTINUO_TRY(weights_.final_norm,
                 norm({Role::final_norm, Role::final_norm_bias, {}}, spec_.final_norm, {d_model_}));
    CONTINUO_TRY_VOID(output());
    CONTINUO_TRY_VOID(finder_.nothing_is_left(spec_.family));
    return BoundWeights{std::move(weights_), finder_.take_uses(), finder_.bytes()};
  }

 private:
  std::size_t embedding_width() const { return spec_.d_embedding > 0 ? size(spec_.d_embedding) : d_model_; }

  Result<void> embedding() {
    const std::size_t width = embedding_width();
    CONTINUO_TRY(weights_.embedding, finder_.matrix(Role::embedding, {}, vocab_size_, width));
    if (width != d_model_) {
      CONTINUO_TRY(weights_.widen.weight, finder_.matrix(Role::embedding_widen, {}, d_model_, width));
    }
    if (const auto* learned = std::get_if<LearnedPositions>(&spec_.positions)) {
      const std::size_t rows = size(learned->count) + size(learned->offset);
      CONTINUO_TRY(weights_.learned_positions, finder_.matrix(Role::learned_positions, {}, rows, d_model_));
    }
    CONTINUO_TRY(weights_.embedding_norm, norm({Role::embedding_norm, Role::embedding_norm_bias, {}},
                                               spec_.embedding_norm, {d_model_}));
    return {};
  }

  Result<LayerWeights> layer(std::size_t i, const LayerSpec& spec) {
    const TensorPlace place{i};
    LayerWeights into;
    CONTINUO_TRY(into.mixer_norm,
                 norm({Role::mixer_norm, Role::mixer_norm_bias, place}, spec.mixer_norm, {d_model_}));
    CONTINUO_TRY(into.mixer, std::visit([&](const auto& mixer) { return bound(place, mixer); }, spec.mixer));
    CONTINUO_TRY(into.mixer_out_norm,
                 norm({Role::mixer_out_norm, {}, place}, spec.mixer_out_norm, {d_model_}));
    CONTINUO_TRY(into.feed_norm,
                 norm({Role::feed_norm, Role::feed_norm_bias, place}, spec.feed_norm, {d_model_}));
    CONTINUO_TRY(into.feed, std::visit([&](const auto& feed) { return bound(place, feed); }, spec.feed));
    CONTINUO_TRY(into.feed_out_norm, norm({Role::feed_out_norm, {}, place}, spec.feed_out_norm, {d_model_}));
    return into;
  }

  // ---- mixers ----

  Result<MixerWeights> bound(const TensorPlace& place, const AttentionSpec& spec) {
    const std::size_t q_rows = size(spec.n_heads) * size(spec.head_dim);
    const std::size_t kv_rows = size(spec.n_kv_heads) * size(spec.head_dim);
    AttentionWeights into;
    if (spec.grouped_qkv || fused(Role::attention_qkv, Role::attention_q, place)) {
      CONTINUO_TRY(Linear all, linear(Role::attention_qkv, Role::attention_qkv_bias, place, spec.qkv_bias,
                                      {q_rows + 2 * kv_rows, d_model_}));
      if (spec.grouped_qkv) {
        into.qkv = std::move(all);
      } else {
        into.q = outputs_of(all, 0, q_rows);
        into.k = outputs_of(all, q_rows, kv_rows);
        into.v = outputs_of(all, q_rows + kv_rows, kv_rows);
      }
    } else {
      const auto part = [&](Role weight, Role bias, std::size_t rows) {
        return linear(weight, bias, place, spec.qkv_bias, {rows, d_model_});
      };
      CONTINUO_TRY(into.q, part(Role::attention_q, Role::attention_q_bias, q_rows));
      CONTINUO_TRY(into.k, part(Role::attention_k, Role::attention_k_bias, kv_rows));
      CONTINUO_TRY(into.v, part(Role::attention_v, Role::attention_v_bias, kv_rows));
    }
    if (spec.qk_norm) {
      const NormPlace q{Role::attention_q_norm, Role::attention_q_norm_bias, place};
      const NormPlace k{Role::attention_k_norm, Role::attention_k_norm_bias, place};
      CONTINUO_TRY(into.q_norm, head_norm(q, *spec.qk_norm, size(spec.n_heads), size(spec.head_dim)));
      CONTINUO_TRY(into.k_norm, head_norm(k, *spec.qk_norm, size(spec.n_kv_heads), size(spec.head_dim)));
    }
    CONTINUO_TRY(into.out, linear(Role::attention_out, Role::attention_out_bias, place, spec.out_bias,
                                  {d_model_, q_rows}));
    return MixerWeights{std::move(into)};
  }

  // The norm of the queries or the keys of `n` heads.
  Result<NormWeights> head_norm(const NormPlace& at, const QkNormSpec& spec, std::size_t n,
                                std::size_t head_dim) {
    switch (spec.span) {
      case QkNormSpec::Span::head:
        return norm(at, spec.norm, {head_dim});
      case QkNormSpec::Span::all_heads:
        return norm(at, spec.norm, {n * head_dim});
      case QkNormSpec::Span::own_head:
        break;
    }
    if (!finder_.one_a_part(at.weight, at.place)) return norm(at, spec.norm, {n, head_dim});
    NormWeights all;
    for (std::size_t head = 0; head < n; ++head) {
      NormPlace of_head = at;
      of_head.place.part = head;
      CONTINUO_TRY(const NormWeights own, norm(of_head, spec.norm, {head_dim}));
      all.weight.insert(all.weight.end(), own.weight.begin(), own.weight.end());
      all.bias.insert(all.bias.end(), own.bias.begin(), own.bias.end());
    }
    return all;
  }

  // ---- feed-forward ----

  Result<FeedWeights> bound(const TensorPlace& place, const FeedForwardSpec& spec) {
    const std::size_t d_ff = size(spec.d_ff);
    FeedForwardWeights into;
    if (spec.gated && fused(Role::feed_gate_up, Role::feed_gate, place)) {
      CONTINUO_CHECK(!spec.bias, "there is no role for the bias of gate and up in one");
      CONTINUO_TRY(const Matrix both, finder_.matrix(Role::feed_gate_up, place, 2 * d_ff, d_model_));
      into.gate.weight = outputs_of(both, 0, d_ff);
      into.up.weight = outputs_of(both, d_ff, d_ff);
    } else {
      if (spec.gated) {
        CONTINUO_TRY(into.gate,
                     linear(Role::feed_gate, Role::feed_gate_bias, place, spec.bias, {d_ff, d_model_}));
      }
      CONTINUO_TRY(into.up, linear(Role::feed_up, Role::feed_up_bias, place, spec.bias, {d_ff, d_model_}));
    }
    CONTINUO_TRY(into.down,
                 linear(Role::feed_down, Role::feed_down_bias, place, spec.bias, {d_model_, d_ff}));
    return FeedWeights{std::move(into)};
  }

  Result<FeedWeights> bound(const TensorPlace& place, const ExpertsSpec& spec) {
    CONTINUO_CHECK(!spec.expert.bias && spec.expert.gated, "there are no roles for such experts");
    const std::size_t n = size(spec.n_experts), d_ff = size(spec.expert.d_ff);
    ExpertsWeights into;
    CONTINUO_TRY(into.router.weight, finder_.matrix(Role::router, place, n, d_model_));
    into.experts.resize(n);
    if (fused(Role::expert_gate_up, Role::expert_gate, place)) {
      CONTINUO_TRY(const std::vector<Matrix> both,
                   experts(Role::expert_gate_up, place, n, {2 * d_ff, d_model_}));
      for (std::size_t e = 0; e < n; ++e) {
        into.experts[e].gate.weight = outputs_of(both[e], 0, d_ff);
        into.experts[e].up.weight = outputs_of(both[e], d_ff, d_ff);
      }
    } else {
      CONTINUO_TRY(const std::vector<Matrix> gates, experts(Role::expert_gate, place, n, {d_ff, d_model_}));
      CONTINUO_TRY(const std::vector<Matrix> ups, experts(Role::expert_up, place, n, {d_ff, d_model_}));
      for (std::size_t e = 0; e < n; ++e) {
        into.experts[e].gate.weight = gates[e];
        into.experts[e].up.weight = ups[e];
      }
    }
    CONTINUO_TRY(const std::vector<Matrix> downs, experts(Role::expert_down, place, n, {d_model_, d_ff}));
    for (std::size_t e = 0; e < n; ++e)
      into.experts[e].down.weight = downs[e];
    if (spec.shared) {
      CONTINUO_TRY(into.shared, shared_expert(place, *spec.shared));
    }
    if (spec.shared_gate) {
      CONTINUO_TRY(into.shared_gate.weight, finder_.matrix(Role::shared_router, place, 1, d_model_));
    }
    return FeedWeights{std::move(into)};
  }

  Result<std::vector<Matrix>> experts(Role role, const TensorPlace& place, std::size_t n, Size each) {
    if (!finder_.one_a_part(role, place)) return finder_.stack(role, place, n, each.rows, each.cols);
    std::vector<Matrix> all;
    for (std::size_t e = 0; e < n; ++e) {
      CONTINUO_TRY(const Matrix one, finder_.matrix(role, {place.layer, e}, each.rows, each.cols));
      all.push_back(one);
    }
    return all;
  }

  Result<FeedForwardWeights> shared_expert(const TensorPlace& place, const FeedForwardSpec& spec) {
    CONTINUO_CHECK(!spec.bias && spec.gated, "there are no roles for such a shared expert");
    const std::size_t d_ff = size(spec.d_ff);
    FeedForwardWeights into;
    CONTINUO_TRY(into.gate.weight, finder_.matrix(Role::shared_gate, place, d_ff, d_model_));
    CONTINUO_TRY(into.up.weight, finder_.matrix(Role::shared_up, place, d_ff, d_model_));
    CONTINUO_TRY(into.down.weight, finder_.matrix(Role::shared_down, place, d_model_, d_ff));
    return into;
  }

  // ---- output ----

  Result<void> output() {
    const std::size_t width = embedding_width();
    if (width != d_model_) {
      CONTINUO_TRY(weights_.narrow.weight, finder_.matrix(Role::output_narrow, {}, width, d_model_));
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
    if (!spec_.output_bias) return {};
    CONTINUO_TRY(into.bias, finder_.values(Role::output_bias, {}, std::array{vocab_size_}));
    return {};
  }

  // ---- parts ----

  // Whether the file has the roles in one tensor: the names know it so, and not apart, or that is what is
  // stored.
  bool fused(Role together, Role apart, const TensorPlace& place) const {
    return finder_.named(together) && (!finder_.named(apart) || finder_.stored(together, place));
  }

  Result<Linear> linear(Role weight, Role bias, const TensorPlace& place, bool has_bias, Size size) {
    Linear into;
    CONTINUO_TRY(into.weight, finder_.matrix(weight, place, size.rows, size.cols));
    if (has_bias) {
      CONTINUO_TRY(into.bias, finder_.values(bias, place, std::array{size.rows}));
    }
    return into;
  }

  Result<NormWeights> norm(const NormPlace& at, const std::optional<NormSpec>& spec,
                           std::initializer_list<std::size_t> shape) {
    if (!spec) return NormWeights{};
    const std::span<const std::size_t> extents(shape.begin(), shape.size());
    return std::visit([&](const auto& kind) { return norm_of(at, kind, extents); }, *spec);
  }

  Result<NormWeights> norm_of(const NormPlace& at, const RmsNormSpec& spec,
                              std::span<const std::size_t> shape) {
    NormWeights into;
    CONTINUO_TRY(into.weight, norm_weight(at, spec.weight, shape));
    if (spec.unit_offset) {
      for (float& weight : into.weight)
        weight += 1;
    }
    return into;
  }

  Result<NormWeights> norm_of(const NormPlace& at, const LayerNormSpec& spec,
                              std::span<const std::size_t> shape) {
    NormWeights into;
    CONTINUO_TRY(into.weight, norm_weight(at, spec.weight, shape));
    if (!spec.bias) return into;
    CONTINUO_CHECK(at.bias, "there is no role for this norm's bias");
    CONTINUO_TRY(into.bias, finder_.values(*at.bias, at.place, shape));
    return into;
  }

  Result<std::vector<float>> norm_weight(const NormPlace& at, bool stored,
                                         std::span<const std::size_t> shape) {
    if (stored) return finder_.values(at.weight, at.place, shape);
    CONTINUO_CHECK(shape.size() == 1, "a norm without weights of its own is a row");
    return std::vector<float>(shape.front(), 1);
  }

  const ModelSpec& spec_;
  TensorFinder finder_;
  std::size_t d_model_, vocab_size_;
  Weights weights_;
};

}  // namespace

Result<BoundWeights> bind_weights(const TensorNames& names, const ModelSpec& spec,
                                  const Checkpoint& checkpoint) {
  return Binder(names, spec, checkpoint).run();
}

}  // namespace continuo
