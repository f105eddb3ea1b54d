// A sequence that is only looked at: how likely the model finds each of its tokens.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "generate/request.h"
#include "generate/sequence.h"
#include "model/model.h"

namespace continuo {

class Scoring : public Sequence {
 public:
  using Done = std::function<void(Result<Score>)>;

  // `request` is valid for `model`; `model` and `pool` outlive the sequence.
  Scoring(ScoreRequest request, const Model& model, StatePools& pools, Done done);

  void look(std::size_t position, std::span<const float> logits, SamplingScratch& scratch) override;
  void accept() override;
  void interrupt() override;
  void answer() override;

 protected:
  std::size_t logits_from() const override { return first_ - 1; }
  std::size_t wanted_tokens() const override { return wanted_; }

 private:
  std::string model_name_;
  std::size_t first_, wanted_, top_;
  Done done_;
  Score score_;
  bool interrupted_ = false;
  std::atomic<bool> no_number_{false};  // positions are looked at by several threads
};

}  // namespace continuo
