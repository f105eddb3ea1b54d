#include "explain/explain.h"

#include <algorithm>
#include <cmath>

#include "explain/attention_facts.h"
#include "explain/continuations.h"
#include "explain/cost.h"
#include "explain/recorder.h"
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
  forward(Segment{&state, ids.subspan(question.from, n), n}, listener);
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
  r.has_tokenizer = machine.tokenizer != nullptr;
  return r;
}

}  // namespace

Result<Recording> explain(const Machine& machine, const Question& question, const std::atomic<bool>& interrupted) {
  const ModelSpec& spec = machine.model.spec;
  Recording r = blank(machine, question);
  const std::size_t capacity =
      std::min<std::size_t>(question.ids.size() + question.continuation + 1, spec.context_length);
  SequenceState state(spec, capacity, question.ids.size(), machine.kv_type);
  ForwardPass forward(machine.model, machine.kernels, machine.threads);
  Recorder recorder(spec, r);
  CONTINUO_TRY(const Snapshot before, run_text(forward, state, question, recorder, interrupted));
  for (const float logit : r.logits.values) {
    if (!std::isfinite(logit)) {
      return model_error(machine.model.name, "a score is not a number", "are the weights damaged?");
    }
  }

  describe_tokens(machine, question, r);
  describe_positions(machine, r);
  for (LayerRecord& layer : r.layers) {
    if (!layer.attention) continue;
    for (HeadRecord& head : layer.attention->heads) {
      head.facts = attention_facts(head, std::span(question.ids).subspan(r.from, r.rows()), r.from);
    }
  }
  read_lens(machine, r);
  describe_outputs(question, r);
  const std::span<const float> last(&r.logits.at(r.rows() - 1, 0), r.vocab_size);
  const std::size_t generated = question.generated - std::min(question.generated, question.ids.size() - question.to);
  r.ladder = climb(last, std::span(question.ids).first(question.to), generated, question.sampling, question.feedback);
  CONTINUO_TRY_VOID(continue_otherwise({forward, state, before, question, spec}, r, interrupted));
  CONTINUO_TRY_VOID(measure_cost(machine, question, r, interrupted));
  name_pieces(machine, r);
  return r;
}

}  // namespace continuo::explain
