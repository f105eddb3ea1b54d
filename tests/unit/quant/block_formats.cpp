// The formats of GGUF against the gguf package, bit for bit: tests/data/quant, made by scripts/make_quant_goldens.py.
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "catch.h"
#include "quant/format.h"
#include "support.h"

using namespace continuo;

namespace {

std::string golden(std::string_view name, const char* what) {
  return test::read_file(test::source_folder() / "data/quant" / (std::string(name) + what));
}

std::vector<float> as_floats(const std::string& bytes) {
  std::vector<float> floats(bytes.size() / 4);
  std::memcpy(floats.data(), bytes.data(), bytes.size());
  return floats;
}

const std::byte* as_bytes(const std::string& text) { return reinterpret_cast<const std::byte*>(text.data()); }

double root_mean_square_error(const FormatInfo& info, const std::vector<float>& values) {
  std::vector<std::byte> stored(stored_bytes(info.format, values.size()));
  std::vector<float> back(values.size());
  info.from_float(values.data(), stored.data(), values.size());
  info.to_float(stored.data(), back.data(), values.size());
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += std::pow(double(values[i]) - double(back[i]), 2);
  return std::sqrt(sum / double(values.size()));
}

}  // namespace

TEST_CASE("stored blocks are the values that the gguf package reads") {
  for (const FormatInfo& info : formats()) {
    if (info.format == Format::f32 || info.format == Format::f16) continue;
    INFO(info.name);
    const std::string stored = golden(info.name, ".stored"), want = golden(info.name, ".floats");
    REQUIRE(want.size() >= 512 * 4);
    REQUIRE(stored.size() == stored_bytes(info.format, want.size() / 4));
    std::vector<float> got(want.size() / 4);
    info.to_float(as_bytes(stored), got.data(), got.size());
    const std::vector<float> expected = as_floats(want);
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (std::memcmp(&got[i], &expected[i], 4) != 0) FAIL("value " << i << ": " << got[i] << " for " << expected[i]);
    }
  }
}

TEST_CASE("packed blocks are those that the gguf package writes") {
  const std::vector<float> floats = as_floats(test::read_file(test::source_folder() / "data/quant/floats"));
  REQUIRE(floats.size() == 1024);
  for (const Format format : {Format::bf16, Format::q4_0, Format::q4_1, Format::q5_0, Format::q5_1, Format::q8_0,
                              Format::mxfp4, Format::tq1_0, Format::tq2_0}) {
    const FormatInfo& info = format_info(format);
    INFO(info.name);
    const std::string want = golden(info.name, ".packed");
    std::string got(stored_bytes(format, floats.size()), '\0');
    info.from_float(floats.data(), reinterpret_cast<std::byte*>(got.data()), floats.size());
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      if (got[i] != want[i]) FAIL("byte " << i % info.block_bytes << " of block " << i / info.block_bytes);
    }
  }
}

TEST_CASE("more bits make smaller errors") {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> values(256 * 64);
  for (float& v : values) v = normal(random);
  const auto error = [&](Format format) { return root_mean_square_error(format_info(format), values) / 0.02; };
  // Relative errors on normal values; what an even better fit would give is not far below.
  CHECK(error(Format::f32) == 0);
  CHECK(error(Format::f16) < 0.0005);
  CHECK(error(Format::bf16) < 0.003);
  CHECK(error(Format::q8_0) < 0.006);
  CHECK(error(Format::q6_k) < 0.019);
  CHECK(error(Format::q5_k) < 0.040);
  CHECK(error(Format::q5_1) < 0.042);
  CHECK(error(Format::q5_0) < 0.046);
  CHECK(error(Format::iq4_nl) < 0.080);
  CHECK(error(Format::iq4_xs) < 0.080);
  CHECK(error(Format::q4_k) < 0.080);
  CHECK(error(Format::q4_1) < 0.087);
  CHECK(error(Format::q4_0) < 0.093);
  CHECK(error(Format::mxfp4) < 0.13);
  CHECK(error(Format::nvfp4) < 0.11);
  CHECK(error(Format::q3_k) < 0.17);
  CHECK(error(Format::iq3_s) < 0.14);
  CHECK(error(Format::iq3_xxs) < 0.19);
  CHECK(error(Format::q2_k) < 0.33);
  CHECK(error(Format::iq2_s) < 0.26);
  CHECK(error(Format::iq2_xs) < 0.31);
  CHECK(error(Format::iq2_xxs) < 0.35);
  CHECK(error(Format::iq1_m) < 0.46);
  CHECK(error(Format::iq1_s) < 0.48);
}

TEST_CASE("importance makes the errors smaller that count") {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.02f);
  std::vector<float> values(256 * 32), importance(values.size());
  for (float& v : values) v = normal(random);
  for (float& w : importance) w = std::exp(100 * normal(random));
  for (const FormatInfo& info : formats()) {
    if (!info.fit) continue;
    INFO(info.name);
    std::vector<std::byte> stored(stored_bytes(info.format, values.size()));
    std::vector<float> back(values.size());
    const auto error = [&] {
      info.to_float(stored.data(), back.data(), values.size());
      double sum = 0;
      for (std::size_t i = 0; i < values.size(); ++i)
        sum += double(importance[i]) * std::pow(double(values[i]) - double(back[i]), 2);
      return sum;
    };
    info.from_float(values.data(), stored.data(), values.size());
    const double plain = error();
    info.fit(values.data(), importance.data(), stored.data(), values.size());
    CHECK(error() < 0.95 * plain);
    // Where nothing counts, what is stored is still a number.
    const std::vector<float> nothing(values.size());
    info.fit(values.data(), nothing.data(), stored.data(), values.size());
    REQUIRE(std::isfinite(error()));
  }
}

TEST_CASE("what a format holds exactly survives it") {
  for (const FormatInfo& info : formats()) {
    INFO(info.name);
    const std::vector<float> zeros(256);
    REQUIRE(root_mean_square_error(info, zeros) == 0);
    // Tiny and constant blocks: no division by zero, nothing that is not a number.
    for (const float value : {1e-30f, -1e-42f, 0.5f, -3.0f}) {
      const std::vector<float> same(256, value);
      REQUIRE(root_mean_square_error(info, same) <= 0.07 * std::fabs(double(value)) + 1e-7);
    }
  }
}

TEST_CASE("half formats round to the nearest, ties to even") {
  const auto stored = [](Format format, float value) {
    std::uint16_t bits = 0;
    format_info(format).from_float(&value, reinterpret_cast<std::byte*>(&bits), 1);
    // The same in company.
    const float more[5] = {1, value, value, 2, value};
    std::uint16_t more_bits[5];
    format_info(format).from_float(more, reinterpret_cast<std::byte*>(more_bits), 5);
    for (const int i : {1, 2, 4}) REQUIRE(more_bits[i] == bits);
    return bits;
  };
  // Every binary16 comes back; halfway to the next goes to the even one.
  for (std::uint32_t bits = 0; bits < 0x7c00; ++bits) {
    float value = 0, next = 0;
    const auto low = static_cast<std::uint16_t>(bits), high = static_cast<std::uint16_t>(bits + 1);
    format_info(Format::f16).to_float(reinterpret_cast<const std::byte*>(&low), &value, 1);
    format_info(Format::f16).to_float(reinterpret_cast<const std::byte*>(&high), &next, 1);
    REQUIRE(stored(Format::f16, value) == bits);
    REQUIRE(stored(Format::f16, -value) == (bits | 0x8000));
    if (high == 0x7c00) continue;
    const float middle = value + (next - value) / 2;
    REQUIRE(stored(Format::f16, middle) == (bits % 2 == 0 ? bits : bits + 1));
    REQUIRE(stored(Format::f16, std::nextafter(middle, 0.0f)) == bits);
    REQUIRE(stored(Format::f16, std::nextafter(middle, 1e9f)) == bits + 1);
  }
  REQUIRE(stored(Format::f16, 65519.0f) == 0x7bff);
  REQUIRE(stored(Format::f16, 65520.0f) == 0x7c00);
  REQUIRE(stored(Format::f16, 1e30f) == 0x7c00);
  REQUIRE((stored(Format::f16, std::nanf("")) & 0x7fff) > 0x7c00);
  REQUIRE(stored(Format::bf16, 1.00390625f) == 0x3f80);
  REQUIRE(stored(Format::bf16, 1.01171875f) == 0x3f82);
}

TEST_CASE("the table knows each format by all its names") {
  for (const FormatInfo& info : formats()) {
    REQUIRE(&format_info(info.format) == &info);
    REQUIRE(format_from_name(info.name) == info.format);
    REQUIRE(format_from_gguf(info.gguf_type) == info.format);
  }
  REQUIRE_FALSE(format_from_name("q9_9"));
  REQUIRE_FALSE(format_from_gguf(9));  // Q8_1
}
