#include "generate/draft_model.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace continuo {

namespace {

// Drafts are taken to be right as often as this before it is known better, with the weight of so many that were
// compared.
constexpr double kUsuallyRight = 0.5, kPrior = 2;
constexpr double kForgetting = 1.0 / 32;
// A record of failures fades while nothing is drafted, so that it is tried again now and then.
constexpr double kFading = 1.0 / 1024;

// Of times: a step that took longer was held up.
constexpr double kLearning = 1.0 / 4, kHeldUp = 4;

// What changes which token is drawn most of the time; the rest would need to know the text.
SamplingOptions plain(const SamplingOptions& sampling) {
  SamplingOptions plain;
  plain.temperature = sampling.temperature;
  plain.top_k = sampling.top_k;
  plain.top_p = sampling.top_p;
  plain.min_p = sampling.min_p;
  plain.seed = sampling.seed;
  return plain;
}

}  // namespace

// ---- of one text ----

ModelDrafter::ModelDrafter(DraftModel& model, const SamplingOptions& sampling, std::uint64_t sample)
    : model_(model),
      sampler_(plain(sampling), static_cast<std::size_t>(model.model_.spec.vocab_size)),
      sample_(sample),
      record_(model.record_) {}

bool ModelDrafter::available() const { return true; }

double ModelDrafter::probability(std::size_t) const {
  return (record_.right + kPrior * kUsuallyRight) / (record_.compared + kPrior);
}

double ModelDrafter::cost(std::size_t n) const {
  const std::size_t together = std::max<std::size_t>(model_.together_, 1);
  return double(n) * model_.step_seconds_ / double(together);
}

TokenId ModelDrafter::token(std::size_t i, std::span<const TokenId>) const { return drafted_[i]; }

void ModelDrafter::observe(std::span<const TokenId> text) {
  const std::size_t known = std::exchange(seen_, text.size());  // 0: it has not seen the text before
  if (drafted_.empty()) {
    for (std::size_t i = known > 0 ? known : text.size(); i < text.size(); ++i) {
      record_.right *= 1 - kFading;
      record_.compared *= 1 - kFading;
    }
    return;
  }
  std::size_t right = 0;
  while (right < drafted_.size() && drafted_at_ + right < text.size() && drafted_[right] == text[drafted_at_ + right]) {
    ++right;
  }
  const std::size_t compared = std::min({right + 1, drafted_.size(), text.size() - std::min(text.size(), drafted_at_)});
  for (Record* record : {&record_, &model_.record_}) {
    for (std::size_t i = 0; i < compared; ++i) {
      record->right += (i < right ? 1.0 : 0.0) - record->right * kForgetting;
      record->compared += 1 - record->compared * kForgetting;
    }
  }
  drafted_.clear();
  // What is computed of tokens that are not the text's is taken back; it goes on from the text's last token.
  if (state_ && state_->length() > 0 && text.size() > drafted_at_)
    state_->rollback(std::min({state_->length(), drafted_at_ + right - first_, text.size() - 1 - first_}));
}

// ---- of all ----

DraftModel::DraftModel(const Model& model, const KernelTable& kernels, ThreadPool& threads, bool repack,
                       const DraftMemory& memory, std::size_t vocab_size)
    : model_(model),
      vocab_size_(vocab_size),
      context_(std::min(kMostContext, static_cast<std::size_t>(model.spec.context_length))),
      pools_(model.spec, memory.kv_pages, memory.recurrent_blocks, memory.kv_type),
      forward_(model, kernels, threads, {.repack = repack}) {}

// Makes sure of the memory; a text that has become too long is known from its end on again.
bool DraftModel::prepare(const Wish& wish) {
  ModelDrafter& drafter = *wish.drafter;
  const std::size_t length = wish.text.size();
  const bool fits = drafter.state_ && length - drafter.first_ + wish.tokens <= context_ &&
                    length - drafter.first_ - drafter.state_->length() <= kFirstContext;
  if (!fits) {
    drafter.state_.reset();
    drafter.first_ = length - std::min({length, kFirstContext, context_ / 2});
    if (length - drafter.first_ + wish.tokens > context_) return false;
    drafter.state_.emplace(model_.spec, pools_, context_, length - drafter.first_);
  }
  SequenceState& state = *drafter.state_;
  const std::size_t more = length - drafter.first_ - state.length() + wish.tokens;
  StateNeeds needs = state.needs(more);
  needs.recurrent_blocks += state.rollback_blocks();
  if (!needs.fits(pools_)) return false;
  state.reserve(more);
  state.keep_for_rollback();  // takes the block that step() copies to
  return true;
}

void DraftModel::draft(std::span<const Wish> wishes) {
  std::vector<Wish> able;
  std::size_t most = 0;
  for (const Wish& wish : wishes) {
    wish.drafter->drafted_.clear();
    wish.drafter->drafted_at_ = wish.text.size();
    if (!prepare(wish)) continue;
    able.push_back(wish);
    most = std::max(most, wish.tokens);
  }
  together_ = std::max<std::size_t>(able.size(), 1);
  for (std::size_t i = 0; i < most && !able.empty(); ++i) {
    std::erase_if(able, [&](const Wish& wish) { return wish.tokens <= i || wish.drafter->drafted_.size() < i; });
    if (!able.empty()) step(able, i);
  }
}

// The draft's token i of each text: first all that is not computed of the text goes through the model, then a token each.
void DraftModel::step(std::span<const Wish> wishes, std::size_t i) {
  std::vector<Segment> segments;
  std::size_t rows = 0;
  for (const auto& [drafter, text, tokens] : wishes) {
    SequenceState& state = *drafter->state_;
    if (i == 1) state.keep_for_rollback();
    const std::span<const TokenId> next = i == 0 ? text.subspan(drafter->first_ + state.length())
                                                 : std::span<const TokenId>(&drafter->drafted_.back(), 1);
    segments.push_back({&state, next, 1});
    rows += next.size();
  }
  const auto start = std::chrono::steady_clock::now();
  const std::span<const float> logits = forward_(segments);
  const std::size_t width = static_cast<std::size_t>(model_.spec.vocab_size);
  for (std::size_t j = 0; j < wishes.size(); ++j) {
    ModelDrafter& drafter = *wishes[j].drafter;
    const Draw at{.sample = drafter.sample_, .position = drafter.drafted_at_ + i};
    const auto id = drafter.sampler_.sample(logits.subspan(j * width, width), at, scratch_);
    if (id && static_cast<std::size_t>(*id) < vocab_size_) drafter.drafted_.push_back(*id);
  }
  if (rows > 2 * wishes.size()) return;  // a text was read
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  step_seconds_ +=
      step_seconds_ > 0 ? (std::min(seconds, step_seconds_ * kHeldUp) - step_seconds_) * kLearning : seconds;
}

}  // namespace continuo
