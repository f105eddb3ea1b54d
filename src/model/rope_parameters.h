// Rotary positions as files describe them, resolved into a RopeSpec.
#pragma once

#include "base/error.h"
#include "model/hyper_parameters.h"
#include "model/spec.h"

namespace continuo {

struct RopeDefaults {
  double theta = 10000;
  double share = 1;            // of each head's values that turn ("partial_rotary_factor")
  bool share_is_free = false;  // else a file that states another is refused: this kind of model turns whole heads
};

// Two styles of files mean the same: "rope_theta" beside a "rope_scaling" object (type or rope_type, factor,
// ...), and all of it in one "rope_parameters" object. Defaults are those of Hugging Face transformers 5. A
// scaling kind that is not known is an error that names it.
Result<RopeSpec> rope_spec(const HyperParameters& parameters, int head_dim, int context_length,
                           const RopeDefaults& defaults = {});

// The same with the section given: `top` is asked for what may stand beside it.
Result<RopeSpec> rope_spec(const HyperParameters& top, const HyperParameters& section, int head_dim, int context_length,
                           const RopeDefaults& defaults);

// Where layers with full attention and those with a window have rope parameters of their own: in sections of
// "rope_parameters"; where there are no sections, what the file says is of full attention.
struct RopesByKind {
  RopeSpec full, sliding;
};
Result<RopesByKind> ropes_by_kind(const HyperParameters& parameters, int head_dim, int context_length,
                                  const RopeDefaults& full, const RopeDefaults& sliding);

// The positions a model was made for, given the number its file states: the reference reads that number as
// the extended length for every kind of scaling but RopeDynamic, where it is the length before the extension.
Result<int> scaled_context(const HyperParameters& parameters, const RopeSpec& rope, int stated);

}  // namespace continuo
