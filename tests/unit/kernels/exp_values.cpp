#include "kernels/exp_values.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "catch.h"
#include "kernels/reference_math.h"

using namespace continuo;

namespace {

std::vector<float> samples() {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<float> values = {0.0f,  -0.0f,  kInf,  -kInf, std::numeric_limits<float>::quiet_NaN(),
                               88.5f, -87.5f, 1e30f, -1e30f};
  for (int i = -3000; i <= 3000; ++i) values.push_back(static_cast<float>(i) * 0.0291f);
  return values;
}

}  // namespace

TEST_CASE("exponentials of many values have the bits of one") {
  const std::vector<float> x = samples();
  for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{16}, std::size_t{33}, x.size()}) {
    std::vector<float> all = x;
    exp_values(all.data(), n);
    for (std::size_t i = 0; i < x.size(); ++i) {
      INFO(n << " values, value " << i << ": " << x[i]);
      const float want = i < n ? math::exp(x[i]) : x[i];
      REQUIRE(std::bit_cast<std::uint32_t>(all[i]) == std::bit_cast<std::uint32_t>(want));
    }
  }
}

TEST_CASE("softplus is near ln(1 + e^x), whatever stands beside a value") {
  const std::vector<float> x = samples();
  std::vector<float> all = x;
  softplus_values(all.data(), all.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    INFO("value " << i << ": " << x[i]);
    float alone = x[i];
    softplus_values(&alone, 1);
    REQUIRE(std::bit_cast<std::uint32_t>(all[i]) == std::bit_cast<std::uint32_t>(alone));
    if (!std::isfinite(x[i]) || std::fabs(x[i]) > 80) continue;
    const double want = std::log1p(std::exp(static_cast<double>(x[i])));
    REQUIRE(std::fabs(all[i] - want) <= 4e-7 * want);
  }
}
