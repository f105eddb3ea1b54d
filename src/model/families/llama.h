// Llama, for the families that are Llama plus what differs.
#pragma once

#include "model/families.h"

namespace continuo {

Result<ModelSpec> llama_spec(const HyperParameters& parameters);
extern const Family kLlama;

}  // namespace continuo
