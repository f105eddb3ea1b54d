#include "requests/submission.h"

#include <algorithm>
#include <memory>
#include <numeric>

namespace continuo {

namespace {

double mean_logprob(const Completion& sample) {
  if (sample.tokens.empty()) return 0;
  const double sum = std::accumulate(sample.tokens.begin(), sample.tokens.end(), 0.0,
                                     [](double s, const GeneratedToken& token) { return s + token.logprob; });
  return sum / static_cast<double>(sample.tokens.size());
}

// The `n` likeliest, the likeliest first, the earlier one among equals.
void keep_best(std::vector<Completion>& samples, std::size_t n) {
  if (samples.size() <= n) return;
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Completion& a, const Completion& b) { return mean_logprob(a) > mean_logprob(b); });
  samples.resize(n);
}

// A request whose samples are on their way.
struct Pending {
  RequestListener listener;
  AnsweredRequest answer;
  std::size_t n = 0;
  std::size_t left = 0;  // samples, and the prompt's scoring
  std::optional<Error> error;

  template <class T>
  void take(Result<T> result, T& into) {
    if (result) {
      into = std::move(*result);
    } else {
      error = result.error();
    }
    if (--left > 0) return;
    if (error) return listener.done(std::move(*error));
    keep_best(answer.samples, n);
    listener.done(std::move(answer));
  }
};

}  // namespace

std::vector<std::uint64_t> submit_request(Engine& engine, const BatchRequest& request, RequestListener listener) {
  const std::size_t drawn = request.drawn();
  const auto pending = std::make_shared<Pending>();
  pending->listener = std::move(listener);
  pending->n = request.n;
  pending->left = drawn + (request.score_prompt ? 1 : 0);
  pending->answer.samples.resize(drawn);
  std::vector<std::uint64_t> numbers;
  if (request.score_prompt) {
    pending->answer.prompt.emplace();
    ScoreRequest score{
        .ids = request.request.prompt, .first = 1, .adapter = request.request.adapter, .top = request.request.logprobs};
    numbers.push_back(engine.submit(
        std::move(score), [pending](Result<Score> done) { pending->take(std::move(done), *pending->answer.prompt); }));
  }
  for (std::size_t i = 0; i < drawn; ++i) {
    Request one = request.request;
    one.sample = i;
    one.want_logprob = one.want_logprob || drawn > request.n;
    Sink sink;
    if (pending->listener.on_token) {
      sink = [pending, i](std::string_view text, const GeneratedToken& token) {
        return pending->listener.on_token(i, text, token);
      };
    }
    numbers.push_back(engine.submit(std::move(one), std::move(sink), [pending, i](Result<Completion> done) {
      if (pending->listener.on_end) pending->listener.on_end(i);
      pending->take(std::move(done), pending->answer.samples[i]);
    }));
  }
  return numbers;
}

}  // namespace continuo
