#include "base/json.h"
#include "model/hyper_parameters.h"

#include "catch.h"
#include "unit/io/samples.h"

using namespace continuo;
using continuo::test::message_of;

namespace {

// What `get` says of a config in which d_model is `value`.
template <class Get>
std::string refusal(const std::string& config, Get get) {
  const Json json = Json::parse(config);
  return message_of(get(HyperParameters(json, "c")));
}

const auto kCount = [](const HyperParameters& p) { return p.count("d_model"); };
const auto kNumber = [](const HyperParameters& p) { return p.number("rope_theta", kAboveZero); };
const auto kFlag = [](const HyperParameters& p) { return p.flag_or("tied_output", false); };
const auto kText = [](const HyperParameters& p) { return p.text("activation"); };

}  // namespace

TEST_CASE("hyper-parameters go by any of their names", "[model]") {
  for (const char* config : {R"({"hidden_size": 64})", R"({"n_embd": 64})", R"({"hidden_size": 64, "n_embd": 64})",
                             R"({"hidden_size": null, "n_embd": 64})"}) {
    const Json json = Json::parse(config);
    CHECK(HyperParameters(json, "c").count("d_model").value() == 64);
  }
  CHECK(refusal(R"({"hidden_size": 64, "n_embd": 32})", kCount) ==
        "c: 'hidden_size' is 64, but 'n_embd' is 32 (two names of the same thing; which is meant?)");
}

TEST_CASE("counts", "[model]") {
  const auto what = [](const std::string& value) { return refusal("{\"hidden_size\": " + value + "}", kCount); };
  const std::string expected = ", expected a whole number from 1 to 16777216";
  CHECK(what("1").empty());
  CHECK(what("16777216").empty());
  CHECK(what("16777217") == "c: 'hidden_size' is 16777217" + expected);
  CHECK(what("0") == "c: 'hidden_size' is 0" + expected);
  CHECK(what("-3") == "c: 'hidden_size' is -3" + expected);
  CHECK(what("64.0") == "c: 'hidden_size' is 64.0" + expected);
  CHECK(what("18446744073709551615") == "c: 'hidden_size' is 18446744073709551615" + expected);
  CHECK(what("1e300") == "c: 'hidden_size' is 1e+300" + expected);
  CHECK(what("\"64\"") == "c: 'hidden_size' is \"64\"" + expected);
  CHECK(what("true") == "c: 'hidden_size' is true" + expected);
  CHECK(what("[64]") == "c: 'hidden_size' is a list" + expected);
  CHECK(what("{}") == "c: 'hidden_size' is an object" + expected);
  CHECK(what("null") == "c: 'hidden_size' or 'n_embd' is missing");
  CHECK(refusal("{}", kCount) == "c: 'hidden_size' or 'n_embd' is missing");
  CHECK(what("\"" + std::string(100, 'x') + "\"") ==
        "c: 'hidden_size' is \"" + std::string(59, 'x') + "..." + expected);
  CHECK(refusal(R"({"hidden_size": 9})", [](const HyperParameters& p) { return p.count("d_model", 8); }) ==
        "c: 'hidden_size' is 9, expected a whole number from 1 to 8");
}

TEST_CASE("numbers", "[model]") {
  const auto what = [](const std::string& value) { return refusal("{\"rope_theta\": " + value + "}", kNumber); };
  CHECK(what("1").empty());
  CHECK(what("1e-5").empty());
  CHECK(what("0") == "c: 'rope_theta' is 0, expected a number above 0");
  CHECK(what("-1.5") == "c: 'rope_theta' is -1.5, expected a number above 0");
  CHECK(what("\"1\"") == "c: 'rope_theta' is \"1\", expected a number above 0");
  CHECK(what("false") == "c: 'rope_theta' is false, expected a number above 0");
  CHECK(what("null") == "c: 'rope_theta' or 'rotary_emb_base' is missing");
  Json json = {{"rope_theta", std::numeric_limits<double>::infinity()}};
  CHECK(message_of(kNumber(HyperParameters(json, "c"))).ends_with("expected a number above 0"));
  json["rope_theta"] = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of(kNumber(HyperParameters(json, "c"))).ends_with("expected a number above 0"));
  const auto ranged = [](const char* config, const NumberRange& range) {
    return refusal(config, [&](const HyperParameters& p) { return p.number_or("norm_eps", 0, range); });
  };
  CHECK(ranged(R"({"rms_norm_eps": 0})", kZeroToOne).empty());
  CHECK(ranged(R"({"rms_norm_eps": 1.1})", kZeroToOne) == "c: 'rms_norm_eps' is 1.1, expected a number from 0 to 1");
  CHECK(ranged(R"({"rms_norm_eps": 0.5})", kFromOne) == "c: 'rms_norm_eps' is 0.5, expected a number of at least 1");
  CHECK(ranged(R"({"rms_norm_eps": -1})", kFromZero) == "c: 'rms_norm_eps' is -1, expected a number of at least 0");
  CHECK(ranged("{}", kFromOne).empty());
}

TEST_CASE("flags and texts", "[model]") {
  CHECK(refusal(R"({"tie_word_embeddings": 1})", kFlag) == "c: 'tie_word_embeddings' is 1, expected true or false");
  CHECK(refusal(R"({"tie_word_embeddings": "true"})", kFlag) ==
        "c: 'tie_word_embeddings' is \"true\", expected true or false");
  CHECK(refusal("{}", kFlag).empty());
  CHECK(refusal(R"({"hidden_act": 3})", kText) == "c: 'hidden_act' is 3, expected a string");
  CHECK(refusal("{}", kText) == "c: 'hidden_act' or 'activation_function' is missing");
}

TEST_CASE("sections", "[model]") {
  const auto factor = [](const HyperParameters& p) -> Result<double> {
    CONTINUO_TRY(const HyperParameters section, p.section("rope_section"));
    return section.number("rope_factor", kFromOne);
  };
  CHECK(refusal(R"({"rope_scaling": {"factor": 2}})", factor).empty());
  CHECK(refusal(R"({"rope_scaling": {"factor": "2"}})", factor) ==
        "c: 'rope_scaling.factor' is \"2\", expected a number of at least 1");
  CHECK(refusal(R"({"rope_parameters": {}})", factor) == "c: 'rope_parameters.factor' is missing");
  CHECK(refusal(R"({"rope_scaling": [1]})", factor) == "c: 'rope_scaling' is a list, expected an object");
}

TEST_CASE("lists", "[model]") {
  const auto numbers = [](const std::string& value) {
    return refusal("{\"short_factor\": " + value + "}",
                   [](const HyperParameters& p) { return p.numbers("short_factors", 2, kAboveZero); });
  };
  CHECK(numbers("[1, 2.5]").empty());
  CHECK(numbers("[1]") == "c: 'short_factor' is a list of 1, expected 2");
  CHECK(numbers("[1, \"2\"]") == "c: 'short_factor' is \"2\", expected a number above 0");
  CHECK(numbers("3") == "c: 'short_factor' is 3, expected a list");
  CHECK(numbers("null") == "c: 'short_factor' is missing");
  const auto indices = [](const std::string& value) {
    return refusal("{\"mlp_only_layers\": " + value + "}",
                   [](const HyperParameters& p) { return p.indices("dense_layers"); });
  };
  CHECK(indices("[0, 7]").empty());
  CHECK(indices("null").empty());
  CHECK(indices("[-1]") == "c: 'mlp_only_layers' is -1, expected a whole number from 0 to 16777216");
  CHECK(indices("{}") == "c: 'mlp_only_layers' is an object, expected a list of at most 65536 whole numbers");
}

TEST_CASE("null is not absence where there is a default", "[model]") {
  const auto null = [](const char* config) {
    const Json json = Json::parse(config);
    return HyperParameters(json, "c").is_null("window");
  };
  CHECK(null(R"({"sliding_window": null})"));
  CHECK_FALSE(null("{}"));
  CHECK_FALSE(null(R"({"sliding_window": 4})"));
  CHECK_FALSE(null(R"({"sliding_window": null, "window_size": 4})"));
}
