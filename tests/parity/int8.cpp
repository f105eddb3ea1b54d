// Integer products: every table against the reference bit for bit, and the reference against the stored values.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/large_buffer.h"
#include "catch.h"
#include "kernels/int8_reference.h"
#include "kernels/kernel_table.h"
#include "kernels/reference.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 20250301;

std::vector<Format> int8_formats() {
  std::vector<Format> list;
  for (std::size_t i = 0; i < kFormatCount; ++i) {
    if (int8_format(static_cast<Format>(i)).unpack) list.push_back(static_cast<Format>(i));
  }
  return list;
}

// Where a format keeps its binary16 numbers within a block.
std::vector<std::size_t> halves_of(Format format) {
  switch (format) {
    case Format::q4_1:
    case Format::q5_1:
    case Format::q4_k:
    case Format::q5_k:
      return {0, 2};
    case Format::q6_k:
      return {208};
    case Format::q3_k:
      return {108};
    case Format::mxfp4:
      return {};  // a byte of its own kind
    default:
      return {0};
  }
}

// Blocks of random bytes: every weight, every small scale; the binary16 numbers finite, their exponents from the lower
// half.
std::vector<std::byte> random_blocks(Format format, std::size_t values, std::mt19937& random) {
  const FormatInfo& info = format_info(format);
  std::vector<std::byte> out(stored_bytes(format, values));
  for (std::byte& byte : out) byte = static_cast<std::byte>(random());
  for (std::size_t block = 0; block < out.size(); block += info.block_bytes) {
    for (const std::size_t at : halves_of(format)) out[block + at + 1] &= std::byte{0xbf};
    if (format == Format::mxfp4) {  // its scale is a power of two: a small one, or one that is no normal number
      const auto exponent = static_cast<unsigned>(random() % 36);
      out[block] = static_cast<std::byte>(exponent < 4 ? exponent : 110 + exponent);
    }
  }
  return out;
}

std::vector<float> random_floats(std::size_t n, std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> out(n);
  for (float& x : out) x = normal(random) * std::exp(normal(random));
  return out;
}

std::vector<std::byte> rounded(const Int8Kernels& kernels, const std::vector<float>& x, std::size_t stride,
                               std::size_t tokens, std::size_t k) {
  std::vector<std::byte> out(tokens * int8_bytes(k));
  for (std::size_t t = 0; t < tokens; ++t) {
    const std::size_t first = t / kernels.tile * kernels.tile;
    kernels.quantize(x.data() + t * stride, k, t - first, std::min(kernels.tile, tokens - first),
                     out.data() + first * int8_bytes(k));
  }
  return out;
}

std::vector<float> product(const Int8Kernels& kernels, Format format, const std::byte* w, std::size_t w_stride,
                           std::size_t rows, std::size_t k, const std::vector<std::byte>& x, std::size_t tokens) {
  const std::size_t stride = rows + 3;
  std::vector<float> y(tokens * stride, -1);
  std::vector<std::byte> scratch(int8_scratch_bytes(k));
  kernels.matmul[static_cast<std::size_t>(format)](w, w_stride, rows, k, x.data(), tokens, y.data(), stride,
                                                   scratch.data());
  return y;
}

void require_same(const KernelTable& table, const std::vector<float>& got, const std::vector<float>& want) {
  REQUIRE(got.size() == want.size());
  // Without fused multiply-add each step may round once more.
  float largest = 0;
  for (const float v : want) largest = std::max(largest, std::fabs(v));
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool same = std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(want[i]) ||
                      (!table.fused && std::fabs(got[i] - want[i]) <= 1e-5f * largest);
    if (!same) FAIL(table.name << " differs at " << i << ": " << got[i] << " instead of " << want[i]);
  }
}

}  // namespace

TEST_CASE("whole numbers, scales and shifts are the stored values") {
  REQUIRE(int8_formats().size() == 12);
  std::mt19937 random(kSeed);
  for (const Format format : int8_formats()) {
    const FormatInfo& info = format_info(format);
    INFO(info.name << ", seed " << kSeed);
    const std::size_t n = 16 * info.block_values;
    const auto stored = random_blocks(format, n, random);
    std::vector<float> want(n);
    info.to_float(stored.data(), want.data(), n);
    for (std::size_t i = 0; i < n; i += kInt8Block) {
      Int8Weights w;
      int8_format(format).unpack(stored.data() + i / info.block_values * info.block_bytes,
                                 i % info.block_values / kInt8Block, w);
      for (std::size_t j = 0; j < kInt8Block; ++j) {
        REQUIRE(w.scale[j / 16] * static_cast<float>(w.w[j]) + w.shift == want[i + j]);
      }
      if (int8_format(format).step == kInt8Block) REQUIRE(w.scale[0] == w.scale[1]);
      if (!int8_format(format).shifted) REQUIRE(w.shift == 0);
    }
  }
}

TEST_CASE("activations are rounded alike by every table, to the nearest of 255 steps") {
  std::mt19937 random(kSeed);
  const std::size_t k = 96, stride = k + 5, tokens = 27;
  auto x = random_floats(tokens * stride, random);
  std::fill_n(x.begin() + static_cast<std::ptrdiff_t>(stride), k, 0.0f);
  std::fill_n(x.begin() + static_cast<std::ptrdiff_t>(2 * stride), k, 1e-38f);
  for (std::size_t i = 0; i < k; ++i) x[3 * stride + i] = static_cast<float>(i % 4) * 0.5f - 0.5f;  // ties
  x[3 * stride] = 127;
  const auto want = rounded(kReferenceInt8, x, stride, tokens, k);
  for (const KernelTable* table : available_kernels()) {
    INFO(table->name << ", seed " << kSeed);
    const std::size_t tile = table->int8->tile;
    const auto got = rounded(*table->int8, x, stride, tokens, k);
    for (std::size_t t = 0; t < tokens; ++t) {
      const std::size_t first = t / tile * tile, n = std::min(tile, tokens - first);
      for (std::size_t b = 0; b < k / kInt8Block; ++b) {
        const auto* mine = got.data() + first * int8_bytes(k) + b * kInt8BlockBytes * n;
        const auto* theirs = want.data() + t * int8_bytes(k) + b * kInt8BlockBytes;
        INFO("token " << t << " block " << b);
        REQUIRE(std::memcmp(mine + (t - first) * kInt8Block, theirs, kInt8Block) == 0);
        for (std::size_t part = 0; part < kInt8Parts; ++part) {
          INFO("part " << part);
          REQUIRE(std::memcmp(mine + kInt8Block * n + 4 * (part * n + t - first), theirs + kInt8Block + 4 * part, 4) ==
                  0);
        }
      }
    }
  }
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t i = 0; i < k; ++i) {
      const std::byte* block = want.data() + t * int8_bytes(k) + i / kInt8Block * kInt8BlockBytes;
      float scale;
      std::memcpy(&scale, block + kInt8Block + 4 * kInt8Scale, 4);
      const auto q = std::to_integer<std::int8_t>(block[i % kInt8Block]);
      REQUIRE(std::fabs(scale * static_cast<float>(q) - x[t * stride + i]) <= 0.5001f * scale + kInt8Tiny);
    }
  }
}

TEST_CASE("a row may be rounded piece by piece") {
  std::mt19937 random(kSeed);
  const std::size_t k = 224, tokens = 7;
  const auto x = random_floats(tokens * k, random);
  for (const KernelTable* table : available_kernels()) {
    INFO(table->name << ", seed " << kSeed);
    const Int8Kernels& kernels = *table->int8;
    const std::size_t n = std::min(kernels.tile, tokens);
    std::vector<std::byte> pieces(n * int8_bytes(k));
    for (std::size_t t = 0; t < n; ++t) {
      for (const auto& [first, last] : {std::pair<std::size_t, std::size_t>{160, 224}, {0, 32}, {32, 160}}) {
        kernels.quantize(x.data() + t * k + first, last - first, t, n, pieces.data() + n * int8_bytes(first));
      }
    }
    const auto whole = rounded(kernels, {x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n * k)}, k, n, k);
    REQUIRE(pieces == whole);
  }
}

TEST_CASE("integer products agree with the reference for every format and shape") {
  for (const KernelTable* table : available_kernels()) {
    std::mt19937 random(kSeed);
    for (const Format format : int8_formats()) {
      const std::size_t unit = format_info(format).block_values;
      for (const std::size_t k : {unit, 3 * unit}) {
        for (const std::size_t rows : {1, 3, 4, 16, 17, 35}) {
          for (const std::size_t tokens : {1, 2, 3, 4, 5, 11, 12, 13, 16, 17, 22, 26, 31}) {
            const auto w_stride = stored_bytes(format, k) + 6;
            auto w = random_blocks(format, rows * k, random);
            std::vector<std::byte> apart(1 + rows * w_stride);  // one byte off: rows have no alignment
            for (std::size_t r = 0; r < rows; ++r) {
              std::copy_n(w.data() + r * (w_stride - 6), w_stride - 6, apart.data() + 1 + r * w_stride);
            }
            const auto x = random_floats(tokens * k, random);
            INFO(table->name << " " << format_info(format).name << " k " << k << " rows " << rows << " tokens "
                             << tokens << ", seed " << kSeed);
            require_same(*table,
                         product(*table->int8, format, apart.data() + 1, w_stride, rows, k,
                                 rounded(*table->int8, x, k, tokens, k), tokens),
                         product(kReferenceInt8, format, apart.data() + 1, w_stride, rows, k,
                                 rounded(kReferenceInt8, x, k, tokens, k), tokens));
          }
        }
      }
    }
  }
}

TEST_CASE("repacked weights give the same products") {
  for (const KernelTable* table : available_kernels()) {
    const Int8Kernels& kernels = *table->int8;
    std::mt19937 random(kSeed);
    int repacked_formats = 0;
    for (const Format format : int8_formats()) {
      const auto f = static_cast<std::size_t>(format);
      REQUIRE((kernels.repack[f] == nullptr) == (kernels.matmul_repacked[f] == nullptr));
      if (!kernels.repack[f]) continue;
      ++repacked_formats;
      const std::size_t unit = format_info(format).block_values;
      for (const std::size_t k : {unit, 3 * unit, 5 * unit}) {
        const std::size_t p = kernels.panel;
        for (const std::size_t rows : {p, 2 * p, 3 * p, 5 * p, std::size_t{1}, p + 1, 2 * p - 1, 3 * p - 1}) {
          const std::size_t w_stride = stored_bytes(format, k) + 6, stride = rows + 3;
          const auto w = random_blocks(format, rows * k, random);
          std::vector<std::byte> apart(1 + rows * w_stride);
          for (std::size_t r = 0; r < rows; ++r) {
            std::copy_n(w.data() + r * (w_stride - 6), w_stride - 6, apart.data() + 1 + r * w_stride);
          }
          const LargeBuffer panel_memory((rows + p - 1) / p * repacked_bytes(format, p, k));
          kernels.repack[f](apart.data() + 1, w_stride, rows, k, panel_memory.data());
          for (const std::size_t tokens : {1, 2, 3, 4, 5, 11, 12, 13, 16, 17, 22, 26, 31, 48, 53}) {
            const auto x = rounded(kernels, random_floats(tokens * k, random), k, tokens, k);
            std::vector<float> y(tokens * stride, -1);
            std::vector<std::byte> scratch(int8_scratch_bytes(k));
            kernels.matmul_repacked[f](panel_memory.data(), rows, k, x.data(), tokens, y.data(), stride,
                                       scratch.data());
            INFO(table->name << " " << format_info(format).name << " k " << k << " rows " << rows << " tokens "
                             << tokens << ", seed " << kSeed);
            require_same(*table, y, product(kernels, format, apart.data() + 1, w_stride, rows, k, x, tokens));
          }
        }
      }
    }
    REQUIRE(repacked_formats == (table->name == "reference" ? 0 : 12));
  }
}

TEST_CASE("sums stay exact where every weight and activation is the largest") {
  for (const KernelTable* table : available_kernels()) {
    for (const Format format : int8_formats()) {
      for (const int fill : {0x00, 0x7f, 0x80, 0xff, 0x88}) {
        for (const float sign : {1.0f, -1.0f}) {
          const std::size_t k = format_info(format).block_values, rows = 16, tokens = 13;
          std::vector<std::byte> w(rows * stored_bytes(format, k), static_cast<std::byte>(fill));
          for (std::size_t block = 0; block < w.size(); block += format_info(format).block_bytes) {
            for (const std::size_t at : halves_of(format))
              w[block + at] = std::byte{0}, w[block + at + 1] = std::byte{0x3c};
          }
          const std::vector<float> x(tokens * k, sign);
          INFO(table->name << " " << format_info(format).name << " bytes " << fill << " sign " << sign);
          require_same(*table,
                       product(*table->int8, format, w.data(), w.size() / rows, rows, k,
                               rounded(*table->int8, x, k, tokens, k), tokens),
                       product(kReferenceInt8, format, w.data(), w.size() / rows, rows, k,
                               rounded(kReferenceInt8, x, k, tokens, k), tokens));
        }
      }
    }
  }
}

TEST_CASE("an integer product is the exact one but for the activations' rounding") {
  std::mt19937 random(kSeed);
  for (const Format format : int8_formats()) {
    const std::size_t k = 512, rows = 8;
    const auto w = random_blocks(format, rows * k, random);
    const auto x = random_floats(k, random);
    const auto got = product(kReferenceInt8, format, w.data(), stored_bytes(format, k), rows, k,
                             rounded(kReferenceInt8, x, k, 1, k), 1);
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<float> weights(k);
      format_info(format).to_float(w.data() + r * stored_bytes(format, k), weights.data(), k);
      double want = 0, allowed = 0;
      for (std::size_t i = 0; i < k; ++i) {
        float largest = 0;
        for (std::size_t j = i / 32 * 32; j < i / 32 * 32 + 32; ++j) largest = std::max(largest, std::fabs(x[j]));
        want += double(weights[i]) * double(x[i]);
        allowed += std::fabs(double(weights[i])) * double(largest) / 254;
      }
      INFO(format_info(format).name << " row " << r << ", seed " << kSeed);
      REQUIRE(std::fabs(double(got[r]) - want) <= 1.001 * allowed);
      REQUIRE(allowed > 0);
    }
  }
}

TEST_CASE("what is not a number stays visible in integer products") {
  for (const KernelTable* table : available_kernels()) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
      std::mt19937 random(kSeed);
      const std::size_t k = 64, rows = 20, tokens = 7;
      const auto w = random_blocks(Format::q8_0, rows * k, random);
      auto x = random_floats(tokens * k, random);
      x[5 * k + 40] = bad;
      const auto y = product(*table->int8, Format::q8_0, w.data(), stored_bytes(Format::q8_0, k), rows, k,
                             rounded(*table->int8, x, k, tokens, k), tokens);
      for (std::size_t t = 0; t < tokens; ++t) {
        for (std::size_t r = 0; r < rows; ++r) {
          INFO(table->name << " token " << t << " row " << r);
          REQUIRE(std::isnan(y[t * (rows + 3) + r]) == (t == 5));
        }
      }
    }
  }
}

TEST_CASE("an integer product does not depend on the rows and tokens computed with it") {
  for (const KernelTable* table : available_kernels()) {
    std::mt19937 random(kSeed);
    for (const Format format : int8_formats()) {
      const std::size_t k = 256, rows = 21, tokens = 29, w_stride = stored_bytes(format, k);
      const auto w = random_blocks(format, rows * k, random);
      const auto x = random_floats(tokens * k, random);
      const auto all =
          product(*table->int8, format, w.data(), w_stride, rows, k, rounded(*table->int8, x, k, tokens, k), tokens);
      for (std::size_t t = 0; t < tokens; ++t) {
        const std::vector<float> one(x.begin() + static_cast<std::ptrdiff_t>(t * k),
                                     x.begin() + static_cast<std::ptrdiff_t>((t + 1) * k));
        const auto rounded_one = rounded(*table->int8, one, k, 1, k);
        for (std::size_t r = 0; r < rows; ++r) {
          const float alone = product(*table->int8, format, w.data() + r * w_stride, w_stride, 1, k, rounded_one, 1)[0];
          INFO(table->name << " " << format_info(format).name << " token " << t << " row " << r);
          REQUIRE(std::bit_cast<std::uint32_t>(alone) == std::bit_cast<std::uint32_t>(all[t * (rows + 3) + r]));
        }
      }
    }
  }
}
