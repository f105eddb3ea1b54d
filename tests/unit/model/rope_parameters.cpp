#include "base/json.h"
#include "model/rope_parameters.h"

#include <cmath>

#include "catch.h"
#include "unit/io/samples.h"

using namespace continuo;
using continuo::test::message_of;

namespace {

// Heads of 16 values, 256 positions.
Result<RopeSpec> resolve(const std::string& config, int head_dim = 16) {
  const Json json = Json::parse(config);
  return rope_spec(HyperParameters(json, "c"), head_dim, 256);
}
template <class Scaling>
Scaling scaling(const std::string& config) {
  const auto rope = resolve(config);
  INFO(message_of(rope));
  REQUIRE(rope);
  REQUIRE(std::holds_alternative<Scaling>(rope->scaling));
  return std::get<Scaling>(rope->scaling);
}
std::string refusal(const std::string& config, int head_dim = 16) { return message_of(resolve(config, head_dim)); }

}  // namespace

TEST_CASE("rope: nothing said", "[model]") {
  for (const char* config :
       {"{}", R"({"rope_scaling": null})", R"({"rope_parameters": {}})", R"({"rope_scaling": {"type": "default"}})",
        R"({"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}})", R"({"rope_theta": 10000})"}) {
    INFO(config);
    REQUIRE(resolve(config));
    CHECK(*resolve(config) == RopeSpec{.rotary_dim = 16, .theta = 10000, .scaling = {}});
  }
}

TEST_CASE("rope: both styles of files mean the same", "[model]") {
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {R"({"rope_theta": 5e5})", R"({"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}})"},
      {R"({"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2}})",
       R"({"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 500000.0}})"},
      {R"({"rope_theta": 5e5, "rope_scaling": {"type": "dynamic", "factor": 2}})",
       R"({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 500000.0}})"},
      {R"({"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
           "high_freq_factor": 4, "original_max_position_embeddings": 64}})",
       R"({"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8, "low_freq_factor": 1,
           "high_freq_factor": 4, "original_max_position_embeddings": 64}})"},
      {R"({"rope_theta": 5e5, "original_max_position_embeddings": 64, "rope_scaling": {"type": "yarn", "factor": 4}})",
       R"({"rope_parameters": {"rope_type": "yarn", "rope_theta": 5e5, "factor": 4,
           "original_max_position_embeddings": 64}})"}};
  for (const auto& [older, newer] : pairs) {
    INFO(older);
    REQUIRE(refusal(older).empty());
    REQUIRE(refusal(newer).empty());
    CHECK(*resolve(older) == *resolve(newer));
    CHECK(resolve(older)->theta == 500000);
  }
}

TEST_CASE("rope: each kind of scaling", "[model]") {
  CHECK(scaling<RopeLinear>(R"({"rope_scaling": {"type": "linear", "factor": 2.5}})") == RopeLinear{2.5});
  CHECK(scaling<RopeDynamic>(R"({"rope_scaling": {"type": "dynamic", "factor": 3}})") == RopeDynamic{3, 256});
  CHECK(scaling<RopeLlama3>(R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
        "high_freq_factor": 4, "original_max_position_embeddings": 64}})") == RopeLlama3{8, 1, 4, 64});
  // Without an original length the stated one is it.
  CHECK(scaling<RopeLlama3>(R"({"rope_scaling": {"rope_type": "llama3", "factor": 8, "low_freq_factor": 1,
        "high_freq_factor": 4}})") == RopeLlama3{8, 1, 4, 256});
}

TEST_CASE("rope: yarn's defaults", "[model]") {
  const auto yarn = [](const std::string& more) {
    return scaling<RopeYarn>(R"({"rope_parameters": {"rope_type": "yarn")" + more + "}}");
  };
  CHECK(yarn(R"(, "factor": 4)") == RopeYarn{.factor = 4,
                                             .beta_fast = 32,
                                             .beta_slow = 1,
                                             .original_context = 256,
                                             .attention_factor = 0.1 * std::log(4.0) + 1,
                                             .truncate = true});
  // The factor is the quotient of the two lengths unless it is given.
  CHECK(yarn(R"(, "original_max_position_embeddings": 64)").factor == 4);
  CHECK(yarn(R"(, "factor": 4, "original_max_position_embeddings": 64)").original_context == 64);
  CHECK(yarn(R"(, "factor": 1)").attention_factor == 1);
  CHECK(yarn(R"(, "factor": 4, "attention_factor": 0.5)").attention_factor == 0.5);
  CHECK(yarn(R"(, "factor": 4, "attention_factor": 0.5, "mscale": 1, "mscale_all_dim": 2)").attention_factor == 0.5);
  const double half = (0.1 * 0.707 * std::log(4.0) + 1) / (0.1 * 1.5 * std::log(4.0) + 1);
  CHECK(yarn(R"(, "factor": 4, "mscale": 0.707, "mscale_all_dim": 1.5)").attention_factor == Approx(half));
  // One of the two alone, or 0, changes nothing.
  CHECK(yarn(R"(, "factor": 4, "mscale": 0.707)") == yarn(R"(, "factor": 4)"));
  CHECK(yarn(R"(, "factor": 4, "mscale": 0, "mscale_all_dim": 1)") == yarn(R"(, "factor": 4)"));
  CHECK(yarn(R"(, "factor": 4, "beta_fast": 0, "beta_slow": 0)") == yarn(R"(, "factor": 4)"));
  CHECK(yarn(R"(, "factor": 4, "beta_fast": 16, "beta_slow": 2)").beta_fast == 16);
  CHECK(yarn(R"(, "factor": 4, "truncate": false)").truncate == false);
  CHECK(yarn(R"(, "factor": 4, "finetuned": true)") == yarn(R"(, "factor": 4)"));
}

TEST_CASE("rope: what is refused", "[model]") {
  const std::string known =
      ", expected one of default, mrope, linear, dynamic, llama3, yarn, longrope, su, proportional";
  CHECK(refusal(R"({"rope_parameters": {"rope_type": "axial"}})") ==
        "c: 'rope_parameters.rope_type' is \"axial\"" + known);
  CHECK(refusal(R"({"rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]}})").empty());
  CHECK(refusal(R"({"rope_scaling": {"type": 3}})") == "c: 'rope_scaling.type' is 3, expected a string");
  CHECK(refusal(R"({"rope_scaling": {"type": "linear", "rope_type": "yarn"}})") ==
        "c: 'rope_scaling.rope_type' is \"yarn\", but 'rope_scaling.type' is \"linear\" (two names of the "
        "same thing; "
        "which is meant?)");
  CHECK(refusal(R"({"rope_scaling": {"factor": 2}})") ==
        "c: 'rope_scaling.factor' is 2, expected a rope_type that uses it");
  CHECK(refusal(R"({"rope_scaling": {"type": "linear"}})") == "c: 'rope_scaling.factor' is missing");
  CHECK(refusal(R"({"rope_scaling": {"type": "linear", "factor": 0.5}})") ==
        "c: 'rope_scaling.factor' is 0.5, expected a number of at least 1");
  CHECK(refusal(R"({"rope_theta": 0})") == "c: 'rope_theta' is 0, expected a number of at least 1");
  CHECK(refusal(R"({"rope_theta": 1e4, "rope_parameters": {"rope_theta": 1e5}})") ==
        "c: 'rope_parameters.rope_theta' is 100000.0, expected 10000, as at the file's top level");
  CHECK(refusal(R"({"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}})") ==
        "c: 'rope_scaling.high_freq_factor' is 4, expected more than low_freq_factor 4");
  CHECK(refusal(R"({"rope_scaling": {"type": "yarn", "factor": 2, "beta_fast": 1, "beta_slow": 2}})") ==
        "c: 'rope_scaling.beta_fast' is 1, expected a beta_fast that is not below beta_slow");
  CHECK(
      refusal(R"({"rope_scaling": {"type": "yarn", "factor": 2, "mscale": 1e308, "mscale_all_dim": 1e308}})").empty());
  CHECK(refusal(R"({"rope_scaling": {"type": "yarn", "factor": 1e300, "mscale": 1e308, "mscale_all_dim": 1}})") ==
        "c: 'rope_scaling.mscale' is 1e+308, expected a number that gives a finite factor");
  CHECK(refusal(R"({"rope_theta": 1, "rope_scaling": {"type": "yarn", "factor": 2}})") ==
        "c: rope_theta is 1, expected more with rope_type yarn");
  CHECK(refusal(R"({"partial_rotary_factor": 0.5})") ==
        "c: partial_rotary_factor is 0.5, expected 1 (turning a part of each head is not supported for this "
        "kind of "
        "model)");
  CHECK(refusal("{}", 15) == "c: heads of 15 values, rotary positions turn pairs");
  CHECK(refusal(R"({"rope_scaling": {"type": "dynamic", "factor": 2}})", 2) ==
        "c: 'rope_scaling.type' is \"dynamic\", expected another where 2 values of a head turn");
  CHECK(refusal(R"({"rope_parameters": {"full_attention": {"rope_type": "default"}}})") ==
        "c: 'rope_parameters.full_attention' is an object, expected plain values (values that differ from "
        "layer to "
        "layer are not supported)");
}

TEST_CASE("rope: only dynamic scaling reaches beyond the stated length", "[model]") {
  const Json json = {{"max_position_embeddings", 256}};
  const HyperParameters p(json, "c");
  CHECK(scaled_context(p, {.rotary_dim = 16, .theta = 10000, .scaling = {}}, 256).value() == 256);
  CHECK(scaled_context(p, {.rotary_dim = 16, .theta = 10000, .scaling = RopeLinear{4}}, 256).value() == 256);
  CHECK(scaled_context(p, {.rotary_dim = 16, .theta = 10000, .scaling = RopeDynamic{2.5, 256}}, 256).value() == 640);
  CHECK_FALSE(scaled_context(p, {.rotary_dim = 16, .theta = 10000, .scaling = RopeDynamic{1e300, 256}}, 256));
}

TEST_CASE("rope: a part of each head", "[model]") {
  const auto partial = [](const std::string& config, int head_dim = 16) {
    const Json json = Json::parse(config);
    return rope_spec(HyperParameters(json, "c"), head_dim, 256, {.theta = 500, .share = 0.25, .share_is_free = true});
  };
  CHECK(partial("{}")->rotary_dim == 4);
  CHECK(partial("{}")->theta == 500);
  CHECK(partial(R"({"rotary_pct": 0.5, "rotary_emb_base": 100})")->rotary_dim == 8);
  CHECK(partial(R"({"rotary_pct": 0.5, "rotary_emb_base": 100})")->theta == 100);
  CHECK(partial(R"({"rope_parameters": {"partial_rotary_factor": 1.0}})")->rotary_dim == 16);
  CHECK(message_of(partial("{}", 10)).empty());
  CHECK(message_of(partial("{}", 12)) == "c: heads of 12 values, of which 3 turn, rotary positions turn pairs");
  CHECK(message_of(partial(R"({"partial_rotary_factor": 0})")) ==
        "c: heads of 16 values, of which 0 turn, rotary positions turn pairs");
  CHECK(message_of(partial(R"({"partial_rotary_factor": 1.5})")) ==
        "c: 'partial_rotary_factor' is 1.5, expected a number from 0 to 1");
}

TEST_CASE("rope: longrope", "[model]") {
  const auto with = [](const std::string& more, const std::string& top = "") {
    return "{" + top + R"("rope_scaling": {"short_factor": [1, 1.5], "long_factor": [2, 3])" + more + "}}";
  };
  const auto resolved = [&](const std::string& config) {
    const auto rope = resolve(config, 4);
    INFO(message_of(rope));
    REQUIRE(rope);
    return std::get<RopeFactors>(rope->scaling);
  };
  const RopeFactors plain = resolved(with(R"(, "type": "longrope", "original_max_position_embeddings": 64)"));
  CHECK(plain == RopeFactors{{1, 1.5f}, {2, 3}, 64, std::sqrt(1 + std::log(4.0) / std::log(64.0))});
  CHECK(resolved(with(R"(, "type": "su")", R"("original_max_position_embeddings": 64, )")) == plain);
  CHECK(resolved(with(R"(, "type": "su")")).attention_factor == 1);
  CHECK(resolved(with(R"(, "rope_type": "longrope", "attention_factor": 1.25)")).attention_factor == 1.25);
  CHECK(refusal(with(R"(, "type": "su")"), 8) == "c: 'rope_scaling.short_factor' is a list of 2, expected 4");
  CHECK(refusal(with(R"(, "type": "su", "original_max_position_embeddings": 1)"), 4) ==
        "c: the original context is 1, expected more with rope_type longrope");
  CHECK(refusal(R"({"rope_scaling": {"type": "su", "short_factor": [0], "long_factor": [1]}})", 2) ==
        "c: 'rope_scaling.short_factor' is 0, expected a number from 1e-9 to 1e9");
  CHECK(refusal(R"({"rope_scaling": {"type": "su"}})", 4) == "c: 'rope_scaling.short_factor' is missing");
  CHECK(refusal(R"({"rope_scaling": {"type": "su"}})", 4096) ==
        "c: 'rope_scaling.type' is \"su\", expected another where 4096 values of a head turn");
}
