// The files that `continuo explain` writes.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "explain/recording.h"

namespace continuo {

// Replaces the file.
Result<void> write_whole_file(const std::string& path, std::string_view bytes);
// Makes the folder if it is not there.
Result<void> make_folder(const std::string& path);

// What --dump names: "L.H", "scores.L.H", "query.L.H", "key.L.H", "value.L.H", "memory.L.U", "hidden.L", "hidden.input", "logits".
struct Dump {
  std::string file;  // "attention.0.1.npy"
  const explain::Grid* grid = nullptr;
};
Result<Dump> find_dump(const explain::Recording& recording, const std::string& what);

}  // namespace continuo
