#include "layers/rope.h"

#include <cmath>

#include "catch.h"

using namespace continuo;

TEST_CASE("rope_row gives cosines and sines of the float angle") {
  for (const double theta : {10000.0, 500000.0}) {
    const RopeFrequencies f = rope_frequencies({.rotary_dim = 64, .theta = theta, .scaling = {}}, 0);
    REQUIRE(f.turn.size() == 32);
    REQUIRE(f.turn[0] == 1.0f);
    std::vector<float> cos(32), sin(32);
    for (const std::size_t at : {0, 1, 2, 3, 100, 4095, 131071, 1000000}) {
      rope_row(f, at, cos.data(), sin.data());
      for (std::size_t i = 0; i < 32; ++i) {
        const float angle = static_cast<float>(at) * f.turn[i];
        // The double sine and cosine, rounded to float: exact but for ties that the double's last bit
        // decides.
        REQUIRE(cos[i] == Approx(std::cos(static_cast<double>(angle))).margin(1e-7));
        REQUIRE(sin[i] == Approx(std::sin(static_cast<double>(angle))).margin(1e-7));
      }
    }
  }
}

TEST_CASE("linear scaling divides every angle") {
  const RopeFrequencies plain = rope_frequencies({.rotary_dim = 16, .theta = 10000, .scaling = {}}, 0);
  const RopeFrequencies linear = rope_frequencies({.rotary_dim = 16, .theta = 10000, .scaling = RopeLinear{4}}, 0);
  for (std::size_t i = 0; i < 8; ++i) REQUIRE(linear.turn[i] == Approx(plain.turn[i] / 4));
}

TEST_CASE("dynamic scaling starts where the original context ends") {
  const RopeSpec spec{.rotary_dim = 16, .theta = 10000, .scaling = RopeDynamic{2, 100}};
  const RopeSpec plain{.rotary_dim = 16, .theta = 10000, .scaling = {}};
  REQUIRE(rope_frequencies(spec, 100).turn == rope_frequencies(plain, 0).turn);
  REQUIRE(rope_frequencies(spec, 101).turn != rope_frequencies(plain, 0).turn);
  // The slowest pair of a text of twice the length: theta grows by (2 * 2 - 1)^(16/14).
  const double theta = 10000 * std::pow(3.0, 16.0 / 14);
  REQUIRE(rope_frequencies(spec, 200).turn[7] == Approx(std::pow(theta, -14.0 / 16)));

  RopeTable table(spec);
  table.resize(2);
  table.set_row(0, 5, 200);
  table.set_row(1, 5, 50);
  REQUIRE(table.cos(0)[7] == Approx(std::cos(5 * std::pow(theta, -14.0 / 16))));
  REQUIRE(table.cos(1)[7] == Approx(std::cos(5 * std::pow(10000.0, -14.0 / 16))));
}

TEST_CASE("yarn keeps fast pairs, stretches slow ones, and scales the magnitude") {
  RopeYarn yarn;
  yarn.factor = 8;
  yarn.original_context = 4096;
  yarn.attention_factor = 1.2;
  const RopeSpec spec{.rotary_dim = 64, .theta = 10000, .scaling = yarn};
  const RopeFrequencies f = rope_frequencies(spec, 0);
  const RopeFrequencies plain = rope_frequencies({.rotary_dim = 64, .theta = 10000, .scaling = {}}, 0);
  REQUIRE(f.magnitude == Approx(1.2));
  REQUIRE(f.turn.front() == plain.turn.front());
  REQUIRE(f.turn.back() == Approx(plain.turn.back() / 8));
}

TEST_CASE("factors divide each pair's turn: short ones up to the original context, long ones beyond") {
  RopeSpec spec{.rotary_dim = 4, .theta = 100, .scaling = {}};
  spec.scaling =
      RopeFactors{.short_factors = {1, 2}, .long_factors = {4, 8}, .original_context = 50, .attention_factor = 1.5};
  REQUIRE(rope_frequencies(spec, 50).turn == std::vector<float>{1, 0.05f});
  REQUIRE(rope_frequencies(spec, 51).turn == std::vector<float>{0.25f, 0.0125f});
  REQUIRE(rope_frequencies(spec, 51).magnitude == 1.5f);
  RopeTable table(spec);
  table.resize(3);
  table.set_row(0, 7, 50);
  table.set_row(1, 7, 60);
  table.set_row(2, 7, 8);
  REQUIRE(table.cos(0)[1] == Approx(1.5 * std::cos(0.35)));
  REQUIRE(table.cos(1)[1] == Approx(1.5 * std::cos(0.0875)));
  REQUIRE(table.cos(2)[1] == table.cos(0)[1]);
}

TEST_CASE("clockwise pairs turn the other way") {
  RopeSpec spec{.rotary_dim = 4, .theta = 100, .scaling = {}};
  RopeTable table(spec);
  spec.negative_angle = true;
  RopeTable other(spec);
  for (RopeTable* one : {&table, &other}) {
    one->resize(1);
    one->set_row(0, 3, 3);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(other.cos(0)[i] == table.cos(0)[i]);
    REQUIRE(other.sin(0)[i] == -table.sin(0)[i]);
  }
}
