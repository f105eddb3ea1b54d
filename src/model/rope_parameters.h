// Rotary positions as files describe them, resolved into a RopeSpec.
#pragma once

#include "base/error.h"
#include "model/hyper_parameters.h"
#include "model/spec.h"

namespace continuo {

// Two styles of files mean the same: "rope_theta" beside a "rope_scaling" object (type or rope_type, factor,
// ...), and all of it in one "rope_parameters" object. Defaults are those of Hugging Face transformers 5. A
// scaling kind that is not known is an error that names it, and so is a part of a head that does not turn.
Result<RopeSpec> rope_spec(const HyperParameters& parameters, int head_dim, int context_length);

// The positions a model was made for, given the number its file states: the reference reads that number as
// the extended length for every kind of scaling but RopeDynamic, where it is the length before the extension.
Result<int> scaled_context(const HyperParameters& parameters, const RopeSpec& rope, int stated);

}  // namespace continuo
