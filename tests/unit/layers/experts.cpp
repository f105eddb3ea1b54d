#include "layers/experts.h"

#include <cmath>
#include <limits>

#include "catch.h"

using namespace continuo;

namespace {

Routing routed(const ExpertsSpec& spec, std::vector<float> scores) {
  Routing routing;
  const std::size_t rows = scores.size() / spec.n_experts;
  route(spec, {scores.data(), std::size_t(spec.n_experts)}, rows, routing);
  return routing;
}

}  // namespace

TEST_CASE("each row goes to its likeliest experts, with their share of the softmax") {
  ExpertsSpec spec{.n_experts = 4, .n_active = 2, .expert = {}, .normalize = false, .shared = {}};
  const std::vector<float> scores = {0, 3, 1, 2,  //
                                     5, 0, 0, 4,  //
                                     0, 0, 0, 9};
  const Routing all = routed(spec, scores);
  REQUIRE(all.first_slots == std::vector<std::size_t>{0, 2, 3, 3, 6});
  REQUIRE(all.rows == std::vector<std::size_t>{1, 2, 0, 0, 1, 2});
  // Of equals the first: the third row's second expert is 0.
  REQUIRE(all.row_slots == std::vector<std::size_t>{2, 3, 0, 4, 1, 5});
  const double total = 1 + std::exp(3.0) + std::exp(1.0) + std::exp(2.0);
  REQUIRE(all.weights[2] == Approx(std::exp(3.0) / total));
  REQUIRE(all.weights[3] == Approx(std::exp(2.0) / total));

  spec.normalize = true;
  const Routing normalized = routed(spec, scores);
  REQUIRE(normalized.rows == all.rows);
  REQUIRE(normalized.weights[2] == Approx(1 / (1 + std::exp(-1.0))));
  REQUIRE(normalized.weights[2] + normalized.weights[3] == Approx(1));
}

TEST_CASE("a row's routing does not depend on the other rows") {
  const ExpertsSpec spec{.n_experts = 3, .n_active = 2, .expert = {}, .normalize = true, .shared = {}};
  const Routing alone = routed(spec, {0.3f, -1, 0.2f});
  const Routing second = routed(spec, {9, 9, 9, 0.3f, -1, 0.2f});
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(second.weights[second.row_slots[2 + i]] == alone.weights[alone.row_slots[i]]);
  }
}

TEST_CASE("scores that are no numbers still choose that many different experts") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const ExpertsSpec spec{.n_experts = 3, .n_active = 3, .expert = {}, .normalize = true, .shared = {}};
  for (const std::vector<float>& scores : {std::vector<float>{nan, nan, nan}, {inf, inf, -inf}, {-inf, -inf, nan}}) {
    REQUIRE(routed(spec, scores).first_slots == std::vector<std::size_t>{0, 1, 2, 3});
  }
}
