#include "sampling/options.h"

#include <cmath>

#include "catch.h"

using namespace continuo;

TEST_CASE("options in range are valid") {
  SamplingOptions options;
  CHECK(validate(options, 10));
  options = {.temperature = 0,
             .top_k = 5,
             .top_p = 1e-6f,
             .min_p = 1,
             .typical_p = 1,
             .repeat_penalty = 0.5f,
             .presence_penalty = -2,
             .frequency_penalty = 2,
             .logit_bias = {{9, -100}}};
  CHECK(validate(options, 10));
}

TEST_CASE("an option out of range is named as the field it is") {
  const auto error = [](SamplingOptions options) {
    const auto result = validate(options, 10);
    REQUIRE(!result);
    CHECK(result.error().kind == ErrorKind::usage);
    return result.error().message();
  };
  const float nan = std::nanf(""), infinity = INFINITY;
  for (const float bad : {-0.1f, nan, infinity}) {
    CHECK(error({.temperature = bad}).starts_with("temperature is "));
  }
  for (const float bad : {0.0f, 1.5f, nan}) {
    CHECK(error({.top_p = bad}).starts_with("top_p is "));
    CHECK(error({.typical_p = bad}).starts_with("typical_p is "));
  }
  for (const float bad : {-0.5f, 1.5f, nan}) CHECK(error({.min_p = bad}).starts_with("min_p is "));
  for (const float bad : {0.0f, -1.0f, nan, infinity})
    CHECK(error({.repeat_penalty = bad}).starts_with("repeat_penalty is "));
  CHECK(error({.presence_penalty = nan}).starts_with("presence_penalty is "));
  CHECK(error({.frequency_penalty = infinity}).starts_with("frequency_penalty is "));
  CHECK(error({.top_k = -1}).starts_with("top_k is -1"));
  CHECK(error({.logit_bias = {{0, nan}}}).starts_with("logit_bias"));
  for (const float bad : {-1.5f, nan}) CHECK(error({.top_n_sigma = bad}).starts_with("top_n_sigma is "));
  CHECK(error({.dry_base = 0.5f}) == "dry_base is 0.5, expected a number >= 1");
  CHECK(error({.length_penalty_factor = 0}).starts_with("exponential_decay_length_penalty is 0:0, expected"));
  CHECK(error({.epsilon_cutoff = 1}).starts_with("epsilon_cutoff is 1"));
  CHECK(error({.mirostat = 3}) == "mirostat is 3, expected 0 (off), 1 or 2");
  CHECK(error({.adaptive_decay = 1}).starts_with("adaptive_decay is 1"));
  CHECK(error({.repeat_last_n = -2}).starts_with("repeat_last_n is -2"));
  CHECK(error({.logit_bias = {{10, 1}}}) ==
        "logit_bias names token 10, which is outside the vocabulary, expected 0 to 9");
  CHECK(error({.logit_bias = {{-1, 1}}}).starts_with("logit_bias"));
}
