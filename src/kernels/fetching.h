// How a processor best brings memory closer that is soon to be multiplied. Results do not depend on it.
#pragma once

namespace continuo {

// Whether this processor reads the streams of one token's weights faster when left alone, and other lines
// faster when they pass by the second-level cache: AMD's Zen 5, whose third-level cache takes in what the
// second drops.
bool streams_by_itself();

}  // namespace continuo
