#include "loading/generation_config.h"

#include <fmt/format.h>

#include <limits>

#include "base/json.h"
#include "io/checkpoint.h"

namespace continuo {

namespace {

constexpr float kDefaultTemperature = 0.8f;
constexpr float kDefaultTopP = 0.95f;

struct FileField {
  std::string_view key;
  std::string_view field;  // of SamplingOptions, as errors name it
  float SamplingOptions::*member;
  bool for_drawing;  // without a meaning at temperature 0
};
constexpr FileField kFileFields[] = {
    {"temperature", "temperature", &SamplingOptions::temperature, false},
    {"repetition_penalty", "repeat_penalty", &SamplingOptions::repeat_penalty, false},
    {"top_p", "top_p", &SamplingOptions::top_p, true},
    {"min_p", "min_p", &SamplingOptions::min_p, true},
    {"typical_p", "typical_p", &SamplingOptions::typical_p, true},
    {"dry_multiplier", "dry_multiplier", &SamplingOptions::dry_multiplier, true},  // not a field of transformers
};

// A file's value that counts; null: there is none.
const Json* value_of(const Json& config, std::string_view key, std::string_view field, const ChosenSampling& chosen) {
  const auto found = config.find(key);
  return chosen.fields.count(field) > 0 || found == config.end() || found->is_null() ? nullptr : &*found;
}

Error wrong_value(const std::string& file, std::string_view key, const Json& value, std::string_view expected) {
  return model_error(file, fmt::format("'{}' is {}, expected {}", key, shown_json(value), expected),
                     "a value that is stated replaces it");
}

Result<void> read_field(const FileField& field, const Json& value, const std::string& file, SamplingOptions& into) {
  if (!value.is_number()) return wrong_value(file, field.key, value, "a number");
  SamplingOptions alone;
  alone.*field.member = into.*field.member = value.get<float>();
  const auto valid = validate(alone);
  if (valid) return {};
  constexpr std::string_view kExpected = ", expected ";
  const std::string& what = valid.error().what;
  return wrong_value(file, field.key, value, what.substr(what.find(kExpected) + kExpected.size()));
}

}  // namespace

Result<SamplingOptions> generation_defaults(const Checkpoint& checkpoint, const ChosenSampling& chosen) {
  const std::string file = checkpoint.name + "/generation_config.json";
  SamplingOptions sampling;
  sampling.temperature = kDefaultTemperature;
  sampling.top_p = kDefaultTopP;
  const Json& config = checkpoint.generation_config;
  if (!config.is_object()) return sampling;
  const auto is_greedy = [&] {
    return chosen.greedy || (chosen.fields.count("temperature") == 0 && sampling.temperature == 0);
  };
  for (const FileField& field : kFileFields) {
    const Json* const value = value_of(config, field.key, field.field, chosen);
    if (value && !(field.for_drawing && is_greedy())) CONTINUO_TRY_VOID(read_field(field, *value, file, sampling));
  }
  if (const Json* const value = value_of(config, "top_k", "top_k", chosen); value && !is_greedy()) {
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    const std::int64_t k = value->is_number_integer() ? value->get<std::int64_t>() : -1;  // 2^63 turns negative
    if (k < 0 || k > kMost) {
      return wrong_value(file, "top_k", *value, fmt::format("a whole number from 0 to {}", kMost));
    }
    sampling.top_k = static_cast<int>(k);
  }
  return sampling;
}

}  // namespace continuo
