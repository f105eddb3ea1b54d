#include "generate/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>

#include "base/check.h"
#include "generate/draft_model.h"
#include "generate/dry_breakers.h"
#include "generate/memory.h"
#include "generate/step_costs.h"
#include "grammar/constraints.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "model/low_rank.h"
#include "state/model_digest.h"
#include "text/stream_decoder.h"

namespace continuo {

namespace {

Result<void> validate_ids(std::span<const TokenId> ids, const ModelSpec& spec) {
  if (ids.empty()) return usage_error("the prompt has no tokens", "this model adds none of its own; give it some text");
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

Result<void> validate_texts(std::string_view field, std::span<const std::string> texts, const Tokenizer* tokenizer) {
  for (const std::string& text : texts) {
    if (text.empty()) return field_error(field, "is empty, expected some text");
    if (valid_utf8(text) != text) {
      return field_error(field, "is not valid UTF-8", "the text is whole characters, so it could never match");
    }
  }
  if (!texts.empty() && !tokenizer) return field_error(field, "needs a tokenizer", "the model has none");
  return {};
}

Result<void> validate_tokens(std::string_view field, std::span<const TokenId> ids, const ModelSpec& spec) {
  for (const TokenId id : ids) {
    if (id < 0 || id >= spec.vocab_size) {
      return field_error(field, fmt::format("names token {}, which is outside the vocabulary, expected 0 to {}", id,
                                            spec.vocab_size - 1));
    }
  }
  return {};
}

Result<void> validate_repetition(const RepetitionDetection& repetition) {
  if (repetition.max_pattern == 0) return {};
  constexpr std::size_t kMost = 1 << 16;
  if (repetition.min_pattern < 1 || repetition.min_pattern > repetition.max_pattern || repetition.min_count < 2 ||
      repetition.max_pattern > kMost || repetition.min_count > kMost) {
    return field_error(
        "repetition_detection",
        "is out of range, expected 1 <= min_pattern_size <= max_pattern_size <= 65536 and min_count >= 2");
  }
  return {};
}

Result<void> validate_limits(const Request& request, const ModelSpec& spec, const Tokenizer* tokenizer) {
  CONTINUO_TRY_VOID(validate_texts("stop", request.stop, tokenizer));
  CONTINUO_TRY_VOID(validate_texts("banned_strings", request.banned, tokenizer));
  CONTINUO_TRY_VOID(validate_tokens("stop_token_ids", request.sampling.stop_tokens, spec));
  CONTINUO_TRY_VOID(validate_tokens("allowed_token_ids", request.allowed_tokens, spec));
  CONTINUO_TRY_VOID(validate_tokens("logprob_token_ids", request.logprob_tokens, spec));
  return validate_repetition(request.repetition);
}

}  // namespace

struct Engine::Impl {
  Impl(const Model& m, const Tokenizer* t, const EngineOptions& options, const MemoryShares& shares,
       const KernelTable& table)
      : model(m),
        tokenizer(t),
        constraints(t),
        chunk(options.chunk),
        step_logits(shares.step_logits),
        lookup(options.lookup),
        drafting(options.lookup || options.draft_model),
        kernels(table),
        threads(threads_of(options, m)),
        adapters(options.adapters),
        forward(m, kernels, threads, {.repack = options.repack, .adapters = adapters}),
        pools(m.spec, shares.pages, shares.recurrent_blocks, options.kv_type),
        scheduler(m.spec, pools,
                  {.max_running = shares.max_running,
                   .step_tokens = options.chunk,
                   .step_logits = shares.step_logits,
                   .share_prefixes = options.share_prefixes,
                   .soft_pages = shares.soft_pages}),
        scratches(static_cast<std::size_t>(threads.size())) {
    if (!options.draft_model) return;
    const DraftMemory memory{shares.draft_pages, shares.draft_blocks, options.kv_type};
    draft_model.emplace(*options.draft_model, kernels, threads, options.repack, memory, vocab_size());
  }

  void step();
  void draft(std::span<const Planned> plan);
  std::size_t room_for_drafts(const Planned& planned, std::size_t rows);
  void gather(std::span<const Planned> plan);
  void compute();
  void look(std::span<const float> logits);
  Result<void> check_memory(std::size_t tokens, std::size_t loops = 0) const;
  StateOrigin origin(std::size_t adapter);
  std::shared_ptr<const BannedTexts> banned_texts(const std::vector<std::string>& texts);
  std::size_t vocab_size() const { return static_cast<std::size_t>(model.spec.vocab_size); }

  // Rows of logits, and who wants them: one, and those of the drafts behind it.
  struct Wish {
    Sequence* sequence;
    std::size_t segment;
    std::size_t position;  // of the first
    std::size_t first, rows;
  };

  // Who drafts so many tokens for whom.
  struct Drafting {
    Planned planned;
    Drafter* drafter;
    std::size_t drafts;
  };

  const Model& model;
  const Tokenizer* tokenizer;
  mutable Constraints constraints;
  const std::size_t chunk, step_logits;  // tokens and rows of logits of a step at the most
  const bool lookup, drafting;           // drafting: by anybody
  const KernelTable kernels;
  ThreadPool threads;
  const Adapters* adapters;
  ForwardPass forward;
  StatePools pools;
  std::optional<Digest> digest;  // of the model, once it is asked for
  std::optional<DraftModel> draft_model;
  Scheduler scheduler;
  StepCosts costs;
  DryBreakers breakers;
  std::map<std::vector<std::string>, std::shared_ptr<const BannedTexts>> banned;  // by the texts
  Engine::DraftCounts draft_counts;
  std::vector<Segment> segments;  // these three are kept from step to step
  std::vector<Wish> wishes;
  std::vector<Drafting> chosen;  // these two as well
  std::vector<DraftModel::Wish> by_model;
  std::vector<SamplingScratch> scratches;  // one a thread
};

// One step of all running sequences: the next tokens of each go through the network together, and each that
// has its whole text computed draws a token.
void Engine::Impl::step() {
  const std::span<const Planned> plan = scheduler.next();
  if (!plan.empty()) {
    if (drafting) draft(plan);
    gather(plan);
    compute();
    for (const auto& [sequence, n] : plan) {
      const std::size_t known = sequence->tokens().size(), drafts = sequence->drafts();
      draft_counts.drafted += drafts;
      sequence->accept();
      if (drafts > 0) draft_counts.right += sequence->tokens().size() - std::min(sequence->tokens().size(), known + 1);
    }
  }
  for (const auto& sequence : scheduler.retire()) sequence->answer();
}

// How many drafts there are budgets and free memory for: nobody waits for room that drafts took.
std::size_t Engine::Impl::room_for_drafts(const Planned& planned, std::size_t rows) {
  const auto& [sequence, n] = planned;
  const std::size_t room = std::min({chunk, step_logits, StepCosts::most_rows});
  const std::size_t most = std::min(sequence->most_drafts(), room - std::min(room, rows));
  if (most == 0) return 0;
  StateNeeds needs = sequence->state().needs(n + most);
  needs.recurrent_blocks += sequence->state().rollback_blocks();
  return needs.fits(pools) ? most : 0;
}

// Drafts for those that go on by a token, as far as they are worth their time.
void Engine::Impl::draft(std::span<const Planned> plan) {
  StepCosts::Expected step{.tokens = static_cast<double>(plan.size())};
  for (const Planned& planned : plan) step.rows += planned.tokens;
  chosen.clear();
  by_model.clear();
  for (const Planned& planned : plan) {
    const std::size_t most = room_for_drafts(planned, step.rows);
    if (most == 0) continue;
    StepCosts::DraftLength best{.drafts = 0, .step = step, .seconds = 1};
    Drafter* by = nullptr;
    for (Drafter* drafter : planned.sequence->drafters()) {
      const auto length = costs.choose_draft_length(*drafter, most, step);
      if (length.drafts > 0 && (!by || length.rate() > best.rate())) best = length, by = drafter;
    }
    if (!by) continue;
    step = best.step;
    chosen.push_back({planned, by, best.drafts});
    if (auto* model_drafter = dynamic_cast<ModelDrafter*>(by))
      by_model.push_back({model_drafter, planned.sequence->tokens(), best.drafts});
  }
  if (!by_model.empty()) draft_model->draft(by_model);
  for (auto& [planned, drafter, drafts_wanted] : chosen) {
    const std::size_t n = std::min(drafts_wanted, drafter->made(drafts_wanted));
    if (n == 0) continue;
    SequenceState& state = planned.sequence->state();
    StateNeeds needs = state.needs(planned.tokens + n);
    needs.recurrent_blocks += state.rollback_blocks();
    if (!needs.fits(pools)) continue;
    state.keep_for_rollback();
    state.reserve(planned.tokens + n);
    planned.sequence->draft(*drafter, n);
  }
}

void Engine::Impl::gather(std::span<const Planned> plan) {
  segments.clear();
  wishes.clear();
  std::size_t row = 0;
  for (const auto& [sequence, n] : plan) {
    const std::size_t drafts = sequence->drafts(), computed = n + drafts;
    const std::size_t wanted = sequence->logits_wanted(computed);
    segments.push_back({.state = &sequence->state(),
                        .tokens = sequence->next_tokens(computed),
                        .logits_wanted = wanted,
                        .adapter = sequence->adapter()});
    if (sequence->state().length() >= sequence->whole_loops()) segments.back().exit = sequence->exit();
    const std::size_t end = sequence->state().length() + n;
    for (std::size_t left = wanted - drafts; left > 0; --left) {
      const std::size_t rows = left == 1 ? 1 + drafts : 1;
      wishes.push_back({sequence, segments.size() - 1, end - left, row, rows});
      row += rows;
    }
  }
}

void Engine::Impl::compute() {
  std::size_t rows = 0;
  for (const Segment& segment : segments) rows += segment.tokens.size();
  const auto start = std::chrono::steady_clock::now();
  const std::span<const float> logits = forward(segments);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  if (const auto loops = forward.loops(); !loops.empty()) {
    for (const Wish& wish : wishes) wish.sequence->set_loops(loops[wish.segment]);
  }
  if (drafting) costs.record(rows, elapsed.count());
  look(logits);
}

// A draw depends on its own sequence alone, so any thread may make it.
void Engine::Impl::look(std::span<const float> logits) {
  auto look_at = [&](std::size_t i, int worker) {
    const Wish& wish = wishes[i];
    wish.sequence->look(wish.position, logits.subspan(wish.first * vocab_size(), wish.rows * vocab_size()),
                        scratches[static_cast<std::size_t>(worker)]);
  };
  if (wishes.size() < 2) {
    for (std::size_t i = 0; i < wishes.size(); ++i) look_at(i, 0);
  } else {
    threads.parallel_for(wishes.size(), look_at);
  }
}

Result<void> Engine::Impl::check_memory(std::size_t tokens, std::size_t loops) const {
  if (scheduler.fits(tokens, loops)) return {};
  return Error{
      .kind = ErrorKind::context,
      .what = fmt::format(
          "{} tokens may take {:.1f} MiB, more than all memory for sequences", tokens,
          static_cast<double>(SequenceState::bytes(model.spec, tokens, pools.kv.kv_type(), loops)) / (1 << 20)),
      .hint = "more memory for sequences or a smaller max_tokens will do"};
}

StateOrigin Engine::Impl::origin(std::size_t adapter) {
  if (!digest) digest = model_digest(model, threads);
  return {.model = *digest,
          .adapters = adapters ? adapters->choices.at(adapter).digest : Digest{},
          .kv_type = pools.kv.kv_type(),
          .fused = kernels.fused,
          .int8 = kernels.int8 != nullptr};
}

std::shared_ptr<const BannedTexts> Engine::Impl::banned_texts(const std::vector<std::string>& texts) {
  if (texts.empty()) return nullptr;
  if (const auto known = banned.find(texts); known != banned.end()) return known->second;
  constexpr std::size_t kMost = 16;  // lists that are kept
  if (banned.size() == kMost) banned.clear();
  return banned[texts] = std::make_shared<const BannedTexts>(*tokenizer, texts);
}

Result<Engine> Engine::create(const Model& model, const Tokenizer* tokenizer, EngineOptions options) {
  if (sees_both_sides(model.spec)) {
    return usage_error(
        fmt::format("{} sees the words on both sides of each ({}) and cannot continue a text", model.name,
                    model.spec.family),
        "`continuo fill` guesses its masked words, `continuo score` scores texts, `continuo embed` makes vectors");
  }
  CONTINUO_TRY(const KernelTable kernels, kernels_of(options));
  CONTINUO_CHECK(kernels.attention[static_cast<std::size_t>(options.kv_type)],
                 "keys and values in a format without kernels");
  CONTINUO_TRY(const MemoryShares shares, share_memory(model.spec, options));
  return Engine(std::make_unique<Impl>(model, tokenizer, options, shares, kernels));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

int Engine::threads() const { return impl_->threads.size(); }
const KernelTable& Engine::kernels() const { return impl_->kernels; }
const Scheduler::Counts& Engine::counts() const { return impl_->scheduler.counts(); }
const Engine::DraftCounts& Engine::draft_counts() const { return impl_->draft_counts; }

Result<void> Engine::check(const Request& request) const {
  const ModelSpec& spec = impl_->model.spec;
  CONTINUO_TRY_VOID(validate(request.sampling, impl_->vocab_size()));
  if (request.max_tokens < -1) {
    return field_error("max_tokens",
                       fmt::format("is {}, expected a number >= 0, or -1 for no limit", request.max_tokens));
  }
  CONTINUO_TRY_VOID(validate_limits(request, spec, impl_->tokenizer));
  if (request.sampling.dry_multiplier != 0 && !request.sampling.dry_sequence_breakers.empty() && !impl_->tokenizer)
    return field_error("dry_sequence_breakers", "needs a tokenizer", "the model has none");
  CONTINUO_TRY_VOID(impl_->constraints.find(request.constraint));
  CONTINUO_TRY_VOID(validate_ids(request.prompt, spec));
  CONTINUO_TRY_VOID(check_loops(spec, request.loops, request.exit));
  return impl_->check_memory(positions_needed(request, spec), request.loops);
}

Result<void> Engine::check(const ScoreRequest& request) const {
  CONTINUO_TRY_VOID(validate_ids(request.ids, impl_->model.spec));
  CONTINUO_CHECK(request.first >= 1 && request.first <= request.ids.size(), "a token that nothing stands before");
  return impl_->check_memory(request.ids.size(), 0);
}

std::optional<std::size_t> Engine::find_adapter(std::string_view name) const {
  return impl_->adapters ? impl_->adapters->find(name) : std::nullopt;
}

std::vector<std::string> Engine::adapter_names() const {
  std::vector<std::string> names;
  for (std::size_t i = 1; impl_->adapters && i < impl_->adapters->choices.size(); ++i)
    names.push_back(impl_->adapters->choices[i].name);
  return names;
}

void Engine::prepare(SamplingOptions& sampling) {
  if (sampling.min_tokens > 0 || sampling.length_penalty_factor != 1)
    sampling.end_tokens = impl_->model.spec.eos_tokens;
  if (sampling.dry_multiplier != 0 && impl_->tokenizer)
    sampling.dry_breakers = impl_->breakers.find(*impl_->tokenizer, sampling.dry_sequence_breakers);
}

std::uint64_t Engine::submit(Request request, Sink sink, Continuation::Done done) {
  prepare(request.sampling);
  auto banned = impl_->banned_texts(request.banned);
  auto grammar = impl_->constraints.find(request.constraint);
  CONTINUO_CHECK(grammar, "a request whose constraint check() has something against");
  return impl_->scheduler.add(std::make_unique<Continuation>(
      std::move(request), impl_->model, impl_->tokenizer, impl_->pools, std::move(sink), std::move(done),
      ContinuationOptions{impl_->lookup, impl_->draft_model ? &*impl_->draft_model : nullptr, std::move(banned),
                          std::move(*grammar)}));
}

void Engine::cancel(std::uint64_t number) { impl_->scheduler.cancel(number); }

std::uint64_t Engine::submit(ScoreRequest request, Scoring::Done done) {
  return impl_->scheduler.add(
      std::make_unique<Scoring>(std::move(request), impl_->model, impl_->pools, std::move(done)));
}

// ---- beginnings in files ----

Result<void> Engine::check(const BeginningRequest& request) const {
  CONTINUO_TRY_VOID(validate_ids(request.ids, impl_->model.spec));
  return impl_->check_memory(request.ids.size());
}

std::uint64_t Engine::submit(BeginningRequest request, Beginning::Done done) {
  auto adopting = [impl = impl_.get(), adapter = request.adapter, done = std::move(done)](Result<SavedState> made) {
    if (made) impl->scheduler.adopt(*made, adapter);
    done(std::move(made));
  };
  return impl_->scheduler.add(std::make_unique<Beginning>(impl_->model.spec, impl_->pools, std::move(request.ids),
                                                          request.adapter, std::move(adopting)));
}

std::size_t Engine::longest_beginning() const { return impl_->scheduler.longest_shared(); }

Result<void> Engine::write(const SavedState& beginning, std::size_t adapter, int descriptor, const std::string& path) {
  return write_state(beginning, impl_->origin(adapter), impl_->model.spec, descriptor, path);
}

Result<std::vector<TokenId>> Engine::read(StateFileBytes file, std::size_t adapter) {
  CONTINUO_TRY(SavedState state, read_state(file, impl_->origin(adapter), impl_->model.spec, impl_->pools));
  impl_->scheduler.adopt(state, adapter);
  return std::move(state.tokens);
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
