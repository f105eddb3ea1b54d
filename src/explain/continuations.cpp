#include "explain/continuations.h"

#include <algorithm>

namespace continuo::explain {

namespace {

std::vector<TokenId> greedy(ForwardPass& forward, SequenceState& state, TokenId token, std::size_t n,
                            const ModelSpec& spec) {
  std::vector<TokenId> ids;
  const auto ends = [&] {
    return std::find(spec.eos_tokens.begin(), spec.eos_tokens.end(), token) != spec.eos_tokens.end();
  };
  while (ids.size() < n && state.length() < state.capacity() && !ends()) {
    const Segment segment{&state, std::span(&token, 1), 1};
    const auto logits = forward(std::span(&segment, 1));
    token = static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    ids.push_back(token);
  }
  return ids;
}

// As after the first `length` tokens of the text. A recurrent state is computed again from the window's beginning.
void go_back(const TextRun& run, std::size_t length) {
  if (!run.state.has_recurrent()) {
    run.state.rewind(length);
    return;
  }
  run.state.restore(run.before);
  const std::span<const TokenId> again =
      std::span(run.question.ids).subspan(run.before.length, length - run.before.length);
  const Segment segment{&run.state, again, 0};
  if (!again.empty()) run.forward(std::span(&segment, 1));
}

}  // namespace

Result<void> continue_otherwise(const TextRun& run, Recording& recording, const std::atomic<bool>& interrupted) {
  if (run.question.continuation == 0) return {};
  // From the last row to the first, so that what a row needs is still remembered.
  for (std::size_t row = recording.rows(); row-- > 0;) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    RowOutput& output = recording.outputs[row];
    const auto other = std::find_if(output.guesses.begin(), output.guesses.end(),
                                    [&](const Guess& guess) { return !output.next || guess.id != *output.next; });
    if (other == output.guesses.end()) continue;
    go_back(run, recording.from + row + 1);
    output.otherwise = {other->id, other->probability,
                        greedy(run.forward, run.state, other->id, run.question.continuation, run.spec)};
  }
  return {};
}

}  // namespace continuo::explain
