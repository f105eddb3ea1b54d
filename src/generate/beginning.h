// A text that is computed and not looked at: the beginning of others, kept for later runs.
#pragma once

#include <functional>
#include <vector>

#include "base/error.h"
#include "generate/sequence.h"
#include "state/saved_state.h"

namespace continuo {

class Beginning : public Sequence {
 public:
  using Done = std::function<void(Result<SavedState>)>;

  // `ids` is not empty; `spec` and `pools` outlive the sequence, and `pools` what `done` is told.
  Beginning(const ModelSpec& spec, StatePools& pools, std::vector<TokenId> ids, std::size_t adapter, Done done);

  // A recurrent state is kept at the last boundary of pages as well: texts may differ behind it.
  std::size_t step_end() const override;
  void look(std::size_t, std::span<const float>, SamplingScratch&) override {}
  void accept() override;
  void interrupt() override;
  void answer() override;

 protected:
  std::size_t logits_from() const override { return tokens().size(); }

 private:
  std::size_t last_boundary() const { return (tokens().size() - 1) / kPageKeys * kPageKeys; }
  void keep_recurrent();

  Done done_;
  SavedState kept_;
  bool interrupted_ = false;
};

}  // namespace continuo
