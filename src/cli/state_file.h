// --state FILE: the beginning of texts that a run goes on with, or writes where there is no such file.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "generate/engine.h"
#include "io/gguf_writer.h"

namespace continuo {

class StateFile {
 public:
  // Reads `path` into the engine, or, where nothing is there, makes sure that it can be written. `adapter`: of the
  // requests that it is for.
  static Result<StateFile> open(const std::string& path, std::size_t adapter, Engine& engine);

  // Nothing was there, and nothing was written since.
  bool is_new() const { return file_ != nullptr; }
  // What the file that was there begins with.
  const std::vector<TokenId>& tokens() const { return tokens_; }

  // Once: a later step of the engine computes `ids` and writes the file; `done` is told. Nothing is written, and a
  // warning says why, where such a beginning would be of no use.
  void write(std::vector<TokenId> ids, std::function<void(Result<void>)> done);

 private:
  StateFile(std::string path, std::size_t adapter, Engine& engine)
      : path_(std::move(path)), adapter_(adapter), engine_(&engine) {}

  std::string path_;
  std::size_t adapter_;
  Engine* engine_;
  std::unique_ptr<NewFile> file_;
  std::vector<TokenId> tokens_;
};

}  // namespace continuo
