// How a model wants to be sampled: its generation_config.json.
#pragma once

#include <set>
#include <string_view>

#include "base/error.h"
#include "sampling/options.h"

namespace continuo {

struct Checkpoint;

// What somebody has chosen, so that the file's word on it does not count, however broken.
struct ChosenSampling {
  std::set<std::string_view> fields;  // of SamplingOptions, as requests call them: "top_p"
  bool greedy = false;                // temperature 0 is among them: what only a draw needs does not count either
};

// What the file says, and the defaults where it says nothing. An error if it gives a value that cannot be meant and
// counts.
Result<SamplingOptions> generation_defaults(const Checkpoint& checkpoint, const ChosenSampling& chosen = {});

}  // namespace continuo
