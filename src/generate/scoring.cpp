#include "generate/scoring.h"

#include <algorithm>
#include <cmath>

#include "sampling/sampler.h"

namespace continuo {

Scoring::Scoring(ScoreRequest request, const Model& model, StatePools& pools, Done done)
    : Sequence(model.spec, pools, request.ids, request.ids.size(), request.adapter),
      model_name_(model.name),
      first_(request.first),
      wanted_(tokens().size() - (request.last_logits ? 0 : 1)),
      top_(request.top),
      done_(std::move(done)) {
  const std::size_t scored = tokens().size() - first_;
  score_.logprobs.resize(scored);
  score_.likeliest.resize(scored);
  if (top_ > 0) score_.top.resize(scored);
  if (wanted_ == 0 || (scored == 0 && !request.last_logits)) set_finished();
}

void Scoring::look(std::size_t position, std::span<const float> logits, SamplingScratch&) {
  const std::size_t next = position + 1;
  if (next == tokens().size()) {
    score_.last_logits.assign(logits.begin(), logits.end());
    if (std::none_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); })) no_number_ = true;
    return;
  }
  const TokenId id = tokens()[next];
  if (!has_probability(logits, id)) no_number_ = true;
  score_.logprobs[next - first_] = log_probability(logits, id);
  score_.likeliest[next - first_] = is_likeliest(logits, id);
  if (top_ > 0) score_.top[next - first_] = top_logprobs(logits, top_);
}

void Scoring::accept() {
  if (state().length() == wanted_) set_finished();
}

void Scoring::interrupt() {
  interrupted_ = true;
  set_finished();
}

void Scoring::answer() {
  if (!done_) return;
  if (interrupted_) return done_(Error{.kind = ErrorKind::interrupted, .what = "interrupted"});
  if (no_number_) return done_(model_error(model_name_, "a score is not a number", "are the weights damaged?"));
  done_(std::move(score_));
}

}  // namespace continuo
