#include "requests/scored.h"

#include <algorithm>
#include <memory>

namespace continuo {

namespace {

// The windows of one text, on their way.
struct Pending {
  Scored scored;
  std::size_t left = 0;
  std::optional<Error> error;
  std::function<void(Result<Scored>)> done;

  void take(std::size_t at, Result<Score> score) {
    if (score) {
      std::copy(score->logprobs.begin(), score->logprobs.end(),
                scored.logprobs.begin() + static_cast<std::ptrdiff_t>(at));
      scored.greedy =
          scored.greedy && std::all_of(score->likeliest.begin(), score->likeliest.end(), [](auto x) { return x != 0; });
      if (!score->last_logits.empty()) scored.last_logits = std::move(score->last_logits);
    } else {
      error = score.error();
    }
    if (--left > 0) return;
    if (error) return done(*error);
    for (const double logprob : scored.logprobs)
      scored.sum += logprob;  // in order of the tokens, whatever the order in which windows finish
    done(std::move(scored));
  }
};

struct Window {
  ScoreRequest request;
  std::size_t at;  // of its first score among the text's
};

std::vector<Window> cut(std::span<const TokenId> ids, std::size_t first, Windows windows, bool last_logits) {
  std::vector<Window> all;
  std::size_t scored = first;  // tokens before this are done
  for (std::size_t begin = 0;; begin += windows.stride) {
    const std::size_t end = windows.stride == 0 ? ids.size() : std::min(begin + windows.length, ids.size());
    if (end > scored || end == ids.size()) {
      const auto part = ids.subspan(begin, end - begin);
      all.push_back(
          {{.ids = {part.begin(), part.end()}, .first = std::max<std::size_t>(scored - begin, 1)}, scored - first});
      scored = end;
    }
    if (end == ids.size()) break;
  }
  all.back().request.last_logits = last_logits;
  return all;
}

}  // namespace

Result<void> submit_scoring(Engine& engine, std::span<const TokenId> ids, std::size_t first, Windows windows,
                            bool last_logits, std::function<void(Result<Scored>)> done) {
  const bool fits = ids.size() <= windows.length;
  std::vector<Window> all = cut(ids, first, fits ? Windows() : windows, last_logits);
  for (const Window& window : all) CONTINUO_TRY_VOID(engine.check(window.request));
  const auto pending = std::make_shared<Pending>();
  pending->left = all.size();
  pending->done = std::move(done);
  pending->scored.logprobs.resize(ids.size() - first);
  for (Window& window : all) {
    engine.submit(std::move(window.request),
                  [pending, at = window.at](Result<Score> score) { pending->take(at, std::move(score)); });
  }
  return {};
}

}  // namespace continuo
