#include "layers/norm.h"

namespace continuo {

namespace {

void normalize_row(const KernelTable& kernels, const RmsNormSpec& spec, const NormWeights& w, const float* x,
                   std::size_t n, float* out) {
  kernels.rms_norm(x, w.weight.data(), spec.eps, out, n);
}

void normalize_row(const KernelTable& kernels, const LayerNormSpec& spec, const NormWeights& w, const float* x,
                   std::size_t n, float* out) {
  kernels.layer_norm(x, w.weight.data(), w.bias.empty() ? nullptr : w.bias.data(), spec.eps, out, n);
}

}  // namespace

void normalize(Step& step, const NormSpec& spec, const NormWeights& weights, Rows x, std::size_t rows, std::size_t n,
               Rows out) {
  std::visit(
      [&](const auto& kind) {
        share(step, rows, rows * n, [&](std::size_t row, int) {
          normalize_row(step.kernels, kind, weights, x[row], n, out[row]);
        });
      },
      spec);
}

}  // namespace continuo
