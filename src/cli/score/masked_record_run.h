// continuo score --jsonl with an encoder: records in, pseudo-log-likelihoods out.
#pragma once

#include <atomic>

#include "base/error.h"
#include "cli/options.h"
#include "generate/encoder.h"
#include "loading/loaded_model.h"

namespace continuo {

Result<void> score_masked_records(const Options& options, const LoadedModel& model, Encoder& encoder, TokenId mask,
                                  const std::atomic<bool>& interrupted);

}  // namespace continuo
