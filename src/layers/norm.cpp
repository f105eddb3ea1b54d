#include "layers/norm.h"

#include "layers/linear.h"

namespace continuo {

namespace {

struct NormRow {
  const KernelTable& kernels;
  const float* weight;
  const float* bias;  // null if there is none
  std::span<const float> x;
  float* out;

  void operator()(const RmsNormSpec& spec) const { kernels.rms_norm(x.data(), weight, spec.eps, out, x.size()); }
  void operator()(const LayerNormSpec& spec) const {
    kernels.layer_norm(x.data(), weight, bias, spec.eps, out, x.size());
  }
};

}  // namespace

void normalize_row(const KernelTable& kernels, const NormSpec& spec, const NormWeights& weights, std::size_t offset,
                   std::span<const float> x, float* out) {
  const float* bias = weights.bias.empty() ? nullptr : weights.bias.data() + offset;
  std::visit(NormRow{kernels, weights.weight.data() + offset, bias, x, out}, spec);
}

void normalize(Step& step, const NormSpec& spec, const NormWeights& weights, Rows x, std::size_t rows, Rows out) {
  const std::size_t n = weights.weight.size();
  constexpr std::size_t kCost = 4;  // multiply-adds that a number takes as long as
  share_rows(step, rows, kCost * rows * n, [&](std::size_t row, int worker) {
    float* const normal = out.data ? out[row] : step.scratch.results(worker, n);
    normalize_row(step.kernels, spec, weights, 0, {x[row], n}, normal);
    round_values(step, out.rounded, row, 0, {normal, n});
  });
}

}  // namespace continuo
