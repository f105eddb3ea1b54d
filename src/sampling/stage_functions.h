// The stages, one function each (stages.cpp has a row for each).
#pragma once

#include "sampling/stages.h"

namespace continuo {

// penalties.cpp: over scores
void add_bias(Chain& chain);
void penalize_repetition(Chain& chain);
void penalize_presence_and_frequency(Chain& chain);
void hold_back_end(Chain& chain);
void hasten_end(Chain& chain);
void forbid_repeated_ngrams(Chain& chain);
void keep_within_sigma(Chain& chain);
void dont_repeat_yourself(Chain& chain);

// truncation.cpp: over candidates
void keep_top_h(Chain& chain);
void cut_epsilon(Chain& chain);
void cut_eta(Chain& chain);
void exclude_top_choices(Chain& chain);
void keep_mirostat_1(Chain& chain);
void keep_mirostat_2(Chain& chain);
void adapt_to_target(Chain& chain);

}  // namespace continuo
