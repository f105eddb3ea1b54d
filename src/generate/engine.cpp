#include "generate/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/check.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "text/stream_decoder.h"

namespace continuo {

namespace {

// A further core is worth waking for this many bytes of weights: reading them takes it long enough to pay for
// the meetings of all threads in every layer.
constexpr std::size_t kWeightBytesPerThread = std::size_t{2} << 20;
// The logits of a step are kept within this.
constexpr std::size_t kLogitBytes = std::size_t{64} << 20;

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

Result<void> validate_stop(std::span<const std::string> stops, const Tokenizer* tokenizer) {
  for (const std::string& stop : stops) {
    if (stop.empty()) return usage_error("--stop is empty, expected some text");
    if (valid_utf8(stop) != stop) {
      return usage_error("--stop is not valid UTF-8",
                         "the text is whole characters, so it could never match");
    }
  }
  if (!stops.empty() && !tokenizer) return usage_error("--stop needs a tokenizer", "the model has none");
  return {};
}

std::size_t step_logits(const Model& model) {
  return std::max<std::size_t>(
      kLogitBytes / (static_cast<std::size_t>(model.spec.vocab_size) * sizeof(float)), 1);
}

std::size_t page_limit(const Model& model, std::size_t memory, Format kv_type) {
  if (memory == 0) return std::numeric_limits<std::size_t>::max();
  return memory / PagePool::footprint(SequenceState::page_bytes(model.spec, kv_type));
}

}  // namespace

struct Engine::Impl {
  Impl(const Model& m, const Tokenizer* t, const EngineOptions& options, const KernelTable& table)
      : model(m),
        tokenizer(t),
        kernels(options.exact_math ? exact(table) : table),
        threads(options.threads > 0 ? options.threads : useful_threads(m)),
        forward(m, kernels, threads),
        pool(SequenceState::page_bytes(m.spec, options.kv_type), page_limit(m, options.memory, options.kv_type),
             options.kv_type),
        scheduler(m.spec, pool,
                  {.max_running = options.max_running,
                   .step_tokens = options.chunk,
                   .step_logits = step_logits(m),
                   .share_prefixes = options.share_prefixes}) {}

  void step();
  void gather(std::span<const Planned> plan);
  void look(std::span<const float> logits);
  Result<void> check_memory(std::size_t tokens) const;
  std::size_t vocab_size() const { return static_cast<std::size_t>(model.spec.vocab_size); }

  // A row of logits, and who wants it.
  struct Wish {
    Sequence* sequence;
    std::size_t position;
  };

  const Model& model;
  const Tokenizer* tokenizer;
  const KernelTable kernels;
  ThreadPool threads;
  ForwardPass forward;
  PagePool pool;
  Scheduler scheduler;
  std::vector<Segment> segments;  // these two are kept from step to step
  std::vector<Wish> wishes;
};

// One step of all running sequences: the next tokens of each go through the network together, and each that
// has its whole text computed draws a token.
void Engine::Impl::step() {
  const std::span<const Planned> plan = scheduler.next();
  if (!plan.empty()) {
    gather(plan);
    look(forward(segments));
    for (const Planned& planned : plan)
      planned.sequence->accept();
  }
  for (const auto& sequence : scheduler.retire())
    sequence->answer();
}

void Engine::Impl::gather(std::span<const Planned> plan) {
  segments.clear();
  wishes.clear();
  for (const auto& [sequence, n] : plan) {
    const std::size_t wanted = sequence->logits_wanted(n);
    segments.push_back({&sequence->state(), sequence->next_tokens(n), wanted});
    const std::size_t end = sequence->state().length() + n;
    for (std::size_t position = end - wanted; position < end; ++position)
      wishes.push_back({sequence, position});
  }
}

// A draw depends on its own sequence alone, so any thread may make it.
void Engine::Impl::look(std::span<const float> logits) {
  auto look_at = [&](std::size_t i, int) {
    wishes[i].sequence->look(wishes[i].position, logits.subspan(i * vocab_size(), vocab_size()));
  };
  if (wishes.size() < 2) {
    for (std::size_t i = 0; i < wishes.size(); ++i)
      look_at(i, 0);
  } else {
    threads.parallel_for(wishes.size(), look_at);
  }
}

Result<void> Engine::Impl::check_memory(std::size_t tokens) const {
  if (scheduler.fits(tokens)) return {};
  return Error{
      .kind = ErrorKind::context,
      .what = fmt::format("{} tokens may take {:.1f} MiB, more than all memory for sequences", tokens,
                          static_cast<double>(SequenceState::bytes(model.spec, tokens, pool.kv_type())) / (1 << 20)),
      .hint = "more --memory or a smaller max_tokens will do"};
}

Result<Engine> Engine::create(const Model& model, const Tokenizer* tokenizer, EngineOptions options) {
  const KernelTable* kernels = options.kernels.empty() ? &best_kernels() : find_kernels(options.kernels);
  if (!kernels) {
    return usage_error(
        fmt::format("kernels '{}' are unknown or do not run on this processor", options.kernels));
  }
  CONTINUO_CHECK(kernels->attention[static_cast<std::size_t>(options.kv_type)], "keys and values in a format without kernels");
  if (page_limit(model, options.memory, options.kv_type) < model.spec.layers.size()) {
    return usage_error(
        fmt::format("{} bytes of memory for sequences hold no {} tokens of this model, which take {}",
                    options.memory, kPageKeys, SequenceState::bytes(model.spec, kPageKeys, options.kv_type)));
  }
  return Engine(std::make_unique<Impl>(model, tokenizer, options, *kernels));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

int Engine::threads() const { return impl_->threads.size(); }
const KernelTable& Engine::kernels() const { return impl_->kernels; }
const Scheduler::Counts& Engine::counts() const { return impl_->scheduler.counts(); }

Result<void> Engine::check(const Request& request) const {
  const ModelSpec& spec = impl_->model.spec;
  CONTINUO_TRY_VOID(validate(request.sampling, impl_->vocab_size()));
  if (request.max_tokens < -1) {
    return usage_error(
        fmt::format("--max-tokens is {}, expected a number >= 0, or -1 for no limit", request.max_tokens));
  }
  CONTINUO_TRY_VOID(validate_stop(request.stop, impl_->tokenizer));
  CONTINUO_TRY_VOID(validate_ids(request.prompt, spec));
  return impl_->check_memory(positions_needed(request, spec));
}

Result<void> Engine::check(const ScoreRequest& request) const {
  CONTINUO_TRY_VOID(validate_ids(request.ids, impl_->model.spec));
  CONTINUO_CHECK(request.first >= 1 && request.first <= request.ids.size(),
                 "a token that nothing stands before");
  return impl_->check_memory(request.ids.size());
}

void Engine::submit(Request request, Sink sink, Continuation::Done done) {
  impl_->scheduler.add(std::make_unique<Continuation>(std::move(request), impl_->model, impl_->tokenizer,
                                                      impl_->pool, std::move(sink), std::move(done)));
}

void Engine::submit(ScoreRequest request, Scoring::Done done) {
  impl_->scheduler.add(
      std::make_unique<Scoring>(std::move(request), impl_->model, impl_->pool, std::move(done)));
}

std::size_t Engine::unfinished() const { return impl_->scheduler.unfinished(); }
void Engine::step() { impl_->step(); }

void Engine::interrupt() {
  for (const auto& sequence : impl_->scheduler.clear()) {
    if (!sequence->finished()) sequence->interrupt();
    sequence->answer();
  }
}

namespace {

// Steps until nothing is left to do.
void run(Engine& engine, const std::atomic<bool>& interrupted) {
  while (engine.unfinished() > 0) {
    if (interrupted) {
      engine.interrupt();
    } else {
      engine.step();
    }
  }
}

}  // namespace

Result<Completion> Engine::complete(Request request, Sink sink, const std::atomic<bool>& interrupted) {
  CONTINUO_TRY_VOID(check(request));
  std::optional<Result<Completion>> completion;
  submit(std::move(request), std::move(sink), [&](Result<Completion> done) { completion = std::move(done); });
  run(*this, interrupted);
  return std::move(*completion);
}

Result<Score> Engine::score(std::span<const TokenId> ids, const std::atomic<bool>& interrupted) {
  ScoreRequest request{.ids = {ids.begin(), ids.end()}, .last_logits = true};
  CONTINUO_TRY_VOID(check(request));
  std::optional<Result<Score>> score;
  submit(std::move(request), [&](Result<Score> done) { score = std::move(done); });
  run(*this, interrupted);
  return std::move(*score);
}

}  // namespace continuo
