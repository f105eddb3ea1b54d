// What a draw costs, by the chain's options.
//
//   bench_sampling [--vocab N] [--repeat N] [--only OPTIONS]
//
// A line each: options, median processor time of a draw. Logits are about normal, as wide as a trained
// model's.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "sampling/sampler.h"

using namespace continuo;

namespace {

std::vector<float> make_logits(std::size_t n, unsigned seed, float width) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, width);
  std::vector<float> logits(n);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

double median_ms(const SamplingOptions& options, std::size_t vocab, std::size_t repeat, float width) {
  Sampler sampler(options, vocab);
  SamplingScratch scratch;
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) sampler.observe(static_cast<TokenId>(random() % vocab));
  std::vector<std::vector<float>> logits;
  for (unsigned i = 0; i < 4; ++i) logits.push_back(make_logits(vocab, i, width));
  std::vector<double> times;
  const auto now = [] {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return 1e3 * static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_nsec);
  };
  for (std::size_t i = 0; i < repeat; ++i) {
    const double start = now();
    const auto id = sampler.sample(logits[i % logits.size()], {0, i}, scratch);
    times.push_back(now() - start);
    if (!id) std::abort();
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t vocab = 151936, repeat = 200;
  std::string only;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--only")
      only = argv[i + 1];
    else
      (name == "--vocab" ? vocab : repeat) = std::stoul(argv[i + 1]);
  }
  const struct {
    const char* name;
    SamplingOptions options;
  } cases[] = {
      {"greedy", {.temperature = 0}},
      {"temperature", {.temperature = 0.8f}},
      {"top-k 40", {.temperature = 0.8f, .top_k = 40}},
      {"top-p 0.95", {.temperature = 0.8f, .top_p = 0.95f}},
      {"min-p 0.05", {.temperature = 0.8f, .min_p = 0.05f}},
      {"typical 0.95", {.temperature = 0.8f, .typical_p = 0.95f}},
      {"top-k 40, top-p 0.95, penalties",
       {.temperature = 0.8f,
        .top_k = 40,
        .top_p = 0.95f,
        .repeat_penalty = 1.1f,
        .presence_penalty = 0.1f,
        .frequency_penalty = 0.1f}},
      {"top-p 0.95, penalties",
       {.temperature = 0.8f,
        .top_p = 0.95f,
        .repeat_penalty = 1.1f,
        .presence_penalty = 0.1f,
        .frequency_penalty = 0.1f}},
  };
  for (const float width : {3.0f, 0.6f}) {
    fmt::print("logits {} wide\n", width);
    for (const auto& [name, options] : cases) {
      if (only.empty() || only == name)
        fmt::print("  {:<34} {:.3f} ms\n", name, median_ms(options, vocab, repeat, width));
    }
  }
}
