// Decimal numbers, and the numbers of JSON within bounds: every one of many compared with what arithmetic says.
#include <fmt/format.h>

#include <cmath>

#include "base/json.h"
#include "grammar/decimal.h"
#include "unit/grammar/matching.h"

using namespace continuo;
using namespace continuo::test;

TEST_CASE("decimals of JSON numbers") {
  const auto text = [](const char* json) { return Decimal::of(*parse_json(json, ""))->text(); };
  CHECK(text("0") == "0");
  CHECK(text("-0.0") == "0");
  CHECK(text("12.50") == "12.5");
  CHECK(text("-1e-3") == "-0.001");
  CHECK(text("1.5e3") == "1500");
  CHECK(text("18446744073709551615") == "18446744073709551615");
  CHECK(text("1e20") == "100000000000000000000");
  const auto of = [](double value) { return *Decimal::of(Json(value)); };
  CHECK(of(-2.5) < of(-2.25));
  CHECK(of(-0.5) < of(0));
  CHECK(of(9.75) < of(10));
  CHECK(of(-2.5).floor().text() == "-3");
  CHECK(of(-2.5).ceil().text() == "-2");
  CHECK(of(2.5).ceil().text() == "3");
  CHECK(of(0.35).is_multiple_of(of(0.05)));
  CHECK(!of(0.36).is_multiple_of(of(0.05)));
  CHECK(!of(0.351).is_multiple_of(of(0.05)));
}

TEST_CASE("numbers between decimal bounds") {
  const double bounds[] = {-12.5, -3, -0.25, 0, 0.1, 0.15, 0.105, 1, 9.99, 10, 120.5};
  for (const double least : bounds) {
    for (const double most : bounds) {
      if (least > most) continue;
      for (const bool strict : {false, true}) {
        if (strict && least == most) continue;
        Matcher matcher =
            matcher_of(ConstraintKind::json,
                       {fmt::format(R"({{"type":"number","{}":{},"{}":{}}})", strict ? "exclusiveMinimum" : "minimum",
                                    least, strict ? "exclusiveMaximum" : "maximum", most)});
        for (int thousandths = -13000; thousandths <= 121000; thousandths += thousandths % 1000 == 0 ? 5 : 45) {
          const double value = thousandths / 1000.0;
          if (value == 0 && thousandths != 0) continue;
          const bool within = strict ? value > least && value < most : value >= least && value <= most;
          INFO(value << " of " << least << " to " << most << (strict ? ", both out" : ""));
          REQUIRE(takes(matcher, fmt::format("{}", value)) == within);
          REQUIRE(takes(matcher, fmt::format("{:.4f}", value)) == (within && !(value == 0 && std::signbit(value))));
        }
      }
    }
  }
}

TEST_CASE("multiples") {
  for (const char* step : {"3", "7", "10", "256"}) {
    Matcher matcher = matcher_of(ConstraintKind::json, {fmt::format(R"({{"type":"integer","multipleOf":{}}})", step)});
    for (int i = -2000; i <= 2000; ++i) REQUIRE(takes(matcher, std::to_string(i)) == (i % std::stoi(step) == 0));
    CHECK(!takes(matcher, "00"));
  }
  Matcher cents = matcher_of(ConstraintKind::json, {R"({"type":"number","multipleOf":0.05,"minimum":0})"});
  for (int i = 0; i <= 3000; ++i) REQUIRE(takes(cents, fmt::format("{}.{:03}", i / 1000, i % 1000)) == (i % 50 == 0));
  CHECK(takes(cents, "7"));
  Matcher even = matcher_of(ConstraintKind::json, {R"({"type":"number","multipleOf":2})"});
  CHECK(takes(even, "4.0"));
  CHECK(!takes(even, "5.0"));
  CHECK(!takes(even, "4."));
}
