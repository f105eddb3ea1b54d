#include "sampling/order.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.h"
#include "sampling/random.h"

using continuo::kNotFinite;
using continuo::kScoreGroup;
using continuo::order_of;

TEST_CASE("orders are those of the scores, and back") {
  const std::vector<float> ascending = {-3e38f, -2, -1e-40f, 0, 1e-40f, 1, 1.5f, 3e38f};
  for (std::size_t i = 0; i + 1 < ascending.size(); ++i) {
    CHECK(order_of(ascending[i]) < order_of(ascending[i + 1]));
  }
  for (const float score : ascending) {
    CHECK(continuo::score_of(order_of(score)) == score);
    CHECK(order_of(score) > kNotFinite);
  }
  CHECK(order_of(-0.0f) == order_of(0.0f));
  for (const float odd : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    CHECK(order_of(odd) == kNotFinite);
  }
}

TEST_CASE("the best of each group and of all") {
  for (const std::size_t n : {0, 1, 63, 64, 65, 1000}) {
    std::vector<float> scores;
    for (std::size_t i = 0; i < n; ++i) scores.push_back(static_cast<float>(10 * continuo::uniform(3, 0, i) - 5));
    for (std::size_t i = 7; i < n; i += 50) scores[i] = std::numeric_limits<float>::infinity();
    for (std::size_t i = 9; i < n; i += 50) scores[i] = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 128; i < std::min<std::size_t>(n, 192); ++i)
      scores[i] = -std::numeric_limits<float>::infinity();
    std::vector<std::int32_t> bests((n + kScoreGroup - 1) / kScoreGroup);
    const std::int32_t best = continuo::best_orders(scores, bests.data());
    std::int32_t expected = kNotFinite;
    for (std::size_t g = 0; g < bests.size(); ++g) {
      std::int32_t of_group = kNotFinite;
      for (std::size_t i = g * kScoreGroup; i < std::min(n, (g + 1) * kScoreGroup); ++i) {
        of_group = std::max(of_group, order_of(scores[i]));
      }
      CHECK(bests[g] == of_group);
      expected = std::max(expected, of_group);
    }
    CHECK(best == expected);
  }
}
