// Weights in 8-bit floats with scales, as Qwen3-FP8, DeepSeek and Mistral publish them: read as the floats they stand
// for.
#pragma once

#include "base/error.h"

namespace continuo {

struct Checkpoint;

// Replaces tensors "X" in F8_E4M3 or F8_E5M2 by F32 ones: values times their scale, which stands in "X_scale_inv" or
// "X_scale": one for all, one for each row, or one for each block of `block` rows and columns that the quantization
// configuration states. Scales of activations are dropped: activations are not rounded. Nothing happens where the
// configuration names another method.
Result<void> unpack_fp8(Checkpoint& checkpoint);

}  // namespace continuo
