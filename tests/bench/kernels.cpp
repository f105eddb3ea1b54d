// How fast each matrix kernel is, next to what the processor's registers and memory allow.
//
//   bench_kernels [--kernels NAME] [--format NAME] [--rows N] [--k N] [--threads N]
//                 [--milliseconds N] [--megabytes N]
//
// --megabytes: of weights that a pass reads, of equal matrices; 1: from a cache. 512 tokens take one matrix.
// A line each: kernels, format, tokens, GB/s of weights and its share of the bandwidth, GOP/s and its share
// of the peak.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/large_buffer.h"
#include "cli/bandwidth.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"

using namespace continuo;

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string kernels, format;
  std::size_t rows = 1536, k = 576;
  int threads = usable_cores();
  double seconds = 0.2;                               // of each measurement
  std::size_t weight_bytes = std::size_t{256} << 20;  // of a pass: more than any cache
};

constexpr std::size_t kMostFromMemory = 32;  // tokens up to which a step reads all weights from memory

// Best of short runs for as long as `seconds`, in units of work per second. run() returns the work it did.
template <class F>
double rate(double seconds, F&& run) {
  double best = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  do {
    const auto start = Clock::now();
    const double work = run();
    best = std::max(best, work / std::chrono::duration<double>(Clock::now() - start).count());
  } while (Clock::now() < end);
  return best;
}

double peak(ThreadPool& threads, const Settings& s, Peak function) {
  return rate(s.seconds, [&] {
    std::vector<double> done(static_cast<std::size_t>(threads.size()));
    threads.parallel_for(done.size(), [&](std::size_t i, int) { done[i] = static_cast<double>(function(100000)); });
    double sum = 0;
    for (const double d : done) sum += d;
    return sum;
  });
}

struct Machine {
  double bandwidth;
  double fma, int8;
};

// Copies of one random matrix, so that a pass over them comes from memory.
std::vector<std::byte> make_weights(Format format, const Settings& s, std::size_t copies) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0, 0.05f);
  std::vector<float> values(s.rows * s.k);
  for (float& v : values) v = normal(random);
  const std::size_t bytes = stored_bytes(format, values.size());
  std::vector<std::byte> out(bytes * copies);
  format_info(format).from_float(values.data(), out.data(), values.size());
  for (std::size_t i = 1; i < copies; ++i) std::memcpy(out.data() + i * bytes, out.data(), bytes);
  return out;
}

class Bench {
 public:
  Bench(const KernelTable& table, Format format, bool repacked, const Settings& s, std::size_t tokens,
        ThreadPool& threads)
      : table_(table), format_(format), repacked_(repacked), s_(s), tokens_(tokens), threads_(threads) {
    matrix_bytes_ = stored_bytes(format, s.rows * s.k);
    copies_ = tokens <= kMostFromMemory ? std::max<std::size_t>(s.weight_bytes / matrix_bytes_, 1) : 1;
    w_ = make_weights(format, s, copies_);
    if (repacked) repack();
    x_.resize(tokens * s.k);
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    for (float& x : x_) x = normal(random);
    y_.resize(tokens * s.rows);
    scratch_.resize(static_cast<std::size_t>(threads.size()) * int8_scratch_bytes(s.k));
    const std::size_t tile = table.int8->tile;
    rounded_.resize(tokens * int8_bytes(s.k));
    for (std::size_t t = 0; t < tokens; ++t) {
      const std::size_t first = t / tile * tile;
      table.int8->quantize(x_.data() + t * s.k, s.k, t - first, std::min(tile, tokens - first),
                           rounded_.data() + first * int8_bytes(s.k));
    }
  }

  bool integer() const { return table_.int8->matmul[static_cast<std::size_t>(format_)] != nullptr; }

  // One pass over all copies; returns the bytes of weights.
  double pass() {
    const std::size_t panel =
        std::max<std::size_t>(s_.rows / (4 * static_cast<std::size_t>(threads_.size())) / 16, 1) * 16;
    const std::size_t panels = (s_.rows + panel - 1) / panel;
    threads_.parallel_for(panels * copies_, [&](std::size_t i, int worker) {
      const std::size_t first = i % panels * panel, n = std::min(panel, s_.rows - first);
      multiply(w_.data() + i / panels * matrix_bytes_ + stored_bytes(format_, first * s_.k), first, n, worker);
    });
    return static_cast<double>(matrix_bytes_ * copies_);
  }

  double operations_per_byte() const {
    return 2.0 * static_cast<double>(s_.rows * s_.k * tokens_) / static_cast<double>(matrix_bytes_);
  }

 private:
  void repack() {
    const std::size_t panel = table_.int8->panel, all = copies_ * s_.rows;
    panel_bytes_ = repacked_bytes(format_, panel, s_.k);
    panels_ = LargeBuffer(all / panel * panel_bytes_);
    table_.int8->repack[static_cast<std::size_t>(format_)](w_.data(), stored_bytes(format_, s_.k), all, s_.k,
                                                           panels_.data());
  }

  void multiply(const std::byte* w, std::size_t first, std::size_t n, int worker) {
    const std::size_t stride = stored_bytes(format_, s_.k), f = static_cast<std::size_t>(format_);
    std::byte* const scratch = scratch_.data() + static_cast<std::size_t>(worker) * int8_scratch_bytes(s_.k);
    if (repacked_) {
      const std::size_t row = static_cast<std::size_t>(w - w_.data()) / stride;
      table_.int8->matmul_repacked[f](panels_.data() + row / table_.int8->panel * panel_bytes_, n, s_.k,
                                      rounded_.data(), tokens_, y_.data() + first, s_.rows, scratch);
    } else if (integer()) {
      table_.int8->matmul[f](w, stride, n, s_.k, rounded_.data(), tokens_, y_.data() + first, s_.rows, scratch);
    } else {
      table_.matmul[f](w, stride, n, s_.k, x_.data(), s_.k, tokens_, y_.data() + first, s_.rows);
    }
  }

  const KernelTable& table_;
  Format format_;
  bool repacked_;
  const Settings& s_;
  std::size_t tokens_, matrix_bytes_, copies_, panel_bytes_ = 0;
  LargeBuffer panels_;
  ThreadPool& threads_;
  std::vector<std::byte> w_, rounded_, scratch_;
  std::vector<float> x_, y_;
};

void measure_format(const KernelTable& table, Format format, bool repacked, const Settings& s, ThreadPool& threads,
                    const Machine& m) {
  for (const std::size_t tokens :
       {std::size_t{1}, std::size_t{4}, std::size_t{16}, std::size_t{32}, std::size_t{512}}) {
    Bench bench(table, format, repacked, s, tokens, threads);
    const double bytes = rate(s.seconds, [&] { return bench.pass(); });
    const double operations = bytes * bench.operations_per_byte(), peak = bench.integer() ? m.int8 : m.fma;
    fmt::print("{:10} {:7}{} {:4} tokens  {:7.2f} GB/s ({:3.0f} %)  {:8.1f} G{}/s ({:3.0f} %)\n", table.name,
               format_info(format).name, repacked ? " repacked" : "", tokens, bytes / 1e9, 100 * bytes / m.bandwidth,
               operations / 1e9, bench.integer() ? "OP" : "FLOP", 100 * operations / peak);
    std::fflush(stdout);
  }
}

// Activations of one token at a time, from the first-level cache.
void measure_rounding(const KernelTable& table, const Settings& s) {
  const std::vector<float> x(s.k, 0.25f);
  const std::size_t tile = table.int8->tile;
  std::vector<std::byte> out(tile * int8_bytes(s.k));
  const double blocks = rate(s.seconds, [&] {
    for (std::size_t t = 0; t < tile; ++t) table.int8->quantize(x.data(), s.k, t, tile, out.data());
    return static_cast<double>(tile * s.k / kInt8Block);
  });
  fmt::print("{:10} rounding {:.1f} ns a block of {}\n", table.name, 1e9 / blocks, kInt8Block);
}

bool parse(int argc, char** argv, Settings& s) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--kernels")
      s.kernels = value;
    else if (name == "--format")
      s.format = value;
    else if (name == "--rows")
      s.rows = std::stoul(value);
    else if (name == "--k")
      s.k = std::stoul(value);
    else if (name == "--threads")
      s.threads = std::stoi(value);
    else if (name == "--milliseconds")
      s.seconds = std::stod(value) / 1000;
    else if (name == "--megabytes")
      s.weight_bytes = std::stoul(value) << 20;
    else
      return false;
  }
  return argc % 2 == 1 && s.rows > 0 && s.k > 0 && s.threads > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  if (!parse(argc, argv, s)) {
    fmt::print(stderr,
               "usage: {} [--kernels NAME] [--format NAME] [--rows N] [--k N] [--threads N] "
               "[--milliseconds N] [--megabytes N]\n",
               argv[0]);
    return 2;
  }
  ThreadPool threads(s.threads, ThreadPool::Crew::all);
  const double bandwidth = measure_bandwidth(threads, s.weight_bytes);
  fmt::print("{} threads, {:.1f} GB/s\n", s.threads, bandwidth / 1e9);
  for (const KernelTable* table : available_kernels()) {
    if (!s.kernels.empty() && table->name != s.kernels) continue;
    const Machine m{bandwidth, peak(threads, s, table->peak_fma), peak(threads, s, table->int8->peak)};
    fmt::print("{}: {:.1f} GFLOP/s multiply-add, {:.1f} GOP/s of bytes\n", table->name, m.fma / 1e9, m.int8 / 1e9);
    if (s.k % kInt8Block == 0) measure_rounding(*table, s);
    for (const FormatInfo& info : formats()) {
      if (!s.format.empty() && info.name != s.format) continue;
      if (s.k % info.block_values != 0) continue;
      if (!table->matmul[static_cast<std::size_t>(info.format)] &&
          !table->int8->matmul[static_cast<std::size_t>(info.format)])
        continue;
      measure_format(*table, info.format, false, s, threads, m);
      const bool whole_panels = s.rows % table->int8->panel == 0;
      if (whole_panels && table->int8->repack[static_cast<std::size_t>(info.format)]) {
        measure_format(*table, info.format, true, s, threads, m);
      }
    }
  }
}
