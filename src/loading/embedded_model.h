// The model inside the binary. The build puts its files there (scripts/cmake/EmbedModel.cmake), if there is
// one.
#pragma once

#include <span>
#include <string_view>

#include "io/model_files.h"

namespace continuo {

// Empty if the binary was built without a model.
extern const std::string_view kEmbeddedModelName;
std::span<const EmbeddedFile> embedded_model_files();

}  // namespace continuo
