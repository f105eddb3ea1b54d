#include "cli/sampling_settings.h"

namespace continuo {

namespace {

template <class T, class U>
void take(const std::optional<T>& typed, U& into) {
  if (typed) into = *typed;
}

void apply(const Options& options, SamplingOptions& sampling) {
  const TypedSampling& typed = options.sampling;
  take(typed.temperature, sampling.temperature);
  take(typed.top_k, sampling.top_k);
  take(typed.top_p, sampling.top_p);
  take(typed.min_p, sampling.min_p);
  take(typed.typical_p, sampling.typical_p);
  take(typed.repeat_penalty, sampling.repeat_penalty);
  take(typed.dry_multiplier, sampling.dry_multiplier);
  take(typed.presence_penalty, sampling.presence_penalty);
  take(typed.frequency_penalty, sampling.frequency_penalty);
  sampling.logit_bias = typed.logit_bias;
  sampling.seed = options.seed;
  sampling.stop_tokens = options.stop_token_ids;
}

}  // namespace

Result<void> validate_typed(const Options& options) {
  SamplingOptions sampling = options.sampling.others;
  apply(options, sampling);
  return validate(sampling);
}

ChosenSampling chosen_sampling(const Options& options) {
  const TypedSampling& typed = options.sampling;
  ChosenSampling chosen{.greedy = typed.temperature == 0.0f};
  const auto note = [&](const auto& value, std::string_view field) {
    if (value) chosen.fields.insert(field);
  };
  note(typed.temperature, "temperature");
  note(typed.repeat_penalty, "repeat_penalty");
  note(typed.dry_multiplier, "dry_multiplier");
  note(typed.top_p, "top_p");
  note(typed.top_k, "top_k");
  note(typed.min_p, "min_p");
  note(typed.typical_p, "typical_p");
  return chosen;
}

SamplingOptions resolve_sampling(const Options& options, const SamplingOptions& of_model) {
  SamplingOptions sampling = options.sampling.others;
  for (const auto member :
       {&SamplingOptions::temperature, &SamplingOptions::top_p, &SamplingOptions::min_p, &SamplingOptions::typical_p,
        &SamplingOptions::repeat_penalty, &SamplingOptions::dry_multiplier})
    sampling.*member = of_model.*member;
  sampling.top_k = of_model.top_k;
  apply(options, sampling);
  return sampling;
}

RequestDefaults request_defaults(const Options& options, const SamplingOptions& of_model) {
  return {.max_tokens = options.max_tokens,
          .ignore_eos = options.ignore_eos,
          .stop = options.stop,
          .include_stop = options.include_stop,
          .allowed_tokens = options.allowed_token_ids,
          .logprob_tokens = options.logprob_token_ids,
          .banned = options.banned,
          .repetition = options.repetition,
          .constraint = options.constraint,
          .exit = options.exit_when,
          .sampling = resolve_sampling(options, of_model),
          .logprobs = options.logprobs,
          .echo = options.echo,
          .longest_line = options.batch.max_line};
}

}  // namespace continuo
