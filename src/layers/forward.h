// The forward pass: token ids in, logits out. forward.cpp reads like the diagram.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "model/exit_rule.h"
#include "model/model.h"
#include "state/sequence_state.h"

namespace continuo {

// One sequence's share of a step: its next tokens, in order, at the positions state->length() and on. Ids lie
// inside the vocabulary, positions inside the state's capacity and the model's positions. Networks that see both sides
// (sees_both_sides) take a text as a whole: the state is empty, and the segment is all of it.
struct Segment {
  SequenceState* state = nullptr;
  std::span<const TokenId> tokens;
  std::size_t logits_wanted = 1;  // for the last so many tokens of the segment
  // not empty: results for these tokens of the segment instead, in this order
  std::span<const std::size_t> chosen = {};
  // Of a network with loops, where not none: when its token stops going through them; the segment is one token then.
  ExitRule exit = {};
  // One for each token, where the model has token types (ModelSpec::n_token_types); empty: all 0.
  std::span<const std::uint8_t> token_types = {};
  std::size_t adapter = 0;  // of the choices of ForwardOptions::adapters

  std::size_t results() const { return chosen.empty() ? logits_wanted : chosen.size(); }
};

class Listener;
struct Adapters;

struct ForwardOptions {
  bool repack = true;                  // weights are laid out anew for the kernels from the second step on (repacked.h)
  const Adapters* adapters = nullptr;  // null: none
};

class ForwardPass {
 public:
  // All must outlive the pass.
  ForwardPass(const Model& model, const KernelTable& kernels, ThreadPool& threads, ForwardOptions options = {});
  ~ForwardPass();
  ForwardPass(const ForwardPass&) = delete;
  ForwardPass& operator=(const ForwardPass&) = delete;

  // Runs all segments (of different states), appends to the states, and returns the logits: vocab_size scores
  // for each wanted token, in order of segments and tokens; valid until the next call. The bits of a row
  // depend on its own sequence alone: not on the batch, the cut into steps, or the number of threads.
  std::span<const float> operator()(std::span<const Segment> segments);
  // The hidden states behind the last norm in place of logits: d_model values each.
  std::span<const float> hidden_states(std::span<const Segment> segments);
  // Loops that each segment of the last call went through.
  std::span<const std::size_t> loops() const;
  // Logits of one segment, bit for bit the same, watched (probe.h); none where the network has no output.
  std::span<const float> operator()(const Segment& segment, Listener& listener);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace continuo
