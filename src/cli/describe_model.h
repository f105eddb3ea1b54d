// The parts of a ModelSpec in words and as JSON: one function a kind of part, one case a kind of mathematics.
#pragma once

#include <optional>
#include <string>

#include "model/spec.h"
#include "requests/json_answer.h"

namespace continuo {

Answer norm_json(const std::optional<NormSpec>& norm);
Answer positions_json(const PositionSpec& positions);
Answer layer_json(const LayerSpec& layer);

// The same on a line; layer_text on several, indented.
std::string norm_text(const std::optional<NormSpec>& norm);
std::string positions_text(const PositionSpec& positions);
std::string layer_text(const LayerSpec& layer);

}  // namespace continuo
