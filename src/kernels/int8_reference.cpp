#include "kernels/int8_reference.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "quant/iq4_xs.h"
#include "quant/k_scales.h"
#include "quant/mxfp4.h"
#include "quant/q3_k.h"

namespace continuo {

namespace {

std::int8_t whole(int value) { return static_cast<std::int8_t>(value); }

void set_scale(Int8Weights& out, float scale, float shift = 0) {
  out.scale[0] = out.scale[1] = scale;
  out.shift = shift;
}

void unpack_q8_0(const std::byte* p, std::size_t, Int8Weights& out) {
  set_scale(out, f16_at(p));
  for (std::size_t i = 0; i < kInt8Block; ++i) out.w[i] = whole(signed_byte_at(p + 2, i));
}

void unpack_q4_0(const std::byte* p, std::size_t, Int8Weights& out) {
  set_scale(out, f16_at(p));
  for (std::size_t i = 0; i < kInt8Block; ++i) out.w[i] = whole(nibble_at(p + 2, i) - 8);
}

void unpack_q4_1(const std::byte* p, std::size_t, Int8Weights& out) {
  set_scale(out, f16_at(p), f16_at(p + 2));
  for (std::size_t i = 0; i < kInt8Block; ++i) out.w[i] = whole(nibble_at(p + 4, i));
}

void unpack_q5_0(const std::byte* p, std::size_t, Int8Weights& out) {
  set_scale(out, f16_at(p));
  for (std::size_t i = 0; i < kInt8Block; ++i) out.w[i] = whole((nibble_at(p + 6, i) | bit_at(p + 2, i) << 4) - 16);
}

void unpack_q5_1(const std::byte* p, std::size_t, Int8Weights& out) {
  set_scale(out, f16_at(p), f16_at(p + 2));
  for (std::size_t i = 0; i < kInt8Block; ++i) out.w[i] = whole(nibble_at(p + 8, i) | bit_at(p + 4, i) << 4);
}

void unpack_iq4_nl(const std::byte* p, std::size_t, Int8Weights& out) {
  set_scale(out, f16_at(p));
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    out.w[i] = kIq4Values[static_cast<std::size_t>(nibble_at(p + 2, i))];
  }
}

void set_k_scale(Int8Weights& out, const std::byte* p, std::size_t part) {
  set_scale(out, f16_at(p) * static_cast<float>(k_scale(p + 4, part)),
            -(f16_at(p + 2) * static_cast<float>(k_offset(p + 4, part))));
}

int half_of(const std::byte* p, std::size_t i, std::size_t upper) { return byte_at(p, i) >> (4 * upper) & 15; }

void unpack_q4_k(const std::byte* p, std::size_t part, Int8Weights& out) {
  set_k_scale(out, p, part);
  const std::byte* const q = p + 16 + part / 2 * 32;
  for (std::size_t i = 0; i < kInt8Block; ++i) out.w[i] = whole(half_of(q, i, part % 2));
}

void unpack_q5_k(const std::byte* p, std::size_t part, Int8Weights& out) {
  set_k_scale(out, p, part);
  const std::byte *const high = p + 16, *const low = p + 48 + part / 2 * 32;
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    out.w[i] = whole(half_of(low, i, part % 2) | (byte_at(high, i) >> part & 1) << 4);
  }
}

void unpack_q6_k(const std::byte* p, std::size_t part, Int8Weights& out) {
  const std::size_t half = part / 4, quarter = part % 4;
  const std::byte *const low = p + 64 * half + quarter % 2 * 32, *const high = p + 128 + 32 * half;
  for (std::size_t i = 0; i < 2; ++i) {
    out.scale[i] = f16_at(p + 208) * static_cast<float>(signed_byte_at(p + 192, 2 * part + i));
  }
  out.shift = 0;
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    out.w[i] = whole((half_of(low, i, quarter / 2) | (byte_at(high, i) >> (2 * quarter) & 3) << 4) - 32);
  }
}

void unpack_q3_k(const std::byte* p, std::size_t part, Int8Weights& out) {
  const std::byte* const low = p + 32 + part / 4 * 32;
  for (std::size_t i = 0; i < 2; ++i) {
    out.scale[i] = f16_at(p + 108) * static_cast<float>(q3_k_scale(p + 96, 2 * part + i) - 32);
  }
  out.shift = 0;
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    out.w[i] = whole(((byte_at(low, i) >> (part % 4 * 2) & 3) | (byte_at(p, i) >> part & 1) << 2) - 4);
  }
}

void unpack_iq4_xs(const std::byte* p, std::size_t part, Int8Weights& out) {
  set_scale(out, f16_at(p) * static_cast<float>(iq4_xs_scale(p, part)));
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    out.w[i] = kIq4Values[static_cast<std::size_t>(nibble_at(p + 8 + 16 * part, i))];
  }
}

void unpack_mxfp4(const std::byte* p, std::size_t, Int8Weights& out) {
  set_scale(out, mxfp4_scale(byte_at(p)));
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    out.w[i] = kMxfp4Values[static_cast<std::size_t>(nibble_at(p + 1, i))];
  }
}

constexpr Int8Format format_of(Format format) {
  switch (format) {
    case Format::q8_0:
      return {unpack_q8_0};
    case Format::q4_0:
      return {unpack_q4_0};
    case Format::q4_1:
      return {unpack_q4_1, 32, true};
    case Format::q5_0:
      return {unpack_q5_0};
    case Format::q5_1:
      return {unpack_q5_1, 32, true};
    case Format::q4_k:
      return {unpack_q4_k, 32, true};
    case Format::q5_k:
      return {unpack_q5_k, 32, true};
    case Format::q6_k:
      return {unpack_q6_k, 16, false};
    case Format::q3_k:
      return {unpack_q3_k, 16, false};
    case Format::iq4_nl:
      return {unpack_iq4_nl};
    case Format::iq4_xs:
      return {unpack_iq4_xs};
    case Format::mxfp4:
      return {unpack_mxfp4};
    default:
      return {};
  }
}

// Token t's part of a block of a tile of `tokens`.
void quantize_block(const float* x, std::byte* out, std::size_t t, std::size_t tokens) {
  std::uint32_t largest = 0;  // as bits, which order magnitudes and put NaN last
  for (std::size_t i = 0; i < kInt8Block; ++i)
    largest = std::max(largest, std::bit_cast<std::uint32_t>(x[i]) & ~(1u << 31));
  const float magnitude = std::bit_cast<float>(largest);
  const bool usable = std::isfinite(magnitude) && magnitude >= kInt8Tiny;
  const float inverse = usable ? 127.0f / magnitude : 0.0f;
  float scale = usable ? magnitude / 127.0f : 0.0f;
  if (!std::isfinite(magnitude)) scale = std::numeric_limits<float>::quiet_NaN();
  std::int8_t q[kInt8Block];
  std::int32_t sums[2] = {};
  for (std::size_t i = 0; i < kInt8Block; ++i) {
    q[i] = usable ? static_cast<std::int8_t>(std::nearbyint(x[i] * inverse)) : std::int8_t{0};
    sums[i / 16] += q[i];
  }
  std::memcpy(out + t * kInt8Block, q, kInt8Block);
  const auto put = [&](Int8Part part, auto value) {
    std::memcpy(out + kInt8Block * tokens + (part * tokens + t) * sizeof value, &value, sizeof value);
  };
  put(kInt8Scale, scale);
  put(kInt8WeightedSum, scale * static_cast<float>(sums[0] + sums[1]));
  put(kInt8Offset, std::int32_t{-128} * (sums[0] + sums[1]));
  put(kInt8OffsetHigh, std::int32_t{-128} * sums[1]);
}

std::int32_t dot(const std::int8_t* w, const std::int8_t* q, std::size_t n) {
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += w[i] * q[i];
  return sum;
}

// x: a block of a tile of one token.
float block_product(const Int8Format& format, const Int8Weights& w, const std::byte* x, float y) {
  std::int8_t q[kInt8Block];
  float parts[kInt8Parts];
  std::memcpy(q, x, sizeof q);
  std::memcpy(parts, x + kInt8Block, sizeof parts);
  for (std::size_t i = 0; i < kInt8Block; i += format.step) {
    y = std::fma(w.scale[i / 16] * parts[kInt8Scale], static_cast<float>(dot(w.w + i, q + i, format.step)), y);
  }
  return format.shifted ? std::fma(w.shift, parts[kInt8WeightedSum], y) : y;
}

void quantize(const float* x, std::size_t n, std::size_t t, std::size_t tokens, std::byte* out) {
  for (std::size_t i = 0; i < n; i += kInt8Block, out += kInt8BlockBytes * tokens)
    quantize_block(x + i, out, t, tokens);
}

// Tiles of one token.
template <Format kFormat>
void matmul(const std::byte* w, std::size_t w_stride, std::size_t rows, std::size_t k, const std::byte* x,
            std::size_t tokens, float* y, std::size_t y_stride, std::byte*) {
  const FormatInfo& info = format_info(kFormat);
  const Int8Format format = int8_format(kFormat);
  const std::size_t parts = info.block_values / kInt8Block;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t t = 0; t < tokens; ++t) {
      float sum = 0;
      for (std::size_t b = 0; b < k / kInt8Block; ++b) {
        Int8Weights weights;
        format.unpack(w + r * w_stride + b / parts * info.block_bytes, b % parts, weights);
        sum = block_product(format, weights, x + t * int8_bytes(k) + b * kInt8BlockBytes, sum);
      }
      y[t * y_stride + r] = sum;
    }
  }
}

std::size_t peak(std::size_t rounds) {
  volatile std::int8_t factor = 1;
  std::int32_t sums[16] = {};
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::int8_t q = factor;
    for (std::int32_t& sum : sums) sum += (q * q) >> 4;  // 0, which the compiler cannot know: no overflow
  }
  factor = static_cast<std::int8_t>(sums[0]);
  return rounds * std::size(sums) * 2;
}

}  // namespace

const Int8Format& int8_format(Format format) {
  static const auto table = [] {
    std::array<Int8Format, kFormatCount> all;
    for (std::size_t i = 0; i < kFormatCount; ++i) all[i] = format_of(static_cast<Format>(i));
    return all;
  }();
  return table[static_cast<std::size_t>(format)];
}

const Int8Kernels kReferenceInt8 = [] {
  Int8Kernels kernels{
      .tile = 1, .quantize = quantize, .matmul = {}, .panel = 1, .repack = {}, .matmul_repacked = {}, .peak = peak};
  const auto set = [&]<Format kFormat>() { kernels.matmul[static_cast<std::size_t>(kFormat)] = matmul<kFormat>; };
  set.operator()<Format::q8_0>();
  set.operator()<Format::q4_0>();
  set.operator()<Format::q4_1>();
  set.operator()<Format::q5_0>();
  set.operator()<Format::q5_1>();
  set.operator()<Format::q4_k>();
  set.operator()<Format::q5_k>();
  set.operator()<Format::q6_k>();
  set.operator()<Format::q3_k>();
  set.operator()<Format::iq4_nl>();
  set.operator()<Format::iq4_xs>();
  set.operator()<Format::mxfp4>();
  return kernels;
}();

}  // namespace continuo
