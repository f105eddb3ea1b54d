#include "generate/engine.h"

#include <fmt/format.h>

#include <algorithm>

#include "generate/sequence.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "text/stream_decoder.h"

namespace continuo {

namespace {

// A further core is worth waking for this many bytes of weights: reading them takes it long enough to pay for
// the meetings of all threads in every layer.
constexpr std::size_t kWeightBytesPerThread = std::size_t{2} << 20;
// Scores of the whole vocabulary for a chunk of text are kept within this.
constexpr std::size_t kScoreBytes = std::size_t{64} << 20;

int useful_threads(const Model& model) {
  const std::size_t shares = 1 + model.weight_bytes / kWeightBytesPerThread;
  if (shares == 1) return 1;
  return static_cast<int>(std::min(shares, static_cast<std::size_t>(usable_cores())));
}

KernelTable exact(KernelTable table) {
  table.int8 = nullptr;
  return table;
}

Result<void> validate_ids(std::span<const TokenId> ids, const ModelSpec& spec) {
  if (ids.empty())
    return usage_error("the prompt has no tokens", "this model adds none of its own; give it some text");
  for (const TokenId id : ids) {
    if (id < 0 || id >= spec.vocab_size) {
      return usage_error(
          fmt::format("token id {} is outside the vocabulary, expected 0 to {}", id, spec.vocab_size - 1));
    }
  }
  if (ids.size() > static_cast<std::size_t>(spec.context_length)) {
    return Error{.kind = ErrorKind::context,
                 .what = fmt::format("the prompt has {} tokens and the model's context holds {}", ids.size(),
                                     spec.context_length)};
  }
  return {};
}

Result<void> validate_request(const Request& request, const ModelSpec& spec, const Tokenizer* tokenizer) {
  CONTINUO_TRY_VOID(validate(request.sampling, static_cast<std::size_t>(spec.vocab_size)));
  if (request.max_tokens < -1) {
    return usage_error(
        fmt::format("--max-tokens is {}, expected a number >= 0, or -1 for no limit", request.max_tokens));
  }
  for (const std::string& stop : request.stop) {
    if (stop.empty()) return usage_error("--stop is empty, expected some text");
    if (valid_utf8(stop) != stop) {
      return usage_error("--stop is not valid UTF-8",
                         "the text is whole characters, so it could never match");
    }
  }
  if (!request.stop.empty() && !tokenizer)
    return usage_error("--stop needs a tokenizer", "the model has none");
  return validate_ids(request.prompt, spec);
}

}  // namespace

struct Engine::Impl {
  Impl(const Model& m, const Tokenizer* t, const EngineOptions& options, const KernelTable& table)
      : model(m),
        tokenizer(t),
        chunk(std::max<std::size_t>(options.chunk, 1)),
        kernels(options.exact_math ? exact(table) : table),
        threads(options.threads > 0 ? options.threads : useful_threads(m)),
        forward(m, kernels, threads) {}

  Result<void> step(std::span<Sequence* const> running);
  std::size_t vocab_size() const { return static_cast<std::size_t>(model.spec.vocab_size); }

  const Model& model;
  const Tokenizer* tokenizer;
  std::size_t chunk;
  const KernelTable kernels;
  ThreadPool threads;
  ForwardPass forward;
  std::vector<Segment> plan;  // one a sequence; kept from step to step
};

// One step of all running sequences: the next tokens of each go through the network together, and each that
// has its whole text computed draws a token.
Result<void> Engine::Impl::step(std::span<Sequence* const> running) {
  plan.clear();
  for (Sequence* sequence : running) {
    const auto tokens = sequence->next_tokens(chunk);
    plan.push_back({&sequence->state(), tokens, sequence->draws_after(tokens) ? std::size_t{1} : 0});
  }
  std::span<const float> logits = forward(plan);
  for (std::size_t i = 0; i < running.size(); ++i) {
    if (plan[i].logits_wanted == 0) continue;
    auto token = running[i]->sample(logits.first(vocab_size()));
    if (!token)
      return model_error(model.name, "no score of the next token is a number", "are the weights damaged?");
    running[i]->accept(std::move(*token));
    logits = logits.subspan(vocab_size());
  }
  return {};
}

Result<Engine> Engine::create(const Model& model, const Tokenizer* tokenizer, EngineOptions options) {
  const KernelTable* kernels = options.kernels.empty() ? &best_kernels() : find_kernels(options.kernels);
  if (!kernels) {
    return usage_error(
        fmt::format("kernels '{}' are unknown or do not run on this processor", options.kernels));
  }
  return Engine(std::make_unique<Impl>(model, tokenizer, options, *kernels));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

int Engine::threads() const { return impl_->threads.size(); }
std::string_view Engine::kernels() const { return impl_->kernels.name; }

Result<Completion> Engine::complete(const Request& request, const Sink& sink,
                                    const std::atomic<bool>& interrupted) {
  CONTINUO_TRY_VOID(validate_request(request, impl_->model.spec, impl_->tokenizer));
  Sequence sequence(request, impl_->model, impl_->tokenizer, sink);
  Sequence* const running[] = {&sequence};
  while (!sequence.finished()) {
    if (interrupted) {
      sequence.interrupt();
    } else {
      CONTINUO_TRY_VOID(impl_->step(running));
    }
  }
  return sequence.take_completion();
}

Result<Engine::Score> Engine::score(std::span<const TokenId> ids, const std::atomic<bool>& interrupted) {
  const ModelSpec& spec = impl_->model.spec;
  CONTINUO_TRY_VOID(validate_ids(ids, spec));
  const std::size_t vocab = impl_->vocab_size();
  const std::size_t chunk = std::clamp<std::size_t>(kScoreBytes / (vocab * sizeof(float)), 1, impl_->chunk);
  SequenceState state(spec, ids.size(), ids.size());
  Score score;
  while (state.length() < ids.size()) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    const std::size_t start = state.length();
    const auto tokens = ids.subspan(start, std::min(chunk, ids.size() - start));
    const Segment segment{&state, tokens, tokens.size()};
    const auto logits = impl_->forward(std::span(&segment, 1));
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto row = logits.subspan(i * vocab, vocab);
      const std::size_t next = start + i + 1;
      if (next < ids.size()) {
        score.logprobs.push_back(log_probability(row, ids[next]));
      } else {
        score.last_logits.assign(row.begin(), row.end());
      }
    }
  }
  return score;
}

}  // namespace continuo
