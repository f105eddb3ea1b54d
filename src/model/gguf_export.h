// A model as a GGUF file has it: its numbers and tensors under GGUF's names. The other way round than gguf.h.
#pragma once

#include "base/error.h"
#include "io/gguf_writer.h"
#include "model/model.h"

namespace continuo {

// Adds metadata and tensors, all in f32, to `into`. An error names a family or a part of the spec that has no place
// there. `model` must stay until `into` is written.
Result<void> export_gguf(const Model& model, GgufWriter& into);

// The format that a tensor gets where `wanted` is asked for: `wanted` for matrices whose rows are whole blocks, else a
// format of smaller blocks that is not coarser; f32 for all that is small and matters much (vectors, routers,
// positions).
Format format_for(const GgufOutput& tensor, Format wanted);

}  // namespace continuo
