#include "cli/sampling_settings.h"

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
  float SamplingOptions::*member;
};
constexpr FileField kFileFields[] = {
    {"temperature", &SamplingOptions::temperature},
    {"top_p", &SamplingOptions::top_p},
    {"min_p", &SamplingOptions::min_p},
    {"typical_p", &SamplingOptions::typical_p},
    {"repetition_penalty", &SamplingOptions::repeat_penalty},
};

template <class T, class U>
void take(const std::optional<T>& typed, U& into) {
  if (typed) into = *typed;
}

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
    return model_error(file, valid.error().what, "named as the option that it sets");
  }
  return sampling;
}

namespace {

void apply(const Options& options, SamplingOptions& sampling) {
  const TypedSampling& typed = options.sampling;
  take(typed.temperature, sampling.temperature);
  take(typed.top_k, sampling.top_k);
  take(typed.top_p, sampling.top_p);
  take(typed.min_p, sampling.min_p);
  take(typed.typical_p, sampling.typical_p);
  take(typed.repeat_penalty, sampling.repeat_penalty);
  take(typed.presence_penalty, sampling.presence_penalty);
  take(typed.frequency_penalty, sampling.frequency_penalty);
  sampling.logit_bias = typed.logit_bias;
  sampling.seed = options.seed;
}

}  // namespace

Result<void> validate_typed(const Options& options) {
  SamplingOptions sampling;
  apply(options, sampling);
  return validate(sampling);
}

Result<SamplingOptions> resolve_sampling(const Options& options, const Checkpoint& checkpoint) {
  CONTINUO_TRY(SamplingOptions sampling, generation_defaults(checkpoint));
  apply(options, sampling);
  return sampling;
}

}  // namespace continuo
