#include "generate/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"

namespace continuo {

namespace {

// Tokens of a step, roughly: enough for products of whole tiles, few enough that they stay in the cache.
constexpr std::size_t kStepTokens = 512;

}  // namespace

struct Encoder::Impl {
  Impl(const Model& m, const EngineOptions& options, const KernelTable& table)
      : model(m), kernels(table), threads(threads_of(options, m)), forward(m, kernels, threads, options.repack) {}

  void gather(std::span<const EncoderText> texts);

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

std::vector<double> Encoder::masked_log_probabilities(const EncoderText& text, TokenId mask, std::size_t first,
                                                      std::size_t end) {
  CONTINUO_CHECK(first <= end && end <= text.ids.size(), "tokens outside the text");
  const std::size_t vocab_size = static_cast<std::size_t>(impl_->model.spec.vocab_size);
  const std::size_t together = std::max<std::size_t>(kStepTokens / text.ids.size(), 1);
  std::vector<double> found;
  for (std::size_t begin = first; begin < end; begin += together) {
    const std::size_t n = std::min(together, end - begin);
    std::vector<std::vector<TokenId>> masked(n, std::vector<TokenId>(text.ids.begin(), text.ids.end()));
    std::vector<std::size_t> positions(n);
    std::vector<EncoderText> texts;
    for (std::size_t i = 0; i < n; ++i) {
      positions[i] = begin + i;
      masked[i][begin + i] = mask;
      texts.push_back({masked[i], text.token_types, {&positions[i], 1}});
    }
    const std::span<const float> scores = logits(texts);
    for (std::size_t i = 0; i < n; ++i) {
      const std::span<const float> row = scores.subspan(i * vocab_size, vocab_size);
      const double largest = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const float score : row) sum += std::exp(score - largest);
      found.push_back(row[static_cast<std::size_t>(text.ids[begin + i])] - largest - std::log(sum));
    }
  }
  return found;
}

}  // namespace continuo
