// Sampling options resolved: typed, else those of the model (loading/generation_config.h).
#pragma once

#include "base/error.h"
#include "cli/options.h"
#include "loading/generation_config.h"
#include "requests/request.h"
#include "sampling/options.h"

namespace continuo {

// What can be said against the typed options before a model is read.
Result<void> validate_typed(const Options& options);

// What is typed, so that the model's word on it does not count.
ChosenSampling chosen_sampling(const Options& options);
SamplingOptions resolve_sampling(const Options& options, const SamplingOptions& of_model);

// What the options say where a request does not.
RequestDefaults request_defaults(const Options& options, const SamplingOptions& of_model);

}  // namespace continuo
