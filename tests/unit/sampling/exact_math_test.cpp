#include "sampling/exact_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "catch.h"
#include "sampling/random.h"

using continuo::exact_exp;
using continuo::exact_log;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Distance in representable numbers.
std::int64_t ulps(double a, double b) {
  return std::abs(std::bit_cast<std::int64_t>(a) - std::bit_cast<std::int64_t>(b));
}

}  // namespace

TEST_CASE("exact_exp agrees with the C library") {
  for (std::uint64_t i = 0; i < 200000; ++i) {
    const double x = -745 + 1454 * continuo::uniform(7, 0, i);
    CAPTURE(x);
    REQUIRE(ulps(exact_exp(x), std::exp(x)) <= 2);
    const double small = x / 1000;
    REQUIRE(ulps(exact_exp(small), std::exp(small)) <= 2);
  }
  CHECK(exact_exp(0) == 1);
  CHECK(exact_exp(-kInfinity) == 0);
  CHECK(exact_exp(-1e300) == 0);
  CHECK(exact_exp(kInfinity) == kInfinity);
  CHECK(exact_exp(710) == kInfinity);
  CHECK(std::isnan(exact_exp(std::nan(""))));
}

TEST_CASE("exact_exp_all gives the bits of exact_exp") {
  std::vector<double> values = {0,       -0.0,   -1e-300, -745, -745.1, -745.13,
                                -745.14, -745.2, -746,    -747, -1e300, -kInfinity};
  for (std::uint64_t i = 0; i < 100001; ++i) values.push_back(-760 * continuo::uniform(11, 0, i));
  std::vector<double> expected;
  for (const double x : values) expected.push_back(exact_exp(x));
  continuo::exact_exp_all(values);
  for (std::size_t i = 0; i < values.size(); ++i) REQUIRE(ulps(values[i], expected[i]) == 0);
}

TEST_CASE("exact_log agrees with the C library") {
  for (std::uint64_t i = 0; i < 200000; ++i) {
    const double x = std::exp(-740 + 1440 * continuo::uniform(8, 0, i));
    const double near_one = 0.5 + continuo::uniform(9, 0, i);
    CAPTURE(x, near_one);
    REQUIRE(std::fabs(exact_log(x) - std::log(x)) <= 2 * 0x1p-52 * std::fabs(std::log(x)));
    REQUIRE(std::fabs(exact_log(near_one) - std::log(near_one)) <= 2 * 0x1p-52 * std::fabs(std::log(near_one)));
  }
  CHECK(exact_log(1) == 0);
  CHECK(exact_log(0) == -kInfinity);
  CHECK(exact_log(kInfinity) == kInfinity);
  CHECK(std::isnan(exact_log(-1)));
  CHECK(std::isnan(exact_log(std::nan(""))));
}

// The bits themselves: whoever changes an operation changes every draw.
TEST_CASE("exact_exp and exact_log keep their bits") {
  std::uint64_t hash = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double x = -40 * continuo::uniform(10, 0, i);
    hash = hash * 0x100000001b3 + std::bit_cast<std::uint64_t>(exact_exp(x));
    hash = hash * 0x100000001b3 + std::bit_cast<std::uint64_t>(exact_log(-x + 1e-9));
  }
  CHECK(hash == 0xa2ae1aacae3c9933u);
}

TEST_CASE("exponents fall into buckets in their order") {
  CHECK(continuo::exponent_bucket(0) == 0);
  CHECK(continuo::exponent_bucket(-1.0 / 64) == 1);
  CHECK(continuo::exponent_bucket(-31.99) == 2047);
  CHECK(continuo::exponent_bucket(-1e300) == 2047);
  for (double x = 0; x > -40; x -= 0.01) CHECK(continuo::exponent_bucket(x) <= continuo::exponent_bucket(x - 0.01));
}

TEST_CASE("exponentials of scores have the bits of single ones") {
  std::vector<float> scores;
  for (std::uint64_t i = 0; i < 1003; ++i) scores.push_back(static_cast<float>(-200 * continuo::uniform(5, 0, i)));
  scores[7] = std::numeric_limits<float>::quiet_NaN();
  scores[100] = -std::numeric_limits<float>::infinity();
  scores[1001] = std::numeric_limits<float>::infinity();
  scores[500] = -3e38f;
  for (const double temperature : {0.3, 1.0, 1e-3}) {
    std::vector<std::int32_t> buckets(scores.size());
    std::vector<double> powers(scores.size());
    continuo::exact_exp_scores(scores, 0.5, temperature, buckets.data(), powers.data());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      INFO(i << ": " << scores[i]);
      const bool finite = std::isfinite(scores[i]);
      const double exponent = finite ? (double(scores[i]) - 0.5) / temperature : -1e4;
      REQUIRE(buckets[i] == continuo::exponent_bucket(exponent));
      REQUIRE(powers[i] == exact_exp(exponent));
      if (!finite) REQUIRE(powers[i] == 0);
    }
  }
}
