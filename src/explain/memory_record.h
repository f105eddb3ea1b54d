// A recurrent mixer's scan as people can read it: which token's value is in which token's result, and how the
// state fares.
#pragma once

#include "explain/recording.h"
#include "layers/recurrence_view.h"

namespace continuo::explain {

// One head or channel. `continued`: the state held something before the window.
UnitRecord record_unit(const RecurrenceView& view, std::size_t unit, bool continued);
MemoryRecord record_memory(const RecurrenceView& view, bool continued);

// Tokens after which half of what was written is left, at a mean decay; nothing where it does not fade.
std::optional<double> half_life(double decay);
double mean_decay(const UnitRecord& unit);

// Channels that the mean is over, and those that are shown by themselves, at the most.
inline constexpr std::size_t kMostAveraged = 256, kShownChannels = 7;

}  // namespace continuo::explain
