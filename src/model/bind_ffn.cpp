// Feed-forward networks and experts.
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "model/bind_parts.h"

namespace continuo {

namespace {

std::size_t size(int n) { return static_cast<std::size_t>(n); }

Result<std::vector<Matrix>> experts(PartBinder& binder, Role role, const TensorPlace& place, std::size_t n,
                                    MapSize each) {
  if (!binder.finder().stored_per_part(role, place)) return binder.finder().stack(role, place, n, each.rows, each.cols);
  std::vector<Matrix> all;
  for (std::size_t e = 0; e < n; ++e) {
    CONTINUO_TRY(const Matrix one, binder.finder().matrix(role, {place.layer, e}, each.rows, each.cols));
    all.push_back(one);
  }
  return all;
}

// As many biases as maps, outermost; none where the spec has none.
Result<std::vector<float>> biases(PartBinder& binder, Role role, const TensorPlace& place, bool stored, MapSize shape) {
  if (!stored) return std::vector<float>();
  return binder.finder().values(role, place, std::array{shape.rows, shape.cols});
}

// Every second of `n` values from `first` on; nothing of nothing.
std::vector<float> every_second(const std::vector<float>& values, std::size_t first, std::size_t n) {
  std::vector<float> out;
  for (std::size_t i = 0; i < n && !values.empty(); ++i) out.push_back(values[first + 2 * i]);
  return out;
}

std::vector<float> part_of(const std::vector<float>& values, std::size_t first, std::size_t n) {
  if (values.empty()) return {};
  return {values.begin() + static_cast<std::ptrdiff_t>(first), values.begin() + static_cast<std::ptrdiff_t>(first + n)};
}

// Every second output of a matrix, from `first` on, row by row. Plain formats.
Matrix every_second_output(PartBinder& binder, const Matrix& both, std::size_t first) {
  const std::size_t bytes = format_info(both.format).block_bytes, rows = both.rows / 2;
  std::byte* const to = binder.make(rows * both.cols * bytes);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < both.cols; ++c) {
      const std::size_t at =
          both.layout == Layout::row_major ? (first + 2 * r) * both.stride + c : c * both.stride + first + 2 * r;
      std::memcpy(to + (r * both.cols + c) * bytes, both.data + at * bytes, bytes);
    }
  }
  return {.data = to, .format = both.format, .rows = rows, .cols = both.cols, .stride = both.cols};
}

// Matrices in MXFP4 whose blocks (of 16 bytes, neighbours in one byte) and scales stand in tensors of their own, as one
// matrix a part in blocks as quant/mxfp4.h has them. `step` 2: every second output, from `first` on.
struct Mxfp4Rows {
  std::size_t first = 0, step = 1;
};
Matrix from_mxfp4(PartBinder& binder, const std::byte* blocks, const std::byte* scales, MapSize size, Mxfp4Rows from) {
  constexpr std::size_t kValues = 32, kBytes = 16;
  const std::size_t per_row = size.cols / kValues;
  std::byte* const made = binder.make(size.rows * per_row * (kBytes + 1));
  std::byte* to = made;
  for (std::size_t r = 0; r < size.rows; ++r) {
    const std::size_t row = from.first + from.step * r;
    for (std::size_t b = 0; b < per_row; ++b) {
      const std::byte* const block = blocks + (row * per_row + b) * kBytes;
      *to++ = scales[row * per_row + b];
      // Ours: value i in the low half of byte i, value i + 16 in its high half.
      const auto value = [&](std::size_t i) { return (i % 2 == 0 ? block[i / 2] : block[i / 2] >> 4) & std::byte{15}; };
      for (std::size_t i = 0; i < kBytes; ++i) *to++ = value(i) | (value(i + kBytes) << 4);
    }
  }
  return {.data = made, .format = Format::mxfp4, .rows = size.rows, .cols = size.cols, .stride = size.cols};
}

struct ExpertShape {
  std::size_t n, d_model, d_ff;
};

Result<void> bind_mxfp4_experts(PartBinder& binder, const TensorPlace& place, const ExpertShape& shape,
                                std::vector<FeedForwardWeights>& experts) {
  const auto [n, d_model, d_ff] = shape;
  if (d_model % 32 != 0 || d_ff % 32 != 0) {
    return binder.finder().unreadable(Role::expert_gate_up_blocks, place,
                                      "rows of MXFP4 are whole blocks of 32 values");
  }
  const auto bytes = [&](Role role, std::initializer_list<std::size_t> extents) {
    return binder.finder().bytes_of(role, place, std::span(extents.begin(), extents.size()));
  };
  CONTINUO_TRY(const std::byte* up_blocks, bytes(Role::expert_gate_up_blocks, {n, 2 * d_ff, d_model / 32, 16}));
  CONTINUO_TRY(const std::byte* up_scales, bytes(Role::expert_gate_up_scales, {n, 2 * d_ff, d_model / 32}));
  CONTINUO_TRY(const std::byte* down_blocks, bytes(Role::expert_down_blocks, {n, d_model, d_ff / 32, 16}));
  CONTINUO_TRY(const std::byte* down_scales, bytes(Role::expert_down_scales, {n, d_model, d_ff / 32}));
  const std::size_t per_expert = 2 * d_ff * (d_model / 32), per_down = d_model * (d_ff / 32);
  for (std::size_t e = 0; e < n; ++e) {
    const std::byte* const blocks = up_blocks + e * per_expert * 16;
    const std::byte* const scales = up_scales + e * per_expert;
    experts[e].gate.weight = from_mxfp4(binder, blocks, scales, {d_ff, d_model}, {0, 2});
    experts[e].up.weight = from_mxfp4(binder, blocks, scales, {d_ff, d_model}, {1, 2});
    experts[e].down.weight =
        from_mxfp4(binder, down_blocks + e * per_down * 16, down_scales + e * per_down, {d_model, d_ff}, {});
  }
  return {};
}

// The maps of experts but for biases.
Result<void> bind_expert_maps(PartBinder& binder, const TensorPlace& place, const ExpertsSpec& spec,
                              std::vector<FeedForwardWeights>& into) {
  const std::size_t n = into.size(), d_ff = size(spec.expert.d_ff);
  TensorFinder& finder = binder.finder();
  if (finder.named(Role::expert_gate_up_blocks) && finder.stored(Role::expert_gate_up_blocks, place)) {
    return bind_mxfp4_experts(binder, place, {n, binder.d_model(), d_ff}, into);
  }
  if (binder.fused(Role::expert_gate_up, Role::expert_gate, place)) {
    CONTINUO_TRY(const std::vector<Matrix> both,
                 experts(binder, Role::expert_gate_up, place, n, {2 * d_ff, binder.d_model()}));
    if (spec.interleaved && !format_is_plain(both.front().format)) {
      return finder.unreadable(Role::expert_gate_up, place,
                               "gates and ups that take turns are read from plain formats");
    }
    for (std::size_t e = 0; e < n; ++e) {
      into[e].gate.weight = spec.interleaved ? every_second_output(binder, both[e], 0) : outputs_of(both[e], 0, d_ff);
      into[e].up.weight = spec.interleaved ? every_second_output(binder, both[e], 1) : outputs_of(both[e], d_ff, d_ff);
    }
  } else {
    CONTINUO_TRY(const std::vector<Matrix> gates,
                 experts(binder, Role::expert_gate, place, n, {d_ff, binder.d_model()}));
    CONTINUO_TRY(const std::vector<Matrix> ups, experts(binder, Role::expert_up, place, n, {d_ff, binder.d_model()}));
    for (std::size_t e = 0; e < n; ++e) {
      into[e].gate.weight = gates[e];
      into[e].up.weight = ups[e];
    }
  }
  CONTINUO_TRY(const std::vector<Matrix> downs, experts(binder, Role::expert_down, place, n, {binder.d_model(), d_ff}));
  for (std::size_t e = 0; e < n; ++e) into[e].down.weight = downs[e];
  return {};
}

Result<void> bind_expert_biases(PartBinder& binder, const TensorPlace& place, const ExpertsSpec& spec,
                                std::vector<FeedForwardWeights>& into) {
  const std::size_t n = into.size(), d_ff = size(spec.expert.d_ff), d_model = binder.d_model();
  const bool fused = binder.fused(Role::expert_gate_up_bias, Role::expert_gate_bias, place);
  CONTINUO_TRY(const auto both, biases(binder, Role::expert_gate_up_bias, place, fused, {n, 2 * d_ff}));
  CONTINUO_TRY(const auto gates, biases(binder, Role::expert_gate_bias, place, !fused, {n, d_ff}));
  CONTINUO_TRY(const auto ups, biases(binder, Role::expert_up_bias, place, !fused, {n, d_ff}));
  CONTINUO_TRY(const auto downs, biases(binder, Role::expert_down_bias, place, true, {n, d_model}));
  for (std::size_t e = 0; e < n; ++e) {
    const std::size_t first = 2 * d_ff * e;
    into[e].gate.bias = !fused             ? part_of(gates, e * d_ff, d_ff)
                        : spec.interleaved ? every_second(both, first, d_ff)
                                           : part_of(both, first, d_ff);
    into[e].up.bias = !fused             ? part_of(ups, e * d_ff, d_ff)
                      : spec.interleaved ? every_second(both, first + 1, d_ff)
                                         : part_of(both, first + d_ff, d_ff);
    into[e].down.bias = part_of(downs, e * d_model, d_model);
  }
  return {};
}

Result<FeedForwardWeights> shared_expert(PartBinder& binder, const TensorPlace& place, const FeedForwardSpec& spec) {
  CONTINUO_CHECK(!spec.bias && spec.gated, "there are no roles for such a shared expert");
  const std::size_t d_ff = size(spec.d_ff);
  FeedForwardWeights into;
  if (binder.fused(Role::shared_gate_up, Role::shared_gate, place)) {
    CONTINUO_TRY(const Matrix both, binder.finder().matrix(Role::shared_gate_up, place, 2 * d_ff, binder.d_model()));
    into.gate.weight = outputs_of(both, 0, d_ff);
    into.up.weight = outputs_of(both, d_ff, d_ff);
  } else {
    CONTINUO_TRY(into.gate.weight, binder.finder().matrix(Role::shared_gate, place, d_ff, binder.d_model()));
    CONTINUO_TRY(into.up.weight, binder.finder().matrix(Role::shared_up, place, d_ff, binder.d_model()));
  }
  CONTINUO_TRY(into.down.weight, binder.finder().matrix(Role::shared_down, place, binder.d_model(), d_ff));
  return into;
}

// alpha of positive and of negative values, beta and eps as they are computed with: files hold the alphas' inverse
// softplus, that of negative values without beta.
Result<std::vector<float>> xielu_parameters(PartBinder& binder, const TensorPlace& place) {
  const auto one = [&](Role role, float fallback) -> Result<float> {
    if (!binder.finder().stored(role, place)) return fallback;
    CONTINUO_TRY(const std::vector<float> value, binder.values(role, place, {1}));
    return value.front();
  };
  const auto softplus = [](float x) { return x > 20 ? x : std::log1p(std::exp(x)); };
  CONTINUO_TRY(const std::vector<float> positive, binder.values(Role::xielu_alpha_p, place, {1}));
  CONTINUO_TRY(const std::vector<float> negative, binder.values(Role::xielu_alpha_n, place, {1}));
  CONTINUO_TRY(const float beta, one(Role::xielu_beta, 0.5f));
  CONTINUO_TRY(const float eps, one(Role::xielu_eps, -1e-6f));
  return std::vector<float>{softplus(positive.front()), beta + softplus(negative.front()), beta, eps};
}

}  // namespace

Result<FeedForwardWeights> bind_part(PartBinder& binder, const TensorPlace& place, const FeedForwardSpec& spec) {
  const std::size_t d_ff = size(spec.d_ff);
  FeedForwardWeights into;
  if (spec.gated && binder.fused(Role::ffn_gate_up, Role::ffn_gate, place)) {
    CONTINUO_TRY(const Linear both, binder.linear(Role::ffn_gate_up, Role::ffn_gate_up_bias, place, spec.bias,
                                                  {2 * d_ff, binder.d_model()}));
    into.gate = outputs_of(both, 0, d_ff);
    into.up = outputs_of(both, d_ff, d_ff);
  } else {
    if (spec.gated) {
      CONTINUO_TRY(into.gate,
                   binder.linear(Role::ffn_gate, Role::ffn_gate_bias, place, spec.bias, {d_ff, binder.d_model()}));
    }
    CONTINUO_TRY(into.up, binder.linear(Role::ffn_up, Role::ffn_up_bias, place, spec.bias, {d_ff, binder.d_model()}));
  }
  CONTINUO_TRY(into.inner_norm, binder.norm({Role::ffn_inner_norm, {}, place}, spec.inner_norm, {d_ff}));
  CONTINUO_TRY(into.down,
               binder.linear(Role::ffn_down, Role::ffn_down_bias, place, spec.bias, {binder.d_model(), d_ff}));
  if (spec.channel_scales) {
    CONTINUO_TRY(into.gate_scales, binder.values(Role::ffn_gate_scales, place, {d_ff}));
    CONTINUO_TRY(into.up_scales, binder.values(Role::ffn_up_scales, place, {d_ff}));
    for (std::vector<float>* scales : {&into.gate_scales, &into.up_scales}) {
      for (float& scale : *scales) scale *= spec.channel_scale_unit;
    }
  }
  if (spec.activation == Activation::xielu) {
    CONTINUO_TRY(into.xielu, xielu_parameters(binder, place));
  }
  return into;
}

Result<ExpertsWeights> bind_part(PartBinder& binder, const TensorPlace& place, const ExpertsSpec& spec) {
  CONTINUO_CHECK(spec.expert.gated && !spec.expert.inner_norm, "there are no roles for such experts");
  const std::size_t n = size(spec.n_experts);
  ExpertsWeights into;
  CONTINUO_TRY(into.router,
               binder.linear(Role::router, Role::router_map_bias, place, spec.router_bias, {n, binder.d_model()}));
  if (spec.selection_bias) {
    CONTINUO_TRY(into.selection_bias, binder.values(Role::router_bias, place, {n}));
  }
  into.experts.resize(n);
  CONTINUO_TRY_VOID(bind_expert_maps(binder, place, spec, into.experts));
  if (spec.expert.bias) {
    CONTINUO_TRY_VOID(bind_expert_biases(binder, place, spec, into.experts));
  }
  if (spec.shared) {
    CONTINUO_TRY(into.shared, shared_expert(binder, place, *spec.shared));
  }
  if (spec.shared_gate) {
    CONTINUO_TRY(into.shared_gate.weight, binder.finder().matrix(Role::shared_router, place, 1, binder.d_model()));
  }
  return into;
}

}  // namespace continuo
