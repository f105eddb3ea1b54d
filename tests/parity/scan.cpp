// The scans of recurrent mixers: every table against the scalar reference, bit for bit where the target fuses
// multiply-adds, and any cut into runs of columns gives the same bits.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "catch.h"
#include "kernels/kernel_table.h"
#include "kernels/reference.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 20241203;
constexpr std::size_t kWidths[] = {1, 3, 8, 15, 16, 17, 64, 70, 131};

using Floats = std::vector<float>;

Floats normal(std::size_t n, std::mt19937& random, float spread = 1) {
  std::normal_distribution<float> draw(0, spread);
  Floats out(n);
  for (float& x : out) x = draw(random);
  return out;
}

Floats shares(std::size_t n, std::mt19937& random) {
  std::uniform_real_distribution<float> draw(0, 1);
  Floats out(n);
  for (float& x : out) x = draw(random);
  return out;
}

void require_same(const KernelTable& table, const Floats& got, const Floats& want) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool same = table.fused ? std::bit_cast<std::uint32_t>(got[i]) == std::bit_cast<std::uint32_t>(want[i])
                                  : std::fabs(got[i] - want[i]) <= 1e-4f * (1 + std::fabs(want[i]));
    if (!same) FAIL(table.name << " differs at " << i << ": " << got[i] << " instead of " << want[i]);
  }
}

// f(table, random) for every table, with the same numbers.
template <class F>
void for_each_table(F&& f) {
  for (const KernelTable* table : available_kernels()) {
    INFO("kernels " << table->name << ", seed " << kSeed);
    std::mt19937 random(kSeed);
    f(*table, random);
  }
}

struct MatrixCase {
  Floats state, keep, take, key, write, read, value, out;
  std::size_t keys, n, stride;
  bool takes, reads_before;

  MatrixCase(std::size_t keys_, std::size_t n_, bool takes_, bool before, std::mt19937& random)
      : state(normal(keys_ * (n_ + 5), random)),
        keep(shares(keys_, random)),
        take(normal(keys_, random, 0.3f)),
        key(normal(keys_, random, 0.3f)),
        write(normal(keys_, random)),
        read(normal(keys_, random)),
        value(normal(n_, random)),
        out(n_),
        keys(keys_),
        n(n_),
        stride(n_ + 5),
        takes(takes_),
        reads_before(before) {}
  // Three tokens, in runs of `run` columns.
  void run(const ScanKernels& scan, std::size_t run_columns) {
    for (int token = 0; token < 3; ++token) {
      for (std::size_t first = 0; first < n; first += run_columns) {
        scan.matrix_state({.state = state.data() + first,
                           .stride = stride,
                           .keys = keys,
                           .n = std::min(run_columns, n - first),
                           .keep = keep.data(),
                           .take = takes ? take.data() : nullptr,
                           .key = takes ? key.data() : nullptr,
                           .write = write.data(),
                           .read = read.data(),
                           .direct = 0.7f,
                           .reads_before = reads_before,
                           .value = value.data() + first,
                           .out = out.data() + first});
      }
    }
  }
};

}  // namespace

TEST_CASE("a matrix that decays, forgets and is written to") {
  for_each_table([](const KernelTable& table, std::mt19937& random) {
    for (const std::size_t n : kWidths) {
      for (const std::size_t keys : {1, 7, 64}) {
        for (const int flags : {0, 1, 2, 3}) {
          INFO(keys << " x " << n << ", flags " << flags);
          const MatrixCase fresh(keys, n, flags & 1, flags & 2, random);
          MatrixCase got = fresh, want = fresh, cut = fresh;
          got.run(*table.scan, n);
          want.run(*kReferenceKernels.scan, n);
          cut.run(*table.scan, 13);
          require_same(table, got.state, want.state);
          require_same(table, got.out, want.out);
          REQUIRE(got.state == cut.state);
          REQUIRE(got.out == cut.out);
        }
      }
    }
  });
}

TEST_CASE("a matrix's result may replace the values") {
  for_each_table([](const KernelTable& table, std::mt19937& random) {
    MatrixCase apart(16, 70, true, false, random), replaced = apart;
    apart.run(*table.scan, 70);
    for (int token = 0; token < 3; ++token) {
      Floats values = replaced.value;
      table.scan->matrix_state({replaced.state.data(), replaced.stride, 16, 70, replaced.keep.data(),
                                replaced.take.data(), replaced.key.data(), replaced.write.data(), replaced.read.data(),
                                0.7f, false, values.data(), values.data()});
      replaced.out = values;
    }
    REQUIRE(apart.out == replaced.out);
    REQUIRE(apart.state == replaced.state);
  });
}

TEST_CASE("channels whose values decay at rates of their own") {
  for_each_table([](const KernelTable& table, std::mt19937& random) {
    for (const std::size_t n : kWidths) {
      const std::size_t d_state = 16, stride = n + 3;
      const Floats rates = normal(d_state * stride, random), b = normal(d_state, random), c = normal(d_state, random),
                   delta = shares(n, random), x = normal(n, random), skip = normal(n, random);
      const Floats fresh = normal(d_state * stride, random);
      const auto run = [&](const ScanKernels& scan, Floats& state, Floats& out) {
        for (int token = 0; token < 3; ++token) {
          scan.channel_state({state.data(), rates.data(), stride, d_state, n, b.data(), c.data(), delta.data(),
                              x.data(), skip.data(), out.data()});
        }
      };
      Floats got = fresh, want = fresh, got_out(n), want_out(n);
      run(*table.scan, got, got_out);
      run(*kReferenceKernels.scan, want, want_out);
      INFO(n << " channels");
      require_same(table, got, want);
      require_same(table, got_out, want_out);
    }
  });
}

TEST_CASE("averages with weights that fade") {
  for_each_table([](const KernelTable& table, std::mt19937& random) {
    for (const std::size_t n : kWidths) {
      const Floats first = normal(n, random);
      Floats decay = shares(n, random);
      for (float& each : decay) each = -each;
      Floats got(3 * n), want(3 * n), got_out(n), want_out(n);
      for (int token = 0; token < 5; ++token) {
        const Floats key = normal(n, random, 4), value = normal(n, random);
        const auto run = [&](const ScanKernels& scan, Floats& state, Floats& out) {
          scan.average_state({state.data(), state.data() + n, state.data() + 2 * n, n, key.data(), value.data(),
                              first.data(), decay.data(), out.data()});
        };
        run(*table.scan, got, got_out);
        run(*kReferenceKernels.scan, want, want_out);
        INFO(n << " channels, token " << token);
        require_same(table, got_out, want_out);
        for (std::size_t i = 0; token == 0 && i < n; ++i)  // nothing else was seen
          REQUIRE(std::fabs(got_out[i] - value[i]) <= 1e-6f * (1 + std::fabs(value[i])));
        require_same(table, got, want);
      }
    }
  });
}

TEST_CASE("convolutions of a few rows") {
  for_each_table([](const KernelTable& table, std::mt19937& random) {
    for (const std::size_t n : kWidths) {
      for (const std::size_t taps : {1, 3, 4, 7}) {
        const Floats weights = normal(taps * (n + 2), random), rows = normal(taps * n, random),
                     bias = normal(n, random);
        std::vector<const float*> inputs;
        for (std::size_t k = 0; k < taps; ++k) inputs.push_back(rows.data() + k * n);
        for (const bool biased : {true, false}) {
          Floats got(n), want(n);
          const auto run = [&](const ScanKernels& scan, Floats& out) {
            scan.conv({inputs.data(), weights.data(), n + 2, taps, biased ? bias.data() : nullptr, out.data(), n});
          };
          run(*table.scan, got);
          run(*kReferenceKernels.scan, want);
          INFO(n << " channels, " << taps << " taps");
          require_same(table, got, want);
        }
      }
    }
  });
}
