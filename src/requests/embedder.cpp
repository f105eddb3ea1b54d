#include "requests/embedder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "generate/pooling.h"
#include "loading/model_source.h"
#include "requests/special_tokens.h"

namespace continuo {

namespace {

// Tokens that go through the network together, but for a text that has more.
constexpr std::size_t kStepTokens = 1024;

}  // namespace

Embedder::Embedder(const LoadedModel& model, Encoder encoder, EmbeddingSettings settings)
    : model_(&model), encoder_(std::move(encoder)), settings_(std::move(settings)) {
  if (!settings_.pooling) settings_.pooling = sees_both_sides(model.network.spec) ? Pooling::mean : Pooling::last;
}

Result<Embedder> Embedder::create(const LoadedModel& model, EmbeddingSettings settings, const EngineOptions& options) {
  CONTINUO_TRY(Encoder encoder, Encoder::create(model.network, options));
  return Embedder(model, std::move(encoder), std::move(settings));
}

Result<EmbeddingText> Embedder::read(std::string_view text) const {
  const Tokenizer& tokenizer = *model_->text();
  EmbeddingText read;
  if (settings_.prompt.empty()) {
    CONTINUO_TRY(read.ids, encode_prompt(tokenizer, model_->network, text));
  } else {
    CONTINUO_TRY(read.ids, encode_prompt(tokenizer, model_->network, settings_.prompt + std::string(text)));
  }
  if (const std::size_t most = settings_.max_tokens; most > 0 && read.ids.size() > most) {
    // The text's last tokens go; what the tokenizer puts behind it stays.
    const std::size_t behind = std::min(special_after(tokenizer), most);
    std::copy(read.ids.end() - static_cast<std::ptrdiff_t>(behind), read.ids.end(),
              read.ids.begin() + static_cast<std::ptrdiff_t>(most - behind));
    read.ids.resize(most);
    read.truncated = true;
  }
  CONTINUO_TRY_VOID(check(read.ids));
  return read;
}

Result<std::vector<float>> Embedder::embed(std::span<const std::span<const TokenId>> texts) {
  std::vector<float> rows(texts.size() * width());
  std::vector<EncoderText> step;
  for (std::size_t begin = 0; begin < texts.size(); begin += step.size()) {
    step.clear();
    std::size_t tokens = 0;
    for (std::size_t i = begin; i < texts.size(); ++i) {
      tokens += texts[i].size();
      if (i > begin && tokens > kStepTokens) break;
      step.push_back({.ids = texts[i]});
    }
    CONTINUO_TRY_VOID(embed_step(step, std::span(rows).subspan(begin * width(), step.size() * width())));
  }
  return rows;
}

Result<void> Embedder::embed_step(std::span<const EncoderText> texts, std::span<float> rows) {
  std::span<const float> hidden = encoder_.hidden_states(texts);
  for (const EncoderText& text : texts) {
    const std::size_t n = text.ids.size() * width();
    const std::span<float> row = rows.first(width());
    pool(hidden.first(n), *settings_.pooling, row);
    if (settings_.normalize) normalize(row);
    if (std::any_of(row.begin(), row.end(), [](float value) { return !std::isfinite(value); })) {
      return model_error(model_->name, "a hidden state is not a number", "are the weights damaged?");
    }
    hidden = hidden.subspan(n);
    rows = rows.subspan(width());
  }
  return {};
}

}  // namespace continuo
