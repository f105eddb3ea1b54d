// A second, smaller model that drafts for the first (Leviathan et al. 2023, arXiv:2211.17192; Chen et al. 2023,
// arXiv:2302.01318). It draws as the first does, with the same numbers, so that where the two distributions are alike
// the tokens are mostly the same.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "generate/drafter.h"
#include "layers/forward.h"
#include "sampling/sampler.h"
#include "state/sequence_state.h"

namespace continuo {

class DraftModel;

// What the draft model knows of one text: the end of it, computed up to some token.
class ModelDrafter : public Drafter {
 public:
  // `model` outlives the drafter. `sampling`: of the text's request.
  ModelDrafter(DraftModel& model, const SamplingOptions& sampling, std::uint64_t sample);

  bool available() const override;
  double probability(std::size_t) const override;
  double cost(std::size_t n) const override;
  std::size_t made(std::size_t) const override { return drafted_.size(); }
  TokenId token(std::size_t i, std::span<const TokenId> text) const override;
  void observe(std::span<const TokenId> text) override;
  void give_back_memory() override { state_.reset(); }

 private:
  friend class DraftModel;
  // Right drafts among those that were compared of late, which count less and less.
  struct Record {
    double right = 0, compared = 0;
  };

  DraftModel& model_;
  Sampler sampler_;
  std::uint64_t sample_;
  std::optional<SequenceState> state_;  // of the tokens [first_, first_ + length)
  std::size_t first_ = 0;
  std::vector<TokenId> drafted_;  // for the position drafted_at_ and on
  std::size_t drafted_at_ = 0;
  std::size_t seen_ = 0;  // tokens of the text that were observed
  Record record_;
};

// For all texts.
struct DraftMemory {
  std::size_t kv_pages, recurrent_blocks;
  Format kv_type;
};

class DraftModel {
 public:
  // All outlive it. `vocab_size`: of the model that checks.
  DraftModel(const Model& model, const KernelTable& kernels, ThreadPool& threads, bool repack,
             const DraftMemory& memory, std::size_t vocab_size);

  struct Wish {
    ModelDrafter* drafter;
    std::span<const TokenId> text;
    std::size_t tokens;
  };
  // Makes drafts for all, together; fewer than wanted, or none, where memory is short or the text is at its end.
  void draft(std::span<const Wish> wishes);

 private:
  friend class ModelDrafter;
  // Tokens of a text that it knows at the most, and that it begins with, also where it fell so far behind.
  static constexpr std::size_t kMostContext = 1024, kFirstContext = 96;

  bool prepare(const Wish& wish);
  void step(std::span<const Wish> wishes, std::size_t i);

  const Model& model_;
  std::size_t vocab_size_;
  std::size_t context_;  // tokens of a text that it knows at the most
  StatePools pools_;
  ForwardPass forward_;
  double step_seconds_ = 0;   // that a step of a token each takes, of late; 0: it is not known, and tried
  std::size_t together_ = 1;  // texts that are drafted for at the same time
  SamplingScratch scratch_;
  ModelDrafter::Record record_;  // of all texts, with which a new one begins
};

}  // namespace continuo
