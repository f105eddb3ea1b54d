#include "explain/continuations.h"

#include <algorithm>

namespace continuo::explain {

namespace {

std::vector<TokenId> greedy(ForwardPass& forward, SequenceState& state, TokenId token, std::size_t n,
                            const ModelSpec& spec) {
  std::vector<TokenId> ids;
  const auto ends = [&] {
    return std::find(spec.end_tokens.begin(), spec.end_tokens.end(), token) != spec.end_tokens.end();
  };
  while (ids.size() < n && state.length() < state.capacity() && !ends()) {
    const Segment segment{&state, std::span(&token, 1), 1};
    const auto logits = forward(std::span(&segment, 1));
    token = static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    ids.push_back(token);
  }
  return ids;
}

}  // namespace

Result<void> continue_otherwise(ForwardPass& forward, SequenceState& state, const Question& question,
                                const ModelSpec& spec, Recording& recording,
                                const std::atomic<bool>& interrupted) {
  if (question.continuation == 0) return {};
  // From the last row to the first, so that what a row needs is still remembered.
  for (std::size_t row = recording.rows(); row-- > 0;) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    RowOutput& output = recording.outputs[row];
    const auto other = std::find_if(output.guesses.begin(), output.guesses.end(), [&](const Guess& guess) {
      return !output.next || guess.id != *output.next;
    });
    if (other == output.guesses.end()) continue;
    state.rewind(recording.from + row + 1);
    output.otherwise = {other->id, other->probability,
                        greedy(forward, state, other->id, question.continuation, spec)};
  }
  return {};
}

}  // namespace continuo::explain
