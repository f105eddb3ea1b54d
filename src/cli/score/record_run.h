// continuo score --jsonl: records in, scores out.
#pragma once

#include <atomic>

#include "base/error.h"
#include "cli/options.h"
#include "generate/engine.h"
#include "model/model.h"
#include "requests/scored.h"
#include "text/tokenizer.h"

namespace continuo {

Result<void> score_records(const Options& options, const Model& model, const Tokenizer& tokenizer, Engine& engine,
                           Windows windows, const std::atomic<bool>& interrupted);

}  // namespace continuo
