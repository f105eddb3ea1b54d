#include "explain/explain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "explain/attention_facts.h"
#include "explain/attribution.h"
#include "explain/continuations.h"
#include "explain/cost.h"
#include "explain/recorder.h"
#include "explain/tree.h"
#include "explain/unmasked.h"
#include "explain/what_if.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "layers/probe.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kChunk = 256;  // tokens before the window that are computed at once

// Feeds what stands before the window; then the window, watched. Returns the state before the window.
Result<Snapshot> run_text(ForwardPass& forward, SequenceState& state, const Question& question, Listener& listener,
                          const std::atomic<bool>& interrupted) {
  const std::span<const TokenId> ids = question.ids;
  while (state.length() < question.from) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    const std::size_t n = std::min(kChunk, question.from - state.length());
    const Segment segment{&state, ids.subspan(state.length(), n), 0};
    forward(std::span(&segment, 1));
  }
  const Snapshot before = state.snapshot();
  const std::size_t n = question.to - question.from;
  forward({.state = &state, .tokens = ids.subspan(question.from, n), .logits_wanted = n}, listener);
  return before;
}

void name_pieces(const Machine& machine, Recording& r) {
  r.pieces.assign(r.vocab_size, {});
  const auto name = [&](TokenId id) {
    std::string& piece = r.pieces[static_cast<std::size_t>(id)];
    if (!piece.empty()) return;
    if (machine.tokenizer) piece = spelled(*machine.tokenizer, id);
    if (machine.tokenizer && piece.empty()) piece = machine.tokenizer->piece(id);
    if (piece.empty()) piece = "#" + std::to_string(id);
  };
  const auto name_all = [&](const std::vector<Guess>& guesses) {
    for (const Guess& guess : guesses) name(guess.id);
  };
  for (const TokenRecord& token : r.tokens) {
    name(token.id);
    if (token.joined) name(*token.joined);
    for (const Neighbour& neighbour : token.nearest) name(neighbour.id);
  }
  for (const LayerRecord& layer : r.layers) {
    for (const auto& guesses : layer.lens) name_all(guesses);
  }
  for (const LoopRecord& loop : r.loops) {
    for (const LoopRow& row : loop.rows) name_all(row.guesses);
  }
  for (const RowOutput& output : r.outputs) {
    name_all(output.guesses);
    if (output.next) name(*output.next);
    if (!output.otherwise) continue;
    name(output.otherwise->first);
    for (const TokenId id : output.otherwise->rest) name(id);
  }
  name_all(r.ladder.logits_best);
  for (const LadderStage& stage : r.ladder.stages) {
    name_all(stage.best);
    name_all(stage.dropped);
  }
  if (r.ladder.drawn) name(*r.ladder.drawn);
  for (const Ablation& one : r.what_if.tokens) name_all(one.best);
  for (const Ablation& one : r.what_if.layers) name_all(one.best);
  for (const Ablation& one : r.what_if.heads) name_all(one.best);
  name_all(r.what_if.before);
  for (const TreeNode& node : r.tree) name(node.id);
  if (!r.attribution.parts.empty()) name_all({r.attribution.answer, r.attribution.rival});
  // The page's own ladder names the best of the last row.
  if (r.logits.rows > 0) name_all(best_guesses({&r.logits.at(r.logits.rows - 1, 0), r.vocab_size}, kNamedLogits));
}

Recording blank(const Machine& machine, const Question& question) {
  const ModelSpec& spec = machine.model.spec;
  Recording r;
  r.model = machine.model.name;
  r.family = spec.family;
  r.d_model = spec.d_model;
  r.vocab_size = spec.vocab_size;
  r.context_length = spec.context_length;
  r.text_tokens = question.ids.size();
  r.from = question.from;
  r.to = question.to;
  r.without_mask = question.without_mask;
  if (spec.loop) r.gate_threshold = spec.loop->gate_threshold;
  r.has_tokenizer = machine.tokenizer != nullptr;
  r.both_sides = sees_both_sides(spec);
  r.has_output = spec.has_output;
  r.parts = question.parts;
  return r;
}

Result<void> check_logits(const Machine& machine, const Recording& r) {
  for (const float logit : r.logits.values) {
    if (!std::isfinite(logit)) {
      return model_error(machine.model.name, "a score is not a number", "are the weights damaged?");
    }
  }
  return {};
}

// What is drawn from the logits.
Result<void> describe_answers(const TextRun& run, const Machine& machine, Recording& r,
                              const std::atomic<bool>& interrupted) {
  const Question& question = run.question;
  if (r.parts & kLens) read_lens(machine, r);
  if (r.both_sides) return question.mask ? describe_masked_outputs(machine, question, r, interrupted) : Result<void>();
  describe_outputs(question, r);
  const std::span<const float> last(&r.logits.at(r.rows() - 1, 0), r.vocab_size);
  const std::size_t generated = question.generated - std::min(question.generated, question.ids.size() - question.to);
  r.ladder = climb(last, std::span(question.ids).first(question.to), generated, question.sampling, question.feedback);
  if (r.parts & (kAttribution | kWhatIf)) attribute_logits(machine, r);
  if (r.parts & kTree) CONTINUO_TRY_VOID(grow_tree(run, r, interrupted));
  if (r.parts & kOtherwise) CONTINUO_TRY_VOID(continue_otherwise(run, r, interrupted));
  if (r.parts & kWhatIf) CONTINUO_TRY_VOID(leave_parts_out(run, machine, r, interrupted));
  if (r.parts & kUnmasked) take_mask_away(machine, question, r);
  return {};
}

Result<void> record_pass(const Machine& machine, const Question& question, Recording& r,
                         const std::atomic<bool>& interrupted) {
  const ModelSpec& spec = machine.model.spec;
  const std::size_t further = std::max(question.continuation, kTreeExpansions) + 1;
  const std::size_t capacity = std::min<std::size_t>(question.ids.size() + further, spec.context_length);
  constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();
  StatePools pools(spec, kNoLimit, kNoLimit, machine.kv_type);
  SequenceState state(spec, pools, capacity, question.ids.size());
  ForwardPass forward(machine.model, machine.kernels, machine.threads);
  Recorder recorder(spec, r);
  CONTINUO_TRY(const Snapshot before, run_text(forward, state, question, recorder, interrupted));
  CONTINUO_TRY_VOID(check_logits(machine, r));
  for (LayerRecord& layer : r.layers) {
    if (!layer.attention) continue;
    for (HeadRecord& head : layer.attention->heads) {
      head.facts = attention_facts(head, std::span(question.ids).subspan(r.from, r.rows()), r.from);
    }
  }
  if (!spec.has_output) return {};
  const Snapshot after = state.snapshot();
  return describe_answers({forward, pools, state, before, after, question, spec}, machine, r, interrupted);
}

}  // namespace

Result<Recording> explain(const Machine& machine, const Question& question, const std::atomic<bool>& interrupted) {
  Recording r = blank(machine, question);
  describe_tokens(machine, question, r);
  describe_positions(machine, r);
  if (r.parts & kPass) CONTINUO_TRY_VOID(record_pass(machine, question, r, interrupted));
  CONTINUO_TRY_VOID(measure_cost(machine, question, r, interrupted));
  name_pieces(machine, r);
  return r;
}

}  // namespace continuo::explain
