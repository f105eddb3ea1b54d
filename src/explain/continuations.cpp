#include "explain/continuations.h"

#include <algorithm>

namespace continuo::explain {

namespace {

constexpr std::size_t kTogether = 16;  // continuations that share each weight that is read

// One text that goes on by itself.
struct Branch {
  SequenceState state;
  Continuation* continuation;
  TokenId next;
};

bool goes_on(const TextRun& run, const Branch& branch) {
  const auto& eos = run.spec.eos_tokens;
  return branch.continuation->rest.size() < run.question.continuation &&
         branch.state.length() < branch.state.capacity() && std::find(eos.begin(), eos.end(), branch.next) == eos.end();
}

// One greedy token for each branch that goes on; false when none does.
bool step(const TextRun& run, std::vector<Branch>& branches) {
  std::vector<Segment> segments;
  std::vector<Branch*> going;
  for (Branch& branch : branches) {
    if (!goes_on(run, branch)) continue;
    segments.push_back({&branch.state, std::span(&branch.next, 1), 1});
    going.push_back(&branch);
  }
  if (going.empty()) return false;
  const auto vocab_size = static_cast<std::size_t>(run.spec.vocab_size);
  const std::span<const float> logits = run.forward(segments);
  for (std::size_t i = 0; i < going.size(); ++i) {
    const auto row = logits.subspan(i * vocab_size, vocab_size);
    going[i]->next = static_cast<TokenId>(std::max_element(row.begin(), row.end()) - row.begin());
    going[i]->continuation->rest.push_back(going[i]->next);
  }
  return true;
}

// The state as after `length` tokens, in a sequence of its own.
SequenceState branch_at(const TextRun& run, std::size_t length) {
  go_back(run, length);
  SequenceState branch(run.spec, run.pools, run.state.capacity(), run.state.prompt_length());
  branch.restore(run.state.snapshot());
  return branch;
}

}  // namespace

void go_back(const TextRun& run, std::size_t length) {
  if (!run.state.has_recurrent() || length == run.after.length) {
    run.state.restore(run.after);
    if (length < run.after.length) run.state.rewind(length);
    return;
  }
  run.state.restore(run.before);
  const std::span<const TokenId> again =
      std::span(run.question.ids).subspan(run.before.length, length - run.before.length);
  const Segment segment{&run.state, again, 0};
  if (!again.empty()) run.forward(std::span(&segment, 1));
}

Result<void> continue_otherwise(const TextRun& run, Recording& recording, const std::atomic<bool>& interrupted) {
  if (run.question.continuation == 0) return {};
  for (std::size_t first = 0; first < recording.rows(); first += kTogether) {
    std::vector<Branch> branches;
    for (std::size_t row = first; row < std::min(first + kTogether, recording.rows()); ++row) {
      RowOutput& output = recording.outputs[row];
      const auto other = std::find_if(output.guesses.begin(), output.guesses.end(),
                                      [&](const Guess& guess) { return !output.next || guess.id != *output.next; });
      if (other == output.guesses.end()) continue;
      output.otherwise = {other->id, other->probability, {}};
      branches.push_back({branch_at(run, recording.from + row + 1), &*output.otherwise, other->id});
    }
    do {
      if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    } while (step(run, branches));
  }
  return {};
}

}  // namespace continuo::explain
