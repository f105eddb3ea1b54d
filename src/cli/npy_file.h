// A matrix for NumPy that grows row by row: format version 1.0, little-endian float32, C order, shape (rows, width).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/error.h"
#include "io/gguf_writer.h"

namespace continuo {

class NpyFile {
 public:
  // `path` is there once finish() succeeds, and is not touched before.
  static Result<NpyFile> create(const std::string& path, std::size_t width);

  // `rows` holds whole rows.
  Result<void> write(std::span<const float> rows);
  Result<void> finish();

 private:
  NpyFile(NewFile file, std::string path, std::size_t width)
      : file_(std::move(file)), path_(std::move(path)), width_(width) {}

  NewFile file_;
  std::string path_;
  std::size_t width_, rows_ = 0;
};

}  // namespace continuo
