// A network computed in the most straightforward way, in double precision, one token at a time and over the
// whole text before it: what the fast forward pass is held against.
#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "base/check.h"
#include "layers/rope.h"
#include "model/model.h"

namespace continuo::test {

using Numbers = std::vector<double>;

inline double value_at(const Matrix& m, std::size_t row, std::size_t col) {
  const std::size_t at = m.layout == Layout::row_major ? row * m.stride + col : col * m.stride + row;
  float value;
  format_info(m.format).to_float(m.data + stored_bytes(m.format, at), &value, 1);
  return static_cast<double>(value);
}

inline Numbers multiply(const Linear& map, const Numbers& x) {
  Numbers y(map.weight.rows);
  for (std::size_t r = 0; r < y.size(); ++r) {
    for (std::size_t c = 0; c < x.size(); ++c) y[r] += value_at(map.weight, r, c) * x[c];
    if (!map.bias.empty()) y[r] += double(map.bias[r]);
  }
  return y;
}

// `count` values of x from `first` on, with the weights from `offset` on.
inline void normalize_part(const NormSpec& spec, const NormWeights& w, std::size_t offset, double* x,
                           std::size_t count) {
  double mean = 0, square = 0, eps = 0;
  const bool rms = std::holds_alternative<RmsNormSpec>(spec);
  std::visit([&](const auto& kind) { eps = double(kind.eps); }, spec);
  for (std::size_t i = 0; i < count; ++i) mean += x[i] / double(count);
  if (rms) mean = 0;
  for (std::size_t i = 0; i < count; ++i) square += (x[i] - mean) * (x[i] - mean) / double(count);
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = (x[i] - mean) / std::sqrt(square + eps) * double(w.weight[offset + i]);
    if (!w.bias.empty()) x[i] += double(w.bias[offset + i]);
  }
}

inline Numbers normed(const std::optional<NormSpec>& spec, const NormWeights& w, Numbers x) {
  if (spec) normalize_part(*spec, w, 0, x.data(), x.size());
  return x;
}

inline double activate(Activation kind, double x) {
  switch (kind) {
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::gelu_erf:
      return x * (1 + std::erf(x / std::numbers::sqrt2)) / 2;
    case Activation::gelu_tanh:
      return x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x))) / 2;
    case Activation::gelu_quick:
      return x / (1 + std::exp(-1.702 * x));
    case Activation::relu:
      return std::max(x, 0.0);
    case Activation::relu_squared:
      return std::max(x, 0.0) * std::max(x, 0.0);
    case Activation::xielu:
      FAIL("an activation with parameters of its own");
  }
  return 0;
}

inline Numbers run_feed(const FeedForwardSpec& spec, const FeedForwardWeights& w, const Numbers& x) {
  Numbers hidden = multiply(spec.gated ? w.gate : w.up, x);
  for (double& h : hidden) h = activate(spec.activation, h);
  if (spec.gated) {
    const Numbers up = multiply(w.up, x);
    for (std::size_t i = 0; i < up.size(); ++i) hidden[i] *= up[i];
  }
  return multiply(w.down, hidden);
}

inline Numbers run_feed(const ExpertsSpec& spec, const ExpertsWeights& w, const Numbers& x) {
  Numbers p = multiply(w.router, x);
  const double largest = *std::max_element(p.begin(), p.end());
  double total = 0;
  for (double& value : p) total += value = std::exp(value - largest);
  for (double& value : p) value /= total;
  Numbers sorted = p;
  std::sort(sorted.rbegin(), sorted.rend());
  double chosen = 0;
  for (int i = 0; i < spec.n_active; ++i) chosen += sorted[i];
  Numbers out(x.size());
  for (std::size_t e = 0; e < p.size(); ++e) {
    if (p[e] < sorted[spec.n_active - 1]) continue;
    const Numbers result = run_feed(spec.expert, w.experts[e], x);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += p[e] / (spec.normalize ? chosen : 1) * result[i];
  }
  if (spec.shared) {
    const Numbers result = run_feed(*spec.shared, w.shared, x);
    const double gate = spec.shared_gate ? 1 / (1 + std::exp(-multiply(w.shared_gate, x)[0])) : 1;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] += gate * result[i];
  }
  return out;
}

// One layer's keys and values so far, [position][head * head_dim].
struct Past {
  std::vector<Numbers> keys, values;
};

inline void place_heads(const AttentionSpec& spec, const NormWeights& norm, std::size_t position,
                        std::size_t text_length, Numbers& heads) {
  const std::size_t head_dim = spec.head_dim;
  if (spec.qk_norm && spec.qk_norm->span == QkNormSpec::Span::all_heads) {
    normalize_part(spec.qk_norm->norm, norm, 0, heads.data(), heads.size());
  }
  for (std::size_t first = 0; first < heads.size(); first += head_dim) {
    double* const x = heads.data() + first;
    if (spec.qk_norm && spec.qk_norm->span != QkNormSpec::Span::all_heads) {
      const bool own = spec.qk_norm->span == QkNormSpec::Span::own_head;
      normalize_part(spec.qk_norm->norm, norm, own ? first : 0, x, head_dim);
    }
    if (!spec.rope) continue;
    const RopeFrequencies f = rope_frequencies(*spec.rope, text_length);
    const std::size_t half = f.turn.size();
    for (std::size_t i = 0; i < half; ++i) {
      double& a = x[spec.rope->interleaved ? 2 * i : i];
      double& b = x[spec.rope->interleaved ? 2 * i + 1 : i + half];
      const double angle = (spec.rope->negative_angle ? -1 : 1) * double(position) * double(f.turn[i]);
      const double c = std::cos(angle) * double(f.magnitude), s = std::sin(angle) * double(f.magnitude);
      const double turned = a * c - b * s;
      b = b * c + a * s;
      a = turned;
    }
  }
}

inline double bias_of(const AlibiSpec& alibi, std::size_t head, std::size_t key) {
  float position = static_cast<float>(key), product;
  const auto to_bf16 = [](float x) {
    const int exponent = std::ilogb(x);
    return std::ldexp(std::nearbyint(std::ldexp(x, 7 - exponent)), exponent - 7);
  };
  if (alibi.bf16_products && key > 0) {
    position = to_bf16(position);
    product = to_bf16(alibi.slopes[head] * position);
  } else {
    product = alibi.slopes[head] * position;
  }
  return double(product) * double(alibi.scale);
}

inline Numbers run_mixer(const AttentionSpec& spec, const AttentionWeights& w, Past& past, const Numbers& x,
                         std::size_t text_length) {
  const std::size_t position = past.keys.size(), head_dim = spec.head_dim, group = spec.n_heads / spec.n_kv_heads;
  Numbers q, k, v;
  if (spec.grouped_qkv) {
    const Numbers all = multiply(w.qkv, x);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t in_group = i / head_dim % (group + 2);
      (in_group < group ? q : in_group == group ? k : v).push_back(all[i]);
    }
  } else {
    q = multiply(w.q, x), k = multiply(w.k, x), v = multiply(w.v, x);
  }
  if (spec.qkv_clip > 0) {
    for (Numbers* part : {&q, &k, &v}) {
      for (double& value : *part) value = std::clamp(value, -double(spec.qkv_clip), double(spec.qkv_clip));
    }
  }
  place_heads(spec, w.q_norm, position, text_length, q);
  place_heads(spec, w.k_norm, position, text_length, k);
  past.keys.push_back(k);
  past.values.push_back(v);
  Numbers out(q.size());
  for (std::size_t h = 0; h < std::size_t(spec.n_heads); ++h) {
    Numbers weights(position + 1);
    double total = 0;
    for (std::size_t j = 0; j <= position; ++j) {
      if (spec.window > 0 && position - j >= std::size_t(spec.window)) continue;
      double score = 0;
      for (std::size_t i = 0; i < head_dim; ++i) {
        score += q[h * head_dim + i] * past.keys[j][h / group * head_dim + i];
      }
      score *= double(spec.scale);
      if (spec.attn_logit_softcap > 0)
        score = double(spec.attn_logit_softcap) * std::tanh(score / double(spec.attn_logit_softcap));
      if (spec.alibi) score += bias_of(*spec.alibi, h, j);
      total += weights[j] = std::exp(score);
    }
    for (std::size_t j = 0; j <= position; ++j) {
      for (std::size_t i = 0; i < head_dim; ++i) {
        out[h * head_dim + i] += weights[j] / total * past.values[j][h / group * head_dim + i];
      }
    }
  }
  return multiply(w.out, out);
}

inline void add_to(Numbers& x, double scale, const Numbers& branch) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += scale * branch[i];
}

inline void run_layer(const LayerSpec& spec, const LayerWeights& w, Past& past, std::size_t text_length, Numbers& x) {
  const double s = double(spec.residual_scale);
  const auto mix = [&](const Numbers& in) {
    return normed(
        spec.post_mixer_norm, w.post_mixer_norm,
        run_mixer(std::get<AttentionSpec>(spec.mixer), std::get<AttentionWeights>(w.mixer), past, in, text_length));
  };
  const auto feed = [&](const Numbers& in) {
    Numbers out;
    if (const auto* dense = std::get_if<FeedForwardSpec>(&spec.ffn)) {
      out = run_feed(*dense, std::get<FeedForwardWeights>(w.ffn), in);
    } else {
      out = run_feed(std::get<ExpertsSpec>(spec.ffn), std::get<ExpertsWeights>(w.ffn), in);
    }
    return normed(spec.post_ffn_norm, w.post_ffn_norm, out);
  };
  switch (spec.order) {
    case LayerSpec::Order::sequential:
      add_to(x, s, mix(normed(spec.mixer_norm, w.mixer_norm, x)));
      add_to(x, s, feed(normed(spec.ffn_norm, w.ffn_norm, x)));
      break;
    case LayerSpec::Order::parallel: {
      const Numbers to_mix = normed(spec.mixer_norm, w.mixer_norm, x);
      const Numbers to_feed = spec.ffn_norm ? normed(spec.ffn_norm, w.ffn_norm, x) : to_mix;
      add_to(x, s, mix(to_mix));
      add_to(x, s, feed(to_feed));
      break;
    }
    case LayerSpec::Order::post_norm:
      add_to(x, 1, mix(x));
      x = normed(spec.mixer_norm, w.mixer_norm, x);
      add_to(x, 1, feed(x));
      x = normed(spec.ffn_norm, w.ffn_norm, x);
      break;
    case LayerSpec::Order::norm_of_sum:
    case LayerSpec::Order::toward:
      CONTINUO_CHECK(false, "networks with loops are compared with goldens, not with the textbook");
  }
}

// The logits of every position.
inline std::vector<Numbers> textbook_logits(const Model& model, const std::vector<TokenId>& ids) {
  const ModelSpec& spec = model.spec;
  const Weights& w = model.weights;
  std::vector<Past> pasts(spec.layers.size());
  std::vector<Numbers> logits;
  for (std::size_t position = 0; position < ids.size(); ++position) {
    Numbers x(w.embedding.cols);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = value_at(w.embedding, ids[position], i) * double(spec.embedding_scale);
    }
    if (spec.d_embedding > 0) x = multiply(w.project_in, x);
    x = normed(spec.embedding_norm, w.embedding_norm, x);
    if (const auto* learned = std::get_if<LearnedPositions>(&spec.positions)) {
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += value_at(w.learned_positions, position + learned->offset, i);
    }
    for (std::size_t i = 0; i < spec.layers.size(); ++i)
      run_layer(spec.layers[i], w.layers[i], pasts[i], ids.size(), x);
    x = normed(spec.final_norm, w.final_norm, x);
    if (spec.d_embedding > 0) x = multiply(w.project_out, x);
    Numbers scores = multiply(w.output, x);
    for (double& z : scores) {
      z *= double(spec.logit_scale);
      if (spec.final_logit_softcap > 0)
        z = double(spec.final_logit_softcap) * std::tanh(z / double(spec.final_logit_softcap));
    }
    logits.push_back(std::move(scores));
  }
  return logits;
}

}  // namespace continuo::test
