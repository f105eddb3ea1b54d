// Which beginning a batch run writes to --state: what its first two prompts have in common, or its only prompt. Requests
// that name an adapter do not count.
#pragma once

#include <optional>
#include <vector>

#include "base/error.h"
#include "cli/state_file.h"
#include "generate/request.h"

namespace continuo {

class BatchBeginning {
 public:
  // Nothing to write where there is no file, or one that is there already.
  explicit BatchBeginning(std::optional<StateFile> file) : file_(std::move(file)) {}

  // Before a request goes to the engine.
  void see(const Request& request);
  // No further request comes.
  void end();
  // What kept the file from being written. No answer is any worse for it.
  const std::optional<Error>& error() const { return error_; }

 private:
  bool decided() const { return !file_ || !file_->is_new(); }
  void write(std::size_t tokens);

  std::optional<StateFile> file_;
  std::optional<std::vector<TokenId>> first_;  // prompt
  std::optional<Error> error_;
};

}  // namespace continuo
