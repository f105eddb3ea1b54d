// The models inside the binary. The build puts their files there (scripts/cmake/EmbedModels.cmake).
#pragma once

#include <span>
#include <string_view>

#include "io/model_files.h"

namespace continuo {

struct EmbeddedModel {
  std::string_view name;
  std::span<const EmbeddedFile> files;
};

// The first is the one that runs when no model is named. None if the binary was built without models.
std::span<const EmbeddedModel> embedded_models();

}  // namespace continuo
