// --mask-id, and what stands for a masked word without it.
#pragma once

#include "base/error.h"
#include "cli/options.h"
#include "loading/loaded_model.h"

namespace continuo {

// A token of the model's vocabulary. An error if nothing says which it is.
Result<TokenId> mask_token(const Options& options, const LoadedModel& model);

}  // namespace continuo
