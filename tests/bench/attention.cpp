// How fast attention is, next to what the processor's registers and memory allow.
//
//   bench_attention [--kernels NAME] [--kv-type TYPE] [--heads N] [--kv-heads N] [--head-dim N] [--tokens N] [--threads
//   N]
//                   [--milliseconds N] [--megabytes N]
//
// A line for each length up to --tokens: a whole prompt, GFLOP/s and the share of the peak (two operations for a
// multiply-add, of the pairs that are seen alone), and one token behind it, GB/s of keys and values and the share of
// the bandwidth.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <string>
#include <vector>

#include "cli/bandwidth.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"

using namespace continuo;

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string kernels, kv_type;
  std::size_t heads = 9, kv_heads = 3, head_dim = 64, tokens = 16384;
  int threads = usable_cores();
  double seconds = 0.2;                              // of each measurement
  std::size_t cache_bytes = std::size_t{256} << 20;  // for one token: more than any cache
};

// As many tokens as the engine computes in a step.
constexpr std::size_t kStep = 512;

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

double peak(ThreadPool& threads, double seconds, Peak function) {
  return rate(seconds, [&] {
    std::vector<double> done(static_cast<std::size_t>(threads.size()));
    threads.parallel_for(done.size(), [&](std::size_t i, int) { done[i] = static_cast<double>(function(100000)); });
    double sum = 0;
    for (const double d : done) sum += d;
    return sum;
  });
}

// Layers of random keys and values of `n` positions.
class Bench {
 public:
  Bench(const KernelTable& table, Format type, const Settings& s, std::size_t n, ThreadPool& threads)
      : table_(table), type_(type), s_(s), n_(n), threads_(threads), layout_{type, s.head_dim} {
    const std::size_t pages = (n + kPageKeys - 1) / kPageKeys, page = s.kv_heads * layout_.bytes();
    layers_ = std::max<std::size_t>(s.cache_bytes / (pages * page), 1);
    memory_.resize(layers_ * pages * page);
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    queries_.resize(kStep * s.heads * s.head_dim);
    for (float& x : queries_) x = normal(random);
    for (std::size_t at = 0; at < layers_ * pages * s.kv_heads * kPageKeys; ++at) {
      const float* const x = queries_.data() + at % kStep * s.head_dim;
      layout_.store(memory_.data() + at / kPageKeys * layout_.bytes(), at % kPageKeys, x, x);
    }
    for (std::size_t i = 0; i < layers_ * pages; ++i) pages_.push_back(memory_.data() + i * page);
    out_.resize(queries_.size());
    scratch_.resize(static_cast<std::size_t>(threads.size()) * attention_scratch(s.head_dim));
    sums_.resize(s.heads * (n / kSpanKeys + 1) * attention_sum_floats(s.head_dim));
  }

  // A prompt of n tokens in steps, as layers/attention.cpp shares it; returns the operations.
  double prompt() {
    const std::size_t rows = std::max<std::size_t>(kQueryTile / group(), 1);
    for (std::size_t step = 0; step < n_; step += kStep) {
      const std::size_t tokens = std::min(kStep, n_ - step), tiles = (tokens + rows - 1) / rows;
      threads_.parallel_for(tiles * s_.kv_heads, [&](std::size_t i, int worker) {
        const std::size_t first = (tiles - 1 - i % tiles) * rows;
        const auto queries = make_queries(i / tiles, step + first, std::min(rows, tokens - first));
        table_.attention[static_cast<std::size_t>(type_)](args(queries, 0, i / tiles, worker));
      });
    }
    const double pairs = static_cast<double>(n_) * static_cast<double>(n_ + 1) / 2;
    return 4 * pairs * static_cast<double>(s_.heads * s_.head_dim);
  }

  // The token at position n - 1 in every layer; returns the bytes of keys and values.
  double one_token() {
    const std::size_t spans = (n_ - 1) / kSpanKeys + 1, one = attention_sum_floats(s_.head_dim);
    for (std::size_t layer = 0; layer < layers_; ++layer) {
      threads_.parallel_for(s_.kv_heads * spans, [&](std::size_t i, int worker) {
        const auto queries = make_queries(i / spans, n_ - 1, 1);
        float* const sums = sums_.data() + i * group() * one;
        table_.attention_span[static_cast<std::size_t>(type_)](args(queries, layer, i / spans, worker), i % spans,
                                                               sums);
      });
      for (std::size_t head = 0; head < s_.heads; ++head) {
        float* const sums = sums_.data() + (head / group() * spans * group() + head % group()) * one;
        table_.merge_attention(sums, spans, group() * one, s_.head_dim, out_.data() + head * s_.head_dim);
      }
    }
    return static_cast<double>(layers_) * static_cast<double>(n_ * s_.kv_heads * layout_.bytes() / kPageKeys);
  }

 private:
  std::size_t group() const { return s_.heads / s_.kv_heads; }

  std::vector<AttentionQuery> make_queries(std::size_t kv_head, std::size_t first, std::size_t n) {
    std::vector<AttentionQuery> queries;
    for (std::size_t i = 0; i < n * group(); ++i) {
      const std::size_t position = first + i / group();
      const std::size_t at = (position % kStep * s_.heads + kv_head * group() + i % group()) * s_.head_dim;
      queries.push_back({queries_.data() + at, out_.data() + at, nullptr, 0, position + 1});
    }
    return queries;
  }

  AttentionArgs args(std::span<const AttentionQuery> queries, std::size_t layer, std::size_t kv_head, int worker) {
    return {.queries = queries,
            .pages = pages_.data() + layer * pages_.size() / layers_,
            .head_offset = kv_head * layout_.bytes(),
            .head_dim = s_.head_dim,
            .scale = 0.125f,
            .attn_logit_softcap = 0,
            .scratch = scratch_.data() + static_cast<std::size_t>(worker) * attention_scratch(s_.head_dim)};
  }

  const KernelTable& table_;
  Format type_;
  const Settings& s_;
  std::size_t n_, layers_ = 0;
  ThreadPool& threads_;
  KvLayout layout_;
  std::vector<std::byte> memory_;
  std::vector<const std::byte*> pages_;
  std::vector<float> queries_, out_, scratch_, sums_;
};

void measure(const KernelTable& table, Format type, const Settings& s, ThreadPool& threads, double bandwidth) {
  const double fma = peak(threads, s.seconds, table.peak_fma);
  for (std::size_t n = std::min<std::size_t>(512, s.tokens); n <= s.tokens; n *= n < 8192 ? 4 : 2) {
    Bench bench(table, type, s, n, threads);
    const double prompt = rate(s.seconds, [&] { return bench.prompt(); });
    const double one = rate(s.seconds, [&] { return bench.one_token(); });
    fmt::print("{:10} {:5} {:6} tokens  {:7.1f} GFLOP/s ({:3.0f} %)  {:7.2f} GB/s ({:3.0f} %)\n", table.name,
               format_info(type).name, n, prompt / 1e9, 100 * prompt / fma, one / 1e9, 100 * one / bandwidth);
    std::fflush(stdout);
  }
}

bool parse(int argc, char** argv, Settings& s) {
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--kernels")
      s.kernels = value;
    else if (name == "--kv-type")
      s.kv_type = value;
    else if (name == "--heads")
      s.heads = std::stoul(value);
    else if (name == "--kv-heads")
      s.kv_heads = std::stoul(value);
    else if (name == "--head-dim")
      s.head_dim = std::stoul(value);
    else if (name == "--tokens")
      s.tokens = std::stoul(value);
    else if (name == "--threads")
      s.threads = std::stoi(value);
    else if (name == "--milliseconds")
      s.seconds = std::stod(value) / 1000;
    else if (name == "--megabytes")
      s.cache_bytes = std::stoul(value) << 20;
    else
      return false;
  }
  return argc % 2 == 1 && s.kv_heads > 0 && s.heads >= s.kv_heads && s.heads % s.kv_heads == 0 && s.head_dim > 0 &&
         s.tokens > 0 && s.threads > 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings s;
  if (!parse(argc, argv, s)) {
    fmt::print(stderr,
               "usage: {} [--kernels NAME] [--kv-type TYPE] [--heads N] [--kv-heads N] [--head-dim N] "
               "[--tokens N] [--threads N] [--milliseconds N] [--megabytes N]\n",
               argv[0]);
    return 2;
  }
  ThreadPool threads(s.threads, ThreadPool::Crew::all);
  const double bandwidth = measure_bandwidth(threads, s.cache_bytes);
  fmt::print("{} threads, {:.1f} GB/s\n", s.threads, bandwidth / 1e9);
  for (const KernelTable* table : available_kernels()) {
    if (!s.kernels.empty() && table->name != s.kernels) continue;
    for (const Format type : kv_types()) {
      if (!s.kv_type.empty() && format_info(type).name != s.kv_type) continue;
      measure(*table, type, s, threads, bandwidth);
    }
  }
}
