#include "kernels/reference.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/int8_reference.h"
#include "kernels/reference_math.h"
#include "kernels/reference_scan.h"

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
  // A row is unpacked in pieces of whole groups and whole blocks, so that the lanes go on where they stopped.
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
void unpack(const std::byte* stored, float* values, std::size_t n) {
  format_info(kFormat).to_float(stored, values, n);
}

template <Format kFormat>
void vector_transposed(const std::byte* w, std::size_t w_stride, std::size_t outputs, std::size_t k, const float* x,
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
  const float variance =
      sum_in_lanes(n, [&](std::size_t i, float sum) { return std::fma(x[i] - mean, x[i] - mean, sum); }) /
      static_cast<float>(n);
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

void add(float* x, const float* y, float scale, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) x[i] += scale * y[i];
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

// The score of a key, `at` of a page, before the softmax.
float score_of(const AttentionArgs& args, const AttentionQuery& one, const KvLayout& layout, const std::byte* part,
               std::size_t position) {
  float score = 0;
  for (std::size_t d = 0; d < args.head_dim; ++d) {
    score = std::fma(one.query[d], layout.key(part, position % kPageKeys, d), score);
  }
  score *= args.scale;
  if (args.attn_logit_softcap > 0) score = math::soft_cap(score, args.attn_logit_softcap);
  return one.bias ? score + one.bias[position] : score;
}

// What a query has summed: as attention_sum_floats floats.
struct Sum {
  float* values;
  float &largest, &total;

  Sum(float* floats, std::size_t head_dim)
      : values(floats),
        largest(floats[round_up(head_dim, kValuePad)]),
        total(floats[round_up(head_dim, kValuePad) + 1]) {}

  void clear(std::size_t head_dim) {
    std::fill_n(values, head_dim, 0.0f);
    largest = -std::numeric_limits<float>::infinity();
    total = 0;
  }
};

// Adds the keys [from, to) of one page.
void add_block(const AttentionArgs& args, const AttentionQuery& one, const KvLayout& layout, std::size_t from,
               std::size_t to, Sum& sum) {
  const std::byte* const part = args.pages[from / kPageKeys] + args.head_offset;
  float p[kPageKeys];
  float largest = sum.largest;
  for (std::size_t j = from; j < to; ++j) {
    p[j % kPageKeys] = score_of(args, one, layout, part, j);
    largest = std::max(largest, p[j % kPageKeys]);
  }
  const float shrink = math::exp(sum.largest - largest);
  sum.largest = largest;
  Lanes lanes{};
  for (std::size_t j = from; j < to; ++j) lanes[j % 16] += p[j % kPageKeys] = math::exp(p[j % kPageKeys] - largest);
  sum.total = std::fma(sum.total, shrink, reduce16(lanes));
  for (std::size_t d = 0; d < args.head_dim; ++d) {
    float value = sum.values[d] * shrink;
    for (std::size_t j = from; j < to; ++j) {
      value = std::fma(p[j % kPageKeys], layout.value(part, j % kPageKeys, d), value);
    }
    sum.values[d] = value;
  }
}

void add_span(const AttentionArgs& args, const AttentionQuery& one, const KvLayout& layout, std::size_t span,
              Sum& sum) {
  sum.clear(args.head_dim);
  std::size_t from = std::max(one.first, span * kSpanKeys);
  const std::size_t end = std::min(one.visible, (span + 1) * kSpanKeys);
  while (from < end) {
    const std::size_t to = std::min(end, (from / kPageKeys + 1) * kPageKeys);
    add_block(args, one, layout, from, to, sum);
    from = to;
  }
}

// next: the sum of a later span.
void merge(Sum& into, const float* next, std::size_t head_dim) {
  const float next_largest = next[round_up(head_dim, kValuePad)], next_total = next[round_up(head_dim, kValuePad) + 1];
  if (next_total == 0) return;  // saw no key of its span
  if (into.total == 0) {
    std::copy_n(next, attention_sum_floats(head_dim), into.values);
    return;
  }
  const float largest = std::max(into.largest, next_largest);
  const float old = math::exp(into.largest - largest), added = math::exp(next_largest - largest);
  into.largest = largest;
  into.total = std::fma(into.total, old, next_total * added);
  for (std::size_t d = 0; d < head_dim; ++d) into.values[d] = std::fma(into.values[d], old, next[d] * added);
}

void finish(const Sum& sum, std::size_t head_dim, float* out) {
  const float inverse = 1.0f / sum.total;
  for (std::size_t d = 0; d < head_dim; ++d) out[d] = sum.values[d] * inverse;
}

template <Format kType>
void attention(const AttentionArgs& args) {
  const std::size_t head_dim = args.head_dim;
  Sum all(args.scratch, head_dim), span(args.scratch + attention_sum_floats(head_dim), head_dim);
  for (const AttentionQuery& one : args.queries) {
    all.clear(head_dim);
    for (std::size_t i = one.first / kSpanKeys; i * kSpanKeys < one.visible; ++i) {
      add_span(args, one, {kType, head_dim}, i, span);
      merge(all, span.values, head_dim);
    }
    finish(all, head_dim, one.out);
  }
}

template <Format kType>
void attention_span(const AttentionArgs& args, std::size_t span, float* sums) {
  for (const AttentionQuery& one : args.queries) {
    Sum sum(sums, args.head_dim);
    add_span(args, one, {kType, args.head_dim}, span, sum);
    sums += attention_sum_floats(args.head_dim);
  }
}

void merge_attention(float* sums, std::size_t n, std::size_t stride, std::size_t head_dim, float* out) {
  Sum all(sums, head_dim);
  for (std::size_t i = 1; i < n; ++i) merge(all, sums + i * stride, head_dim);
  finish(all, head_dim, out);
}

std::size_t peak_fma(std::size_t rounds) {
  volatile float factor = 0.5f;
  Lanes sums{};
  for (std::size_t i = 0; i < rounds; ++i) {
    const float a = factor;
    for (float& sum : sums) sum = std::fma(a, a, sum);
  }
  factor = reduce16(sums);
  return rounds * sums.size() * 2;
}

}  // namespace

const KernelTable kReferenceKernels = {
    .name = "reference",
    .fused = true,
    .matmul = {matmul<Format::f32>,     matmul<Format::f16>,    matmul<Format::bf16>,   matmul<Format::q8_0>,
               matmul<Format::q4_0>,    matmul<Format::q4_1>,   matmul<Format::q5_0>,   matmul<Format::q5_1>,
               matmul<Format::q2_k>,    matmul<Format::q3_k>,   matmul<Format::q4_k>,   matmul<Format::q5_k>,
               matmul<Format::q6_k>,    matmul<Format::iq4_nl>, matmul<Format::iq4_xs>, matmul<Format::mxfp4>,
               matmul<Format::tq1_0>,   matmul<Format::tq2_0>,  matmul<Format::iq1_s>,  matmul<Format::iq1_m>,
               matmul<Format::iq2_xxs>, matmul<Format::iq2_xs>, matmul<Format::iq2_s>,  matmul<Format::iq3_xxs>,
               matmul<Format::iq3_s>,   matmul<Format::nvfp4>},
    .unpack = {unpack<Format::f32>,     unpack<Format::f16>,    unpack<Format::bf16>,   unpack<Format::q8_0>,
               unpack<Format::q4_0>,    unpack<Format::q4_1>,   unpack<Format::q5_0>,   unpack<Format::q5_1>,
               unpack<Format::q2_k>,    unpack<Format::q3_k>,   unpack<Format::q4_k>,   unpack<Format::q5_k>,
               unpack<Format::q6_k>,    unpack<Format::iq4_nl>, unpack<Format::iq4_xs>, unpack<Format::mxfp4>,
               unpack<Format::tq1_0>,   unpack<Format::tq2_0>,  unpack<Format::iq1_s>,  unpack<Format::iq1_m>,
               unpack<Format::iq2_xxs>, unpack<Format::iq2_xs>, unpack<Format::iq2_s>,  unpack<Format::iq3_xxs>,
               unpack<Format::iq3_s>,   unpack<Format::nvfp4>},
    .vector_transposed = {vector_transposed<Format::f32>, vector_transposed<Format::f16>,
                          vector_transposed<Format::bf16>},
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .silu = activate<math::silu>,
    .gelu_tanh = activate<math::gelu_tanh>,
    .gelu_erf = activate<math::gelu_erf>,
    .gelu_quick = activate<math::gelu_quick>,
    .relu = activate<math::relu>,
    .relu_squared = activate<math::relu_squared>,
    .sigmoid = activate<math::sigmoid>,
    .tanh = activate<math::tanh>,
    .add = add,
    .soft_cap = soft_cap,
    .rope = rope,
    .rope_interleaved = rope_interleaved,
    .attention = {attention<Format::f32>, attention<Format::f16>, nullptr, attention<Format::q8_0>},
    .attention_span = {attention_span<Format::f32>, attention_span<Format::f16>, nullptr, attention_span<Format::q8_0>},
    .merge_attention = merge_attention,
    .scan = &kReferenceScan,
    .int8 = &kReferenceInt8,
    .peak_fma = peak_fma,
};

}  // namespace continuo
