#include "cli/batch/beginning.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "state/prefix_tree.h"

namespace continuo {

namespace {

// A beginning of fewer tokens is no saving: the token that all prompts of a model begin with, for example.
constexpr std::size_t kWorthKeeping = 16;

}  // namespace

void BatchBeginning::see(const Request& request) {
  if (decided() || request.adapter != 0) return;
  if (!first_) {
    first_ = request.prompt;
    return;
  }
  // The last token of a prompt is computed for its logits.
  const std::size_t shortest = std::min(first_->size(), request.prompt.size()) - 1;
  const std::size_t common = std::min(common_beginning(*first_, request.prompt), shortest);
  if (common < kWorthKeeping)
    spdlog::warn("--state: not written: the first two prompts begin with {} tokens in common, expected at least {}",
                 common, kWorthKeeping);
  write(common < kWorthKeeping ? 0 : common);
}

void BatchBeginning::end() {
  if (decided() || !first_) return;
  write(first_->size() - 1);
}

void BatchBeginning::write(std::size_t tokens) {
  if (tokens == 0) {
    file_.reset();
    return;
  }
  first_->resize(tokens);
  file_->write(std::move(*first_), [this](Result<void> written) {
    if (!written) error_ = written.error();
  });
}

}  // namespace continuo
