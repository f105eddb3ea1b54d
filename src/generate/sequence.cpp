#include "generate/sequence.h"

#include <algorithm>

namespace continuo {

std::string_view name(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::eos:
      return "eos";
    case FinishReason::context:
      return "context";
    case FinishReason::interrupted:
      return "interrupted";
  }
  return "";
}

namespace {

// Positions that prompt and continuation can take.
std::size_t positions_needed(const Request& request, const ModelSpec& spec) {
  const auto context = static_cast<std::size_t>(spec.context_length);
  const std::size_t left = context - request.prompt.size();
  if (request.max_tokens < 0) return context;
  return request.prompt.size() + std::min(left, static_cast<std::size_t>(request.max_tokens));
}

// The text of a continuation is what it adds to the text of the prompt, so the decoder goes through the
// prompt first: it then knows whether a text has begun, and whether the prompt ends inside a character.
std::optional<StreamDecoder> decoder_after(std::span<const TokenId> prompt, const Tokenizer* tokenizer) {
  if (!tokenizer) return std::nullopt;
  StreamDecoder decoder(*tokenizer, true);
  for (const TokenId id : prompt)
    decoder.push(id);
  return decoder;
}

}  // namespace

Sequence::Sequence(const Request& request, const Model& model, const Tokenizer* tokenizer, const Sink& sink)
    : request_(request),
      model_(model),
      sink_(sink),
      state_(model.spec, positions_needed(request, model.spec), request.prompt.size()),
      sampler_(request.sampling, static_cast<std::size_t>(model.spec.vocab_size)),
      decoder_(decoder_after(request.prompt, tokenizer)),
      stops_(request.stop) {
  for (const TokenId id : request.prompt)
    sampler_.observe_prompt(id);
  if (decoder_) prompt_open_ = !StreamDecoder(*decoder_).finish().empty();
  completion_.prompt_tokens = request.prompt.size();
  if (const auto reason = limit_reached()) finish(*reason);
}

std::span<const TokenId> Sequence::next_tokens(std::size_t limit) const {
  const std::size_t computed = state_.length();
  if (computed < request_.prompt.size()) {
    const std::size_t left = request_.prompt.size() - computed;
    return std::span(request_.prompt).subspan(computed, std::min(left, limit));
  }
  return {&completion_.tokens.back().id, 1};
}

bool Sequence::draws_after(std::span<const TokenId> tokens) const {
  return state_.length() + tokens.size() >= request_.prompt.size();
}

std::optional<GeneratedToken> Sequence::sample(std::span<const float> logits) {
  const auto id = sampler_.sample(logits, {.sample = request_.sample, .position = state_.length()});
  if (!id) return std::nullopt;
  GeneratedToken token{.id = *id};
  if (request_.want_logprob) token.logprob = log_probability(logits, *id);
  if (request_.logprobs > 0) token.top = top_logprobs(logits, request_.logprobs);
  return token;
}

void Sequence::accept(GeneratedToken token) {
  sampler_.observe(token.id);
  completion_.tokens.push_back(std::move(token));
  const TokenId id = completion_.tokens.back().id;
  const auto& ends = model_.spec.end_tokens;
  const bool ended = !request_.ignore_eos && std::find(ends.begin(), ends.end(), id) != ends.end();

  std::string text = ended ? std::string() : text_of(id);
  const std::optional<FinishReason> limit = ended ? FinishReason::eos : limit_reached();
  if (limit && !stops_.stopped()) text += rest_of_text();
  if (stops_.stopped()) {
    finish(FinishReason::stop);
  } else if (limit) {
    finish(*limit);
  }
  completion_.text += text;
  const bool reader_stays = !sink_ || sink_(text, completion_.tokens.back());
  if (!reader_stays && !finished_) interrupt();
}

// What is held back stays unsaid: it may belong to half a character or to a stop string.
void Sequence::interrupt() { finish(FinishReason::interrupted); }

std::string Sequence::text_of(TokenId token) {
  return decoder_ ? stops_.push(without_prompt(decoder_->push(token))) : std::string();
}

// A character that the prompt began and the continuation completes is the continuation's; one that it does
// not complete is the prompt's: its U+FFFD stands at the end of the prompt's own text already.
std::string Sequence::without_prompt(std::string decoded) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  if (!prompt_open_ || decoded.empty()) return decoded;
  prompt_open_ = false;
  if (decoded.starts_with(kReplacement)) decoded.erase(0, kReplacement.size());
  return decoded;
}

// Half a character shows as U+FFFD, which may itself complete a stop string.
std::string Sequence::rest_of_text() {
  if (!decoder_) return {};
  const std::string text = stops_.push(without_prompt(decoder_->finish()));
  return text + stops_.finish();
}

std::optional<FinishReason> Sequence::limit_reached() const {
  const std::size_t generated = completion_.tokens.size();
  if (request_.max_tokens >= 0 && generated >= static_cast<std::size_t>(request_.max_tokens)) {
    return FinishReason::length;
  }
  if (request_.prompt.size() + generated >= static_cast<std::size_t>(model_.spec.context_length)) {
    return FinishReason::context;
  }
  return std::nullopt;
}

void Sequence::finish(FinishReason reason) {
  finished_ = true;
  completion_.finish = reason;
}

}  // namespace continuo
