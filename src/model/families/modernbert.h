// What ModernBERT and the decoders of its kind share.
#pragma once

#include "model/families.h"

namespace continuo {

Result<ModelSpec> modernbert_decoder_spec(const HyperParameters& parameters);

}  // namespace continuo
