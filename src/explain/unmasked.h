// A causal network with its mask taken away in every layer: what it would be to look to the right as well.
#pragma once

#include "explain/explain.h"

namespace continuo::explain {

// Of networks whose layers all have attention and keep no recurrent state; for a text that is drawn whole.
void take_mask_away(const Machine& machine, const Question& question, Recording& recording);

}  // namespace continuo::explain
