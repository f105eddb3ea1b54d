// Models in folders.
#pragma once

#include <filesystem>

#include "catch.h"
#include "io/checkpoint.h"
#include "model/model.h"

namespace continuo::test {

inline Model load_model(const std::filesystem::path& folder) {
  const auto files = ModelFiles::folder(folder.string());
  if (!files) FAIL(files.error().message());
  auto checkpoint = load_checkpoint(*files);
  if (!checkpoint) FAIL(checkpoint.error().message());
  auto model = build_model(std::move(*checkpoint));
  if (!model) FAIL(model.error().message());
  return std::move(*model);
}

}  // namespace continuo::test
