// RWKV's token shift: each row is mixed with the row before it, channel by channel.
#pragma once

#include <cstddef>
#include <span>

#include "layers/step.h"

namespace continuo {

// before[t] = the row before x[t] in its sequence (zeros before the first), `width` wide. The last row of each segment
// is kept in the `width` floats of the sequence's state at `slot`.
void rows_before(Step& step, StateSlot slot, Rows x, std::size_t width, Rows before);

// out = share * x + (1 - share) * before, as RWKV-4 and 5 mix.
void mix_rows(Step& step, Rows x, Rows before, std::span<const float> share, Rows out);
// out = x + share * (before - x), as RWKV-6 and 7 mix; `extra`: rows that are added to the shares, or no data.
void mix_differences(Step& step, Rows x, Rows before, std::span<const float> share, Rows extra, Rows out);

}  // namespace continuo
