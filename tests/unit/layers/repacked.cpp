#include "layers/repacked.h"

#include <algorithm>
#include <random>

#include "catch.h"
#include "layers/linear.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 31;

struct Stored {
  std::vector<std::byte> bytes;
  Matrix matrix;
};

Stored random_matrix(Format format, Layout layout, std::size_t rows, std::size_t cols) {
  std::mt19937 random(kSeed);
  std::normal_distribution<float> normal;
  std::vector<float> values(rows * cols);
  for (float& v : values) v = normal(random);
  Stored stored{std::vector<std::byte>(stored_bytes(format, values.size())),
                {.format = format,
                 .layout = layout,
                 .rows = rows,
                 .cols = cols,
                 .stride = layout == Layout::transposed ? rows : cols}};
  format_info(format).from_float(values.data(), stored.bytes.data(), values.size());
  stored.matrix.data = stored.bytes.data();
  return stored;
}

std::vector<float> product(const Matrix& w, std::size_t tokens, RepackedWeights* repacked, ThreadPool& threads) {
  Scratch scratch(threads.size());
  Step step{.kernels = best_kernels(), .threads = threads, .scratch = scratch, .repacked = repacked};
  std::mt19937 random(kSeed);
  std::normal_distribution<float> normal;
  std::vector<float> x(tokens * w.cols), y(tokens * w.rows);
  for (float& v : x) v = normal(random);
  const Linear map{w, {}};
  linear(step, {{&map, {y.data(), w.rows}}}, {x.data(), w.cols}, tokens);
  return y;
}

}  // namespace

TEST_CASE("repacked weights give the products of those that are stored") {
  ThreadPool threads(2);
  for (const auto& [format, layout] : {std::pair{Format::q8_0, Layout::row_major},
                                       {Format::q4_0, Layout::row_major},
                                       {Format::q4_1, Layout::row_major},
                                       {Format::q5_0, Layout::row_major},
                                       {Format::iq4_nl, Layout::row_major},
                                       {Format::mxfp4, Layout::row_major},
                                       {Format::q3_k, Layout::row_major},
                                       {Format::q4_k, Layout::row_major},
                                       {Format::q6_k, Layout::row_major},
                                       {Format::f32, Layout::transposed},
                                       {Format::bf16, Layout::transposed}}) {
    for (const std::size_t rows : {16, 48, 400, 17, 335}) {  // the last two: no whole panels
      const bool super_blocks = format_info(format).block_values == 256;
      for (const std::size_t cols :
           super_blocks ? std::vector<std::size_t>{256, 768} : std::vector<std::size_t>{32, 96, 544}) {
        const Stored w = random_matrix(format, layout, rows, cols);
        RepackedWeights repacked(best_kernels(), nullptr);
        for (const std::size_t tokens : {1, 3, 9, 40}) {
          INFO(format_info(format).name << ", " << rows << " x " << cols << ", " << tokens << " tokens");
          const auto want = product(w.matrix, tokens, nullptr, threads);
          REQUIRE(product(w.matrix, tokens, &repacked, threads) == want);
          if (best_kernels().name != "reference" || layout == Layout::transposed) {
            repacked.finish(threads);
            REQUIRE(&repacked.latest(w.matrix) != &w.matrix);
          }
          REQUIRE(product(w.matrix, tokens, &repacked, threads) == want);
        }
      }
    }
  }
}

TEST_CASE("repacking undoes the pairs of heads") {
  ThreadPool threads(2);
  for (const std::size_t head : {64, 96, 128, 24, 33}) {  // the last two: halves that are no whole panels
    for (const Format format : {Format::q8_0, Format::q4_0}) {
      Stored w = random_matrix(format, Layout::row_major, 16 * head, 96);
      const auto stored = product(w.matrix, 1, nullptr, threads);
      w.matrix.paired_head = head;
      RepackedWeights repacked(best_kernels(), nullptr);
      for (const std::size_t tokens : {1, 3, 40}) {
        INFO(format_info(format).name << ", heads of " << head << ", " << tokens << " tokens");
        const auto want = product(w.matrix, tokens, nullptr, threads);
        for (std::size_t i = 0; tokens == 1 && head % 2 == 0 && i < want.size(); ++i) {
          const std::size_t at = i % head, half = head / 2;
          REQUIRE(want[i] == stored[i - at + 2 * (at % half) + at / half]);
        }
        REQUIRE(product(w.matrix, tokens, &repacked, threads) == want);
        repacked.finish(threads);
        REQUIRE(product(w.matrix, tokens, &repacked, threads) == want);
      }
    }
  }
}

TEST_CASE("what cannot be repacked stays as it is") {
  ThreadPool threads(1);
  RepackedWeights repacked(best_kernels(), nullptr);
  const Stored few = random_matrix(Format::q8_0, Layout::row_major, 3, 32),
               plain = random_matrix(Format::f32, Layout::row_major, 16, 32),
               blocks = random_matrix(Format::q2_k, Layout::row_major, 16, 256);
  for (const Stored* w : {&few, &plain, &blocks}) repacked.want(w->matrix);
  repacked.finish(threads);
  for (const Stored* w : {&few, &plain, &blocks}) REQUIRE(&repacked.latest(w->matrix) == &w->matrix);
}

TEST_CASE("of two matrices that begin at the same byte one is repacked, and neither taken for the other") {
  ThreadPool threads(1);
  const Stored whole = random_matrix(Format::f32, Layout::transposed, 64, 32);
  Matrix part = whole.matrix;
  part.rows = 16;
  RepackedWeights repacked(best_kernels(), nullptr);
  repacked.want(whole.matrix);
  repacked.want(part);
  repacked.finish(threads);
  REQUIRE(&repacked.latest(whole.matrix) != &whole.matrix);
  REQUIRE(&repacked.latest(part) == &part);
  REQUIRE(product(part, 2, &repacked, threads) == product(part, 2, nullptr, threads));
}

TEST_CASE("repacking is spread over steps, and waits for the second") {
  ThreadPool threads(1);
  std::vector<Stored> all;
  for (int i = 0; i < 16; ++i) all.push_back(random_matrix(Format::f32, Layout::transposed, 64, 64));
  RepackedWeights repacked(best_kernels(), nullptr);
  const auto done = [&] {
    return std::count_if(all.begin(), all.end(),
                         [&](const Stored& w) { return &repacked.latest(w.matrix) != &w.matrix; });
  };
  repacked.go_on(threads);
  for (const Stored& w : all) repacked.want(w.matrix);
  REQUIRE(done() == 0);
  repacked.go_on(threads);
  REQUIRE(done() > 0);
  REQUIRE(done() <= 4);
  for (int step = 0; step < 8; ++step) repacked.go_on(threads);
  REQUIRE(done() == 16);
}
