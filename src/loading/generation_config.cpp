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
};
constexpr FileField kFileFields[] = {
    {"temperature", "temperature", &SamplingOptions::temperature},
    {"top_p", "top_p", &SamplingOptions::top_p},
    {"min_p", "min_p", &SamplingOptions::min_p},
    {"typical_p", "typical_p", &SamplingOptions::typical_p},
    {"repetition_penalty", "repeat_penalty", &SamplingOptions::repeat_penalty},
};

}  // namespace

Result<SamplingOptions> generation_defaults(const Checkpoint& checkpoint) {
  const std::string file = checkpoint.name + "/generation_config.json";
  SamplingOptions sampling;
  sampling.temperature = kDefaultTemperature;
  sampling.top_p = kDefaultTopP;
  const Json& config = checkpoint.generation_config;
  if (!config.is_object()) return sampling;
  for (const FileField& field : kFileFields) {
    const auto found = config.find(field.key);
    if (found == config.end() || found->is_null()) continue;
    if (!found->is_number()) return model_error(file, fmt::format("{} is not a number", field.key));
    sampling.*field.member = found->get<float>();
  }
  if (const auto found = config.find("top_k"); found != config.end() && !found->is_null()) {
    if (!found->is_number_integer() || found->get<std::int64_t>() > std::numeric_limits<int>::max()) {
      return model_error(file, "top_k is not a whole number in range");
    }
    sampling.top_k = static_cast<int>(found->get<std::int64_t>());
  }
  if (const auto valid = validate(sampling); !valid) {
    Error error = valid.error();
    for (const FileField& field : kFileFields) {
      if (field.field == error.field) error.field = field.key;
    }
    error.kind = ErrorKind::model;
    error.file = file;
    return error;
  }
  return sampling;
}

}  // namespace continuo
