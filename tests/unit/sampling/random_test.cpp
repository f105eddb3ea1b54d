#include "sampling/random.h"

#include "catch.h"

using continuo::philox4x32;
using continuo::uniform;
using Words = std::array<std::uint32_t, 4>;

TEST_CASE("Philox gives the published vectors") {  // Random123's kat_vectors, philox4x32 with 10 rounds
  CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform is in [0, 1), fair, and depends on all its arguments") {
  double sum = 0;
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double u = uniform(1, 2, i);
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
  }
  CHECK(sum / 10000 == Approx(0.5).margin(0.01));
  CHECK(uniform(0, 0, 0) == static_cast<double>(0xe169c58d6627e8d5u >> 11) * 0x1p-53);
  const std::uint64_t high = std::uint64_t{1} << 32;
  for (const auto& other :
       {std::array<std::uint64_t, 3>{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {high, 0, 0}, {0, high, 0}, {0, 0, high}}) {
    CHECK(uniform(0, 0, 0) != uniform(other[0], other[1], other[2]));
  }
}
