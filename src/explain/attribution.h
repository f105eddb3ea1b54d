// Direct logit attribution: which part of the network wrote the answer (Elhage et al. 2021, "A Mathematical Framework for
// Transformer Circuits"). A logit is u . norm(x), x the sum of what embedding, heads and feed-forward parts added; with the
// norm's divisor as it was, that is a sum over the parts.
#pragma once

#include "explain/explain.h"

namespace continuo::explain {

// Of the two likeliest tokens after the window's last row. Heads are listed where a layer's attention is known head by
// head, else the mixer is listed as a whole. The biases of the last norm and the output are one part, rounding another.
void attribute_logits(const Machine& machine, Recording& recording);

}  // namespace continuo::explain
