#include "generate/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "sampling/sampler.h"

namespace continuo {

namespace {

// Tokens of a step, roughly: enough for products of whole tiles, few enough that they stay in the cache.
constexpr std::size_t kStepTokens = 512;
// Scores that a step leaves, roughly: 64 MiB.
constexpr std::size_t kStepScores = std::size_t{1} << 24;

}  // namespace

struct Encoder::Impl {
  Impl(const Model& m, const EngineOptions& options, const KernelTable& table)
      : model(m),
        kernels(table),
        threads(threads_of(options, m)),
        forward(m, kernels, threads, {.repack = options.repack}) {}

  void gather(std::span<const EncoderText> texts);
  struct Masked;
  Result<void> score_masked(std::span<const Masked> masked, TokenId mask, std::span<double> found);

  const Model& model;
  const KernelTable kernels;
  ThreadPool threads;
  ForwardPass forward;
  std::vector<SequenceState> states;
  std::vector<Segment> segments;
};

void Encoder::Impl::gather(std::span<const EncoderText> texts) {
  states.clear();
  segments.clear();
  states.reserve(texts.size());
  for (const EncoderText& text : texts) {
    states.emplace_back(model.spec, text.ids.size(), text.ids.size());
    segments.push_back({.state = &states.back(),
                        .tokens = text.ids,
                        .logits_wanted = text.ids.size(),
                        .chosen = text.positions,
                        .token_types = text.token_types});
  }
}

Result<Encoder> Encoder::create(const Model& model, const EngineOptions& options) {
  CONTINUO_TRY(const KernelTable kernels, kernels_of(options));
  return Encoder(std::make_unique<Impl>(model, options, kernels));
}

Encoder::Encoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Encoder::Encoder(Encoder&&) noexcept = default;
Encoder& Encoder::operator=(Encoder&&) noexcept = default;
Encoder::~Encoder() = default;

Result<void> Encoder::check(const EncoderText& text) const {
  const ModelSpec& spec = impl_->model.spec;
  if (text.ids.empty()) return usage_error("the text has no tokens");
  if (text.ids.size() > static_cast<std::size_t>(spec.context_length)) {
    return Error{.kind = ErrorKind::context,
                 .what = fmt::format("the text has {} tokens and the model's context holds {}", text.ids.size(),
                                     spec.context_length)};
  }
  for (const TokenId id : text.ids) {
    if (id < 0 || id >= spec.vocab_size) {
      return usage_error(
          fmt::format("token id {} is outside the vocabulary, expected 0 to {}", id, spec.vocab_size - 1));
    }
  }
  if (!text.token_types.empty() && text.token_types.size() != text.ids.size()) {
    return usage_error(fmt::format("{} token types for {} tokens", text.token_types.size(), text.ids.size()));
  }
  const int most = std::max(spec.n_token_types - 1, 0);
  for (const std::uint8_t type : text.token_types) {
    if (type > most)
      return usage_error(fmt::format("token type {} is outside the model's, expected 0 to {}", type, most));
  }
  return {};
}

std::span<const float> Encoder::logits(std::span<const EncoderText> texts) {
  impl_->gather(texts);
  return impl_->forward(impl_->segments);
}

std::span<const float> Encoder::hidden_states(std::span<const EncoderText> texts) {
  impl_->gather(texts);
  return impl_->forward.hidden_states(impl_->segments);
}

// A token that is masked, and the text around it.
struct Encoder::Impl::Masked {
  const EncoderText* text;
  std::size_t position;
};

// All of `masked` in one step.
Result<void> Encoder::Impl::score_masked(std::span<const Masked> masked, TokenId mask, std::span<double> found) {
  std::vector<std::vector<TokenId>> ids;
  ids.reserve(masked.size());
  std::vector<EncoderText> texts;
  for (const Masked& one : masked) {
    ids.emplace_back(one.text->ids.begin(), one.text->ids.end());
    ids.back()[one.position] = mask;
    texts.push_back({ids.back(), one.text->token_types, {&one.position, 1}});
  }
  gather(texts);
  const std::span<const float> logits = forward(segments);
  const auto vocab_size = static_cast<std::size_t>(model.spec.vocab_size);
  std::atomic<bool> all_numbers{true};
  threads.parallel_for(masked.size(), [&](std::size_t i, int) {
    const std::span<const float> row = logits.subspan(i * vocab_size, vocab_size);
    const TokenId id = masked[i].text->ids[masked[i].position];
    if (!has_probability(row, id)) all_numbers = false;
    found[i] = log_probability(row, id);
  });
  if (all_numbers) return {};
  return model_error(model.name, "a score is not a number", "are the weights damaged?");
}

Result<std::vector<double>> Encoder::masked_log_probabilities(std::span<const EncoderText> texts, TokenId mask,
                                                              const std::function<bool(std::size_t)>& go_on) {
  std::vector<Impl::Masked> all;
  for (const EncoderText& text : texts) {
    if (text.positions.empty()) {
      for (std::size_t i = 0; i < text.ids.size(); ++i) all.push_back({&text, i});
    }
    for (const std::size_t position : text.positions) all.push_back({&text, position});
  }
  const std::size_t most_rows = kStepScores / static_cast<std::size_t>(impl_->model.spec.vocab_size) + 1;
  std::vector<double> found(all.size());
  for (std::size_t begin = 0, end = 0; begin < all.size(); begin = end) {
    std::size_t tokens = 0;
    do {
      tokens += all[end++].text->ids.size();
    } while (end < all.size() && end - begin < most_rows && tokens + all[end].text->ids.size() <= kStepTokens);
    CONTINUO_TRY_VOID(
        impl_->score_masked(std::span(all).subspan(begin, end - begin), mask, std::span(found).subspan(begin)));
    if (go_on && !go_on(end)) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
  }
  return found;
}

}  // namespace continuo
