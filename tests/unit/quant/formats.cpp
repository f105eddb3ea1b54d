#include <bit>
#include <cmath>
#include <limits>

#include "catch.h"
#include "quant/bf16.h"
#include "quant/f16.h"
#include "quant/format.h"

using namespace continuo;

TEST_CASE("every half-precision value is what the standard says") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float got = f16_value(static_cast<std::uint16_t>(bits));
    const int exponent = static_cast<int>(bits >> 10) & 31, fraction = static_cast<int>(bits & 0x3ff);
    const double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 31) {
      REQUIRE((fraction == 0 ? std::isinf(got) : std::isnan(got)));
    } else {
      const double want = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      REQUIRE(static_cast<double>(got) == sign * want);
    }
    REQUIRE(std::signbit(got) == (sign < 0));
  }
}

TEST_CASE("bfloat16 is the upper half of a float") {
  REQUIRE(bf16_value(0x3f80) == 1.0f);
  REQUIRE(bf16_value(0xc040) == -3.0f);
  REQUIRE(std::isinf(bf16_value(0x7f80)));
}

TEST_CASE("the table of formats") {
  REQUIRE(format_from_safetensors("BF16") == Format::bf16);
  REQUIRE_FALSE(format_from_safetensors("I64"));
  REQUIRE_FALSE(format_from_safetensors(""));
  for (const Format format : {Format::f32, Format::f16, Format::bf16}) REQUIRE(format_info(format).format == format);
  REQUIRE(stored_bytes(Format::f16, 10) == 20);
}
