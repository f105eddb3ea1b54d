// Every table against the scalar reference, kernel by kernel: bit for bit where the target fuses
// multiply-adds.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "kernels/kernel_table.h"
#include "kernels/reference.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 20240811;

std::vector<float> random_floats(std::size_t n, std::mt19937& random, float spread = 1) {
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> out(n);
  for (float& x : out) x = normal(random);
  return out;
}

// Blocks of random bytes. Where a number in a block gives values that are not finite, another block is drawn.
std::vector<std::byte> random_blocks(const FormatInfo& info, std::size_t n, std::mt19937& random) {
  std::vector<std::byte> out(stored_bytes(info.format, n));
  std::vector<float> values(info.block_values);
  const auto fits = [](float v) { return std::fabs(v) < 4; };
  for (std::size_t at = 0; at < out.size(); at += info.block_bytes) {
    do {
      for (std::size_t i = 0; i < info.block_bytes; ++i) out[at + i] = static_cast<std::byte>(random());
      info.to_float(out.data() + at, values.data(), values.size());
    } while (!std::all_of(values.begin(), values.end(), fits));
  }
  return out;
}

// Stored values whose conversion meets normal numbers, subnormals and zeros.
std::vector<std::byte> random_stored(Format format, std::size_t n, std::mt19937& random) {
  if (!format_is_plain(format)) return random_blocks(format_info(format), n, random);
  std::vector<std::byte> out(stored_bytes(format, n));
  if (format == Format::f32) {
    const std::vector<float> values = random_floats(n, random);
    std::memcpy(out.data(), values.data(), out.size());
    return out;
  }
  for (std::size_t i = 0; i < n; ++i) {
    // Signs and fractions at random, exponents from the lower half: finite, below 2.
    std::uint16_t bits = static_cast<std::uint16_t>(random());
    bits &= format == Format::f16 ? 0xbfff : 0xbfff;
    std::memcpy(out.data() + 2 * i, &bits, 2);
  }
  return out;
}

// Equal bits, or close where the target rounds multiply and add apart.
void require_same(const KernelTable& table, const std::vector<float>& got, const std::vector<float>& want,
                  float tolerance) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool same = table.fused ? std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(want[i])
                                  : std::fabs(got[i] - want[i]) <= tolerance * (1 + std::fabs(want[i]));
    if (!same) FAIL(table.name << " differs at " << i << ": " << got[i] << " instead of " << want[i]);
  }
}

template <class F>
void for_each_table(F&& f) {
  for (const KernelTable* table : available_kernels()) {
    INFO("kernels " << table->name << ", seed " << kSeed);
    f(*table);
  }
}

}  // namespace

TEST_CASE("the reference stands last and is found by name") {
  REQUIRE(available_kernels().back() == &kReferenceKernels);
  REQUIRE(find_kernels("reference") == &kReferenceKernels);
  REQUIRE(find_kernels("nonesuch") == nullptr);
}

TEST_CASE("matmul agrees with the reference for every format and shape") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const FormatInfo& info : formats()) {
      const Format format = info.format;
      const std::size_t block = info.block_values;
      for (const std::size_t k_plain : {1, 7, 16, 31, 64, 100, 272}) {
        const std::size_t k = format_is_plain(format) ? k_plain : (k_plain % 4 + 1) * block;
        for (const std::size_t rows : {1, 3, 4, 9, 16}) {
          for (const std::size_t tokens : {1, 2, 3, 5, 6, 13}) {
            const std::size_t stride = k + (block == 1 ? 3 : block), row_bytes = stored_bytes(format, stride);
            auto w = random_stored(format, rows * stride, random);
            const auto x = random_floats(tokens * (k + 5), random);
            std::vector<float> got(tokens * (rows + 2), -1), want = got;
            // One byte off: stored rows have no alignment.
            w.insert(w.begin(), std::byte{0});
            const auto f = static_cast<std::size_t>(format);
            table.matmul[f](w.data() + 1, row_bytes, rows, k, x.data(), k + 5, tokens, got.data(), rows + 2);
            kReferenceKernels.matmul[f](w.data() + 1, row_bytes, rows, k, x.data(), k + 5, tokens, want.data(),
                                        rows + 2);
            INFO(info.name << " k " << k << " rows " << rows << " tokens " << tokens);
            require_same(table, got, want, format_is_plain(format) ? 1e-5f : 1e-3f);
          }
        }
      }
    }
  });
}

TEST_CASE("unpacking gives the exact values, and multiplying them the same bits") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const FormatInfo& info : formats()) {
      const auto f = static_cast<std::size_t>(info.format);
      const std::size_t k = 3 * std::max<std::size_t>(info.block_values, 16), rows = 5;
      auto stored = random_stored(info.format, rows * k, random);
      stored.insert(stored.begin(), std::byte{0});
      std::vector<float> got(rows * k), want(rows * k), product(rows), of_floats(rows);
      table.unpack[f](stored.data() + 1, got.data(), rows * k);
      info.to_float(stored.data() + 1, want.data(), rows * k);
      INFO(info.name);
      for (std::size_t i = 0; i < got.size(); ++i) {
        if (std::memcmp(&got[i], &want[i], 4) != 0) FAIL("value " << i << ": " << got[i] << " for " << want[i]);
      }
      const auto x = random_floats(k, random);
      table.matmul[f](stored.data() + 1, stored_bytes(info.format, k), rows, k, x.data(), k, 1, product.data(), rows);
      table.matmul[0](reinterpret_cast<const std::byte*>(got.data()), k * 4, rows, k, x.data(), k, 1, of_floats.data(),
                      rows);
      REQUIRE(std::memcmp(product.data(), of_floats.data(), rows * sizeof(float)) == 0);
    }
  });
}

TEST_CASE("weights stored the other way round give the same bits") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const Format format : {Format::f32, Format::f16, Format::bf16}) {
      const auto f = static_cast<std::size_t>(format);
      const std::size_t size = stored_bytes(format, 1);
      for (const std::size_t k : {1, 8, 15, 16, 24, 64, 101}) {
        for (const std::size_t outputs : {1, 4, 16, 23, 64}) {
          const auto rows = random_stored(format, outputs * k, random);
          std::vector<std::byte> columns(rows.size());
          for (std::size_t o = 0; o < outputs; ++o) {
            for (std::size_t i = 0; i < k; ++i) {
              std::memcpy(&columns[(i * outputs + o) * size], &rows[(o * k + i) * size], size);
            }
          }
          const auto x = random_floats(k, random);
          std::vector<float> got(outputs), want(outputs), scratch(16 * outputs);
          table.vector_transposed[f](columns.data(), outputs * size, outputs, k, x.data(), got.data(), scratch.data());
          kReferenceKernels.matmul[f](rows.data(), k * size, outputs, k, x.data(), k, 1, want.data(), outputs);
          INFO(format_info(format).name << " k " << k << " outputs " << outputs);
          require_same(table, got, want, 1e-5f);
        }
      }
    }
  });
}

TEST_CASE("an output does not depend on the rows and tokens computed with it") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    struct Shape {
      std::size_t k, rows, tokens;
    };
    // Rows in several groups, and with the most tokens in one.
    for (const auto [k, rows, tokens] : {Shape{83, 21, 17}, {1603, 29, 3}, {1603, 29, 14}, {1603, 29, 45}}) {
      const auto w = random_floats(rows * k, random), x = random_floats(tokens * k, random);
      const auto* bytes = reinterpret_cast<const std::byte*>(w.data());
      std::vector<float> all(tokens * rows), one(tokens * rows);
      table.matmul[0](bytes, k * 4, rows, k, x.data(), k, tokens, all.data(), rows);
      for (std::size_t t = 0; t < tokens; ++t) {
        for (std::size_t r = 0; r < rows; ++r) {
          table.matmul[0](bytes + r * k * 4, k * 4, 1, k, x.data() + t * k, k, 1, &one[t * rows + r], 1);
        }
      }
      INFO("k " << k << ", " << rows << " rows, " << tokens << " tokens");
      REQUIRE(std::memcmp(all.data(), one.data(), all.size() * sizeof(float)) == 0);
    }
  });
}

TEST_CASE("norms agree with the reference") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const std::size_t n : {1, 5, 8, 16, 17, 64, 288, 769}) {
      const auto x = random_floats(n, random, 3), w = random_floats(n, random), b = random_floats(n, random);
      std::vector<float> got(n), want(n);
      table.rms_norm(x.data(), w.data(), 1e-5f, got.data(), n);
      kReferenceKernels.rms_norm(x.data(), w.data(), 1e-5f, want.data(), n);
      require_same(table, got, want, 1e-5f);
      for (const float* bias : {static_cast<const float*>(nullptr), b.data()}) {
        table.layer_norm(x.data(), w.data(), bias, 1e-5f, got.data(), n);
        kReferenceKernels.layer_norm(x.data(), w.data(), bias, 1e-5f, want.data(), n);
        require_same(table, got, want, 1e-4f);
      }
    }
  });
}

TEST_CASE("activations agree with the reference, gated or not") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const auto member :
         {&KernelTable::silu, &KernelTable::gelu_tanh, &KernelTable::gelu_erf, &KernelTable::gelu_quick,
          &KernelTable::relu, &KernelTable::relu_squared, &KernelTable::sigmoid, &KernelTable::tanh}) {
      for (const std::size_t n : {1, 15, 16, 1000}) {
        auto got = random_floats(n, random, 20);
        auto want = got;
        const auto up = random_floats(n, random);
        (table.*member)(got.data(), nullptr, n);
        (kReferenceKernels.*member)(want.data(), nullptr, n);
        require_same(table, got, want, 1e-5f);
        (table.*member)(got.data(), up.data(), n);
        (kReferenceKernels.*member)(want.data(), up.data(), n);
        require_same(table, got, want, 1e-5f);
      }
    }
  });
}

TEST_CASE("activations are the functions they are named after") {
  for (double x = -12; x < 12; x += 0.01) {
    const auto at = [&](KernelTable::Activate f) {
      float y = static_cast<float>(x);
      f(&y, nullptr, 1);
      return static_cast<double>(y);
    };
    const double u = std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x);
    REQUIRE(at(kReferenceKernels.silu) == Approx(x / (1 + std::exp(-x))).margin(1e-6));
    REQUIRE(at(kReferenceKernels.gelu_tanh) == Approx(0.5 * x * (1 + std::tanh(u))).margin(1e-6));
    REQUIRE(at(kReferenceKernels.gelu_quick) == Approx(x / (1 + std::exp(-1.702 * x))).margin(1e-6));
    REQUIRE(at(kReferenceKernels.sigmoid) == Approx(1 / (1 + std::exp(-x))).margin(1e-6));
    REQUIRE(at(kReferenceKernels.tanh) == Approx(std::tanh(x)).margin(1e-6));
    REQUIRE(at(kReferenceKernels.relu_squared) == Approx(x > 0 ? x * x : 0).margin(1e-6));
    REQUIRE(at(kReferenceKernels.gelu_erf) == Approx(0.5 * x * (1 + std::erf(x / std::sqrt(2.0)))).margin(1e-6));
  }
}

TEST_CASE("rope agrees with the reference, whichever values make a pair") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const auto member : {&KernelTable::rope, &KernelTable::rope_interleaved}) {
      for (const std::size_t n : {1, 3, 4, 7, 16, 17, 32, 50}) {
        auto got = random_floats(2 * n + 1, random);
        auto want = got;
        const auto cos = random_floats(n, random), sin = random_floats(n, random);
        (table.*member)(got.data(), cos.data(), sin.data(), n);
        (kReferenceKernels.*member)(want.data(), cos.data(), sin.data(), n);
        require_same(table, got, want, 1e-6f);
      }
    }
  });
}

TEST_CASE("interleaved pairs are those of the halves, in another order") {
  std::mt19937 random(kSeed);
  const std::size_t n = 5;
  const auto x = random_floats(2 * n, random), cos = random_floats(n, random), sin = random_floats(n, random);
  std::vector<float> halves(2 * n), pairs = x;
  for (std::size_t i = 0; i < n; ++i) halves[i] = x[2 * i], halves[i + n] = x[2 * i + 1];
  kReferenceKernels.rope(halves.data(), cos.data(), sin.data(), n);
  kReferenceKernels.rope_interleaved(pairs.data(), cos.data(), sin.data(), n);
  for (std::size_t i = 0; i < n; ++i) {
    REQUIRE(pairs[2 * i] == halves[i]);
    REQUIRE(pairs[2 * i + 1] == halves[i + n]);
  }
}

TEST_CASE("sums agree with the reference, and are x + scale * y") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const float scale : {1.0f, 0.22f, -3.5f}) {
      for (const std::size_t n : {1, 15, 16, 17, 1000}) {
        const auto x = random_floats(n, random), y = random_floats(n, random);
        auto got = x, want = x;
        table.add(got.data(), y.data(), scale, n);
        kReferenceKernels.add(want.data(), y.data(), scale, n);
        REQUIRE(got == want);
        REQUIRE(want[n - 1] == Approx(double{x[n - 1]} + double{scale} * y[n - 1]).epsilon(1e-5).margin(1e-5));
      }
    }
  });
}

TEST_CASE("soft_cap agrees with the reference, and is cap * tanh(x / cap)") {
  for_each_table([](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const float cap : {0.5f, 15.0f, 50.0f}) {
      for (const std::size_t n : {1, 5, 16, 33, 100}) {
        auto got = random_floats(n, random, cap);
        auto want = got;
        table.soft_cap(got.data(), cap, n);
        kReferenceKernels.soft_cap(want.data(), cap, n);
        require_same(table, got, want, 1e-6f);
      }
    }
  });
  for (double x = -300; x < 300; x += 0.037) {
    for (const double size : {1.0, 1e-3, 1e-30}) {
      float y = static_cast<float>(x * size);
      const double want = 30 * std::tanh(static_cast<double>(y) / 30);
      kReferenceKernels.soft_cap(&y, 30, 1);
      REQUIRE(std::fabs(static_cast<double>(y) - want) <= 4e-7 * std::fabs(want));
    }
  }
}

namespace {

struct Twist {
  float attn_logit_softcap = 0;
  bool bias = false;
  std::size_t window = 0;  // 0: none
};

// Several heads in pages; the second one is looked at.
struct AttentionCase {
  static constexpr std::size_t kHeads = 3, kHead = 1;
  KvLayout layout;
  std::size_t n_keys;
  std::vector<std::vector<std::byte>> memory;
  std::vector<float> queries, bias;

  AttentionCase(Format type, std::size_t head_dim, std::size_t n_keys_, std::size_t n_queries, std::mt19937& random)
      : layout{type, head_dim}, n_keys(n_keys_) {
    // What stands behind the last key must not matter: all bits set are no number in any format.
    const std::size_t n_pages = round_up(n_keys, kPageKeys) / kPageKeys;
    memory.assign(n_pages, std::vector<std::byte>(kHeads * layout.bytes(), std::byte{0xff}));
    for (std::size_t at = 0; at < n_keys; ++at) {
      for (std::size_t head = 0; head < kHeads; ++head) {
        layout.store(memory[at / kPageKeys].data() + head * layout.bytes(), at % kPageKeys,
                     random_floats(head_dim, random).data(), random_floats(head_dim, random).data());
      }
    }
    queries = random_floats(n_queries * head_dim, random, 2);
    bias = random_floats(round_up(n_keys, kKeyBlock), random, 3);
  }

  std::size_t head_dim() const { return layout.head_dim; }
  std::size_t type() const { return static_cast<std::size_t>(layout.type); }
  float key(std::size_t at, std::size_t i) const { return layout.key(part(at), at % kPageKeys, i); }
  float value(std::size_t at, std::size_t i) const { return layout.value(part(at), at % kPageKeys, i); }
  const std::byte* part(std::size_t at) const { return memory[at / kPageKeys].data() + offset(); }
  std::size_t offset() const { return kHead * layout.bytes(); }
  static std::size_t first_of(std::size_t visible, const Twist& twist) {
    return twist.window > 0 && visible > twist.window ? visible - twist.window : 0;
  }

  // run(args) with queries that see `visible` keys each and write to out.
  template <class Run>
  void with_args(std::vector<float>& out, const std::vector<std::size_t>& visible, const Twist& twist,
                 Run&& run) const {
    std::vector<float> scratch(attention_scratch(head_dim()));
    std::vector<AttentionQuery> list;
    for (std::size_t i = 0; i < visible.size(); ++i) {
      list.push_back({.query = queries.data() + i * head_dim(),
                      .out = out.data() + i * head_dim(),
                      .bias = twist.bias ? bias.data() : nullptr,
                      .first = first_of(visible[i], twist),
                      .visible = visible[i]});
    }
    // Pages that nobody sees are not there.
    std::vector<const std::byte*> pages(memory.size());
    for (std::size_t i = list.front().first / kPageKeys; i < pages.size(); ++i) pages[i] = memory[i].data();
    run(AttentionArgs{list, pages.data(), offset(), head_dim(), 0.3f, twist.attn_logit_softcap, scratch.data()});
  }

  std::vector<float> run(const KernelTable& table, const std::vector<std::size_t>& visible,
                         const Twist& twist = {}) const {
    std::vector<float> out(visible.size() * head_dim());
    with_args(out, visible, twist, [&](const AttentionArgs& args) { table.attention[type()](args); });
    return out;
  }

  // The same from sums of spans, computed by themselves, last first.
  std::vector<float> run_by_spans(const KernelTable& table, const std::vector<std::size_t>& visible,
                                  const Twist& twist) const {
    std::vector<float> out(visible.size() * head_dim());
    with_args(out, visible, twist, [&](const AttentionArgs& args) {
      const std::size_t first = args.queries.front().first / kSpanKeys, one = attention_sum_floats(head_dim());
      const std::size_t n = (visible.back() - 1) / kSpanKeys + 1 - first;
      std::vector<float> sums(n * visible.size() * one, std::numeric_limits<float>::quiet_NaN());
      for (std::size_t i = n; i-- > 0;)
        table.attention_span[type()](args, first + i, sums.data() + i * visible.size() * one);
      for (std::size_t i = 0; i < visible.size(); ++i) {
        table.merge_attention(sums.data() + i * one, n, visible.size() * one, head_dim(), args.queries[i].out);
      }
    });
    return out;
  }

  // The same by the book, in double precision.
  std::vector<double> by_the_book(std::size_t query, std::size_t visible, const Twist& twist) const {
    std::vector<double> weights(visible), out(head_dim());
    double total = 0;
    for (std::size_t j = first_of(visible, twist); j < visible; ++j) {
      double score = 0;
      for (std::size_t i = 0; i < head_dim(); ++i) score += double(queries[query * head_dim() + i]) * double(key(j, i));
      score *= double(0.3f);
      const double cap = double(twist.attn_logit_softcap);
      if (cap > 0) score = cap * std::tanh(score / cap);
      if (twist.bias) score += double(bias[j]);
      total += weights[j] = std::exp(score);
    }
    for (std::size_t i = 0; i < head_dim(); ++i) {
      for (std::size_t j = 0; j < visible; ++j) out[i] += weights[j] / total * double(value(j, i));
    }
    return out;
  }
};

// The last query sees all keys, and each as many more than the one before as fit.
std::vector<std::size_t> causal(std::size_t n_keys, std::size_t n_queries) {
  std::vector<std::size_t> visible;
  for (std::size_t i = 0; i < n_queries; ++i) {
    visible.push_back(n_keys > n_queries - i ? n_keys - (n_queries - 1 - i) : std::min(n_keys, i + 1));
  }
  return visible;
}

const std::vector<Twist> kTwists = {{},
                                    {.attn_logit_softcap = 2},
                                    {.bias = true},
                                    {.window = 1},
                                    {.window = 3},
                                    {.window = 16},
                                    {.window = 64},
                                    {.window = 65},
                                    {.window = 100},
                                    {.window = 600},
                                    {.attn_logit_softcap = 5, .bias = true, .window = 37}};

std::string text(const Twist& twist) {
  return " cap " + std::to_string(twist.attn_logit_softcap) + (twist.bias ? " bias" : "") + " window " +
         std::to_string(twist.window);
}

}  // namespace

TEST_CASE("attention agrees with the reference, for any tile of queries") {
  const std::size_t head_dim = GENERATE(1, 4, 13, 16, 20, 32, 64, 80, 96, 128, 256);
  const Format type = GENERATE(Format::f32, Format::f16, Format::q8_0);
  for_each_table([&](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const std::size_t n_keys : {1, 2, 15, 16, 17, 63, 64, 65, 100, 200}) {
      for (const std::size_t n_queries : {1, 2, 3, 4, 7}) {
        const AttentionCase c(type, head_dim, n_keys, n_queries, random);
        const std::vector<std::size_t> visible = causal(n_keys, n_queries);
        // Wide heads meet every twist with few keys alone.
        for (const Twist& twist : head_dim <= 64 || n_keys <= 17 ? kTwists : std::vector<Twist>{kTwists.back(), {}}) {
          INFO(format_info(type).name << " head_dim " << head_dim << " keys " << n_keys << " queries " << n_queries
                                      << text(twist));
          require_same(table, c.run(table, visible, twist), c.run(kReferenceKernels, visible, twist), 1e-4f);
        }
      }
    }
  });
}

TEST_CASE("attention agrees with the reference for tiles and spans that are full, and a bit more") {
  const Format type = GENERATE(Format::f32, Format::f16, Format::q8_0);
  const std::size_t head_dim = GENERATE(20, 64);
  std::mt19937 random(kSeed);
  for (const auto& [n_keys, n_queries] : std::vector<std::pair<std::size_t, std::size_t>>{
           {kQueryTile, kQueryTile}, {kSpanKeys, 12}, {kSpanKeys + 1, kQueryTile + 5}, {2 * kSpanKeys + 30, 23}}) {
    const AttentionCase c(type, head_dim, n_keys, n_queries, random);
    const std::vector<std::size_t> visible = causal(n_keys, n_queries);
    for (const Twist& twist : kTwists) {
      INFO(format_info(type).name << " head_dim " << head_dim << " keys " << n_keys << " queries " << n_queries
                                  << text(twist));
      const std::vector<float> want = c.run(kReferenceKernels, visible, twist);
      for_each_table([&](const KernelTable& table) { require_same(table, c.run(table, visible, twist), want, 1e-4f); });
    }
  }
}

namespace {

// Far apart, so that blocks and spans that one query sees are passed over by others; the last sees no more than the one
// before.
const std::vector<std::size_t> kFarApart = {3, 64, 65, 130, 131, 190, 512, 513, 514, 700, 1100, 1100};

}  // namespace

TEST_CASE("a query's result does not depend on the queries computed with it") {
  const Format type = GENERATE(Format::f32, Format::f16, Format::q8_0);
  for_each_table([&](const KernelTable& table) {
    std::mt19937 random(kSeed);
    const std::size_t head_dim = 20;
    const AttentionCase c(type, head_dim, kFarApart.back(), kFarApart.size(), random);
    for (const Twist& twist : kTwists) {
      const std::vector<float> together = c.run(table, kFarApart, twist);
      for (std::size_t i = 0; i < kFarApart.size(); ++i) {
        AttentionCase alone = c;
        alone.queries.assign(c.queries.begin() + std::ptrdiff_t(i * head_dim),
                             c.queries.begin() + std::ptrdiff_t((i + 1) * head_dim));
        const std::vector<float> one = alone.run(table, {kFarApart[i]}, twist);
        INFO(table.name << " " << format_info(type).name << " query " << i << text(twist));
        REQUIRE(std::memcmp(one.data(), together.data() + i * head_dim, head_dim * sizeof(float)) == 0);
      }
    }
  });
}

TEST_CASE("spans computed by themselves and merged are the whole, bit for bit") {
  const Format type = GENERATE(Format::f32, Format::f16, Format::q8_0);
  const auto require_whole = [&](const KernelTable& table) {
    std::mt19937 random(kSeed);
    for (const std::vector<std::size_t>& visible : {std::vector<std::size_t>{1100}, kFarApart, causal(1025, 50)}) {
      const AttentionCase c(type, 20, visible.back(), visible.size(), random);
      for (const Twist& twist : kTwists) {
        INFO(table.name << " " << format_info(type).name << " queries " << visible.size() << text(twist));
        const std::vector<float> whole = c.run(table, visible, twist), merged = c.run_by_spans(table, visible, twist);
        REQUIRE(std::memcmp(whole.data(), merged.data(), whole.size() * sizeof(float)) == 0);
      }
    }
  };
  require_whole(kReferenceKernels);
  for_each_table(require_whole);
}

TEST_CASE("the reference's attention is the textbook's") {
  const Format type = GENERATE(Format::f32, Format::f16, Format::q8_0);
  std::mt19937 random(kSeed);
  const std::size_t head_dim = 40, n_keys = 1100;
  const AttentionCase c(type, head_dim, n_keys, 2, random);
  for (const Twist& twist : kTwists) {
    const std::vector<float> got = c.run(kReferenceKernels, {n_keys - 1, n_keys}, twist);
    for (std::size_t q = 0; q < 2; ++q) {
      const std::vector<double> want = c.by_the_book(q, n_keys - 1 + q, twist);
      for (std::size_t i = 0; i < head_dim; ++i) {
        INFO("query " << q << text(twist));
        REQUIRE(got[q * head_dim + i] == Approx(want[i]).margin(1e-5));
      }
    }
  }
}

TEST_CASE("what does not fit the format of keys and values spoils the answer, loudly") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [type, too_large] : {std::pair{Format::f16, 70000.0f}, std::pair{Format::q8_0, 1e7f}}) {
    for (const float bad : {too_large, -too_large, infinity, std::nanf("")}) {
      for (const bool in_key : {true, false}) {
        std::mt19937 random(kSeed);
        AttentionCase c(type, 40, 70, 1, random);
        std::vector<float> key = random_floats(40, random), value = random_floats(40, random);
        (in_key ? key : value)[35] = bad;
        c.layout.store(c.memory[0].data() + c.offset(), 17, key.data(), value.data());
        for_each_table([&](const KernelTable& table) {
          INFO(table.name << " " << format_info(type).name << " " << bad << (in_key ? " in a key" : " in a value"));
          for (const float x : c.run(table, {70})) REQUIRE(std::isnan(x));
        });
      }
    }
  }
}

TEST_CASE("what is remembered is what its format rounds to") {
  std::mt19937 random(kSeed);
  for (const Format type : kv_types()) {
    for (const std::size_t head_dim : {1, 20, 32, 33, 64, 80}) {
      const KvLayout layout{type, head_dim};
      std::vector<std::byte> part(layout.bytes()), copy(layout.bytes());
      std::vector<std::vector<float>> keys, values;
      for (std::size_t at = 0; at < kPageKeys; ++at) {
        keys.push_back(random_floats(head_dim, random, 3));
        values.push_back(random_floats(head_dim, random, 3));
        layout.store(part.data(), at, keys.back().data(), values.back().data());
      }
      layout.copy(part.data(), copy.data(), 21);
      // Blocks are whole for the format: zeros behind the last element.
      const auto rounded = [&](std::vector<float> x) {
        x.resize(round_up(head_dim, kScaleBlock));
        std::vector<std::byte> stored(stored_bytes(type, x.size()));
        format_info(type).from_float(x.data(), stored.data(), x.size());
        format_info(type).to_float(stored.data(), x.data(), x.size());
        return x;
      };
      for (std::size_t at = 0; at < kPageKeys; ++at) {
        const std::vector<float> key = rounded(keys[at]), value = rounded(values[at]);
        for (std::size_t i = 0; i < head_dim; ++i) {
          INFO(format_info(type).name << " head_dim " << head_dim << " position " << at << " element " << i);
          REQUIRE(layout.key(part.data(), at, i) == key[i]);
          REQUIRE(layout.value(part.data(), at, i) == value[i]);
          if (at < 21) REQUIRE(layout.key(copy.data(), at, i) == key[i]);
          if (at < 21) REQUIRE(layout.value(copy.data(), at, i) == value[i]);
        }
      }
    }
  }
}
