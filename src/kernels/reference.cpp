#include "kernels/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/reference_math.h"

namespace continuo {

namespace {

using Lanes = std::array<float, 16>;

float reduce16(Lanes s) {
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) s[i] += s[i + half];
  }
  return s[0];
}

// Sixteen partial sums of term(i, partial) over i < n; elements missing from the last group are term's business.
template <class Add>
float sum_in_lanes(std::size_t n, Add&& add) {
  Lanes lanes{};
  for (std::size_t i = 0; i < n; ++i) lanes[i % 16] = add(i, lanes[i % 16]);
  return reduce16(lanes);
}

float dot16(const float* a, const float* b, std::size_t n) {
  return sum_in_lanes(n, [&](std::size_t i, float sum) { return std::fma(a[i], b[i], sum); });
}

template <Format kFormat>
void matmul(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const float* x,
            std::size_t x_stride, std::size_t tokens, float* y, std::size_t y_stride) {
  const FormatInfo& info = format_info(kFormat);
  // A row is unpacked in pieces of whole groups, so that the lanes go on where they stopped.
  constexpr std::size_t kPiece = 256;
  float values[kPiece];
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t t = 0; t < tokens; ++t) {
      Lanes lanes{};
      for (std::size_t start = 0; start < k; start += kPiece) {
        const std::size_t n = std::min(kPiece, k - start);
        info.to_float(w + r * w_stride + stored_bytes(kFormat, start), values, n);
        for (std::size_t i = 0; i < n; ++i) {
          lanes[i % 16] = std::fma(values[i], x[t * x_stride + start + i], lanes[i % 16]);
        }
      }
      y[t * y_stride + r] = reduce16(lanes);
    }
  }
}

template <Format kFormat>
void vector_in_major(const std::byte* w, std::size_t w_stride, std::size_t outputs, std::size_t k, const float* x,
                     float* y, float*) {
  for (std::size_t o = 0; o < outputs; ++o) {
    y[o] = sum_in_lanes(k, [&](std::size_t i, float sum) {
      float value;
      format_info(kFormat).to_float(w + i * w_stride + stored_bytes(kFormat, o), &value, 1);
      return std::fma(value, x[i], sum);
    });
  }
}

void rms_norm(const float* x, const float* weight, float eps, float* out, std::size_t n) {
  const float mean_square = dot16(x, x, n) / static_cast<float>(n);
  const float inverse = 1.0f / std::sqrt(mean_square + eps);
  for (std::size_t i = 0; i < n; ++i) out[i] = x[i] * inverse * weight[i];
}

void layer_norm(const float* x, const float* weight, const float* bias, float eps, float* out, std::size_t n) {
  const float mean = sum_in_lanes(n, [&](std::size_t i, float sum) { return sum + x[i]; }) / static_cast<float>(n);
  const float variance = sum_in_lanes(n, [&](std::size_t i, float sum) {
                           return std::fma(x[i] - mean, x[i] - mean, sum);
                         }) / static_cast<float>(n);
  const float inverse = 1.0f / std::sqrt(variance + eps);
  for (std::size_t i = 0; i < n; ++i) {
    const float normal = (x[i] - mean) * inverse;
    out[i] = bias ? std::fma(normal, weight[i], bias[i]) : normal * weight[i];
  }
}

template <float (*kFunction)(float)>
void activate(float* x, const float* up, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    const float y = kFunction(x[i]);
    x[i] = up ? y * up[i] : y;
  }
}

void soft_cap(float* x, float cap, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] = math::soft_cap(x[i], cap);
}

void turn(float& x, float& y, float cos, float sin) {
  const float a = x, b = y;
  x = std::fma(a, cos, -(b * sin));
  y = std::fma(b, cos, a * sin);
}

void rope(float* x, const float* cos, const float* sin, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) turn(x[i], x[i + n], cos[i], sin[i]);
}

void rope_interleaved(float* x, const float* cos, const float* sin, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) turn(x[2 * i], x[2 * i + 1], cos[i], sin[i]);
}

// The score of key j of a page, before the softmax.
float score_of(const AttentionArgs& args, const AttentionQuery& one, std::size_t position, const float* keys,
               std::size_t j) {
  const float* block = keys + j / kKeyBlock * kKeyBlock * args.head_dim;
  float score = 0;
  for (std::size_t d = 0; d < args.head_dim; ++d) {
    score = std::fma(one.query[d], block[d * kKeyBlock + j % kKeyBlock], score);
  }
  score *= args.scale;
  if (args.score_cap > 0) score = math::soft_cap(score, args.score_cap);
  return one.bias ? score + one.bias[position] : score;
}

void attend(const AttentionArgs& args, const AttentionQuery& one) {
  const std::size_t head_dim = args.head_dim;
  const std::size_t value_stride = round_up(head_dim, kValuePad);
  float largest = -std::numeric_limits<float>::infinity();
  float total = 0;
  std::fill_n(one.out, head_dim, 0.0f);
  for (std::size_t start = one.first / kPageKeys * kPageKeys; start < one.visible; start += kPageKeys) {
    const float* const keys = args.pages[start / kPageKeys] + args.head_offset;
    const float* const values = keys + kPageKeys * head_dim;
    const std::size_t from = one.first > start ? one.first - start : 0;
    const std::size_t to = std::min(kPageKeys, one.visible - start);
    float p[kSoftmaxBlock];
    float block_largest = largest;
    for (std::size_t j = from; j < to; ++j) {
      p[j] = score_of(args, one, start + j, keys, j);
      block_largest = std::max(block_largest, p[j]);
    }
    const float shrink = math::exp(largest - block_largest);
    largest = block_largest;
    Lanes lanes{};
    for (std::size_t j = from; j < to; ++j) lanes[j % 16] += p[j] = math::exp(p[j] - largest);
    total = std::fma(total, shrink, reduce16(lanes));
    for (std::size_t d = 0; d < head_dim; ++d) {
      float sum = one.out[d] * shrink;
      for (std::size_t j = from; j < to; ++j) sum = std::fma(p[j], values[j * value_stride + d], sum);
      one.out[d] = sum;
    }
  }
  const float inverse = 1.0f / total;
  for (std::size_t d = 0; d < head_dim; ++d) one.out[d] *= inverse;
}

void attention(const AttentionArgs& args) {
  for (const AttentionQuery& one : args.queries) attend(args, one);
}

}  // namespace

const KernelTable kReferenceKernels = {
    .name = "reference",
    .fused = true,
    .matmul = {matmul<Format::f32>, matmul<Format::f16>, matmul<Format::bf16>},
    .vector_in_major = {vector_in_major<Format::f32>, vector_in_major<Format::f16>, vector_in_major<Format::bf16>},
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .silu = activate<math::silu>,
    .gelu_tanh = activate<math::gelu_tanh>,
    .gelu_erf = activate<math::gelu_erf>,
    .gelu_quick = activate<math::gelu_quick>,
    .relu = activate<math::relu>,
    .relu_squared = activate<math::relu_squared>,
    .soft_cap = soft_cap,
    .rope = rope,
    .rope_interleaved = rope_interleaved,
    .attention = attention,
};

}  // namespace continuo
