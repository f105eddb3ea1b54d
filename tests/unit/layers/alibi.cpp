#include "layers/alibi.h"

#include "catch.h"
#include "kernels/kernel_table.h"

using namespace continuo;

TEST_CASE("the bias is slope * position, in whole key blocks, and grows without changing") {
  AlibiTable table({.slopes = {0.5f, 0.1f}, .bf16_products = false, .scale = 1});
  table.reserve(3);
  REQUIRE(table.bias(1)[kKeyBlock - 1] == 0.1f * 15);
  const float before = table.bias(0)[7];
  table.reserve(1000);
  REQUIRE(table.bias(0)[7] == before);
  REQUIRE(table.bias(0)[999] == 499.5f);
  REQUIRE(table.bias(1)[0] == 0);
}

TEST_CASE("in bfloat16 the position is rounded, and then the product") {
  // 8 bits of precision: 257 lies between 256 and 258 and goes to the even one, 259 to 260; torch says the
  // same.
  AlibiTable table({.slopes = {0.70703125f}, .bf16_products = true, .scale = 0.5f});
  table.reserve(300);
  REQUIRE(table.bias(0)[1] == 0.70703125f * 0.5f);
  REQUIRE(table.bias(0)[3] == 2.125f * 0.5f);  // 2.12109375
  REQUIRE(table.bias(0)[256] == 181.0f * 0.5f);
  REQUIRE(table.bias(0)[257] == 181.0f * 0.5f);
  REQUIRE(table.bias(0)[259] == 184.0f * 0.5f);  // 260 * 0.70703125 = 183.828
}
