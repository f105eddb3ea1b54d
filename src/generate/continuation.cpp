#include "generate/continuation.h"

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
    case FinishReason::repetition:
      return "repetition";
  }
  return "";
}

std::size_t positions_needed(const Request& request, const ModelSpec& spec) {
  const auto context = static_cast<std::size_t>(spec.context_length);
  const std::size_t left = context - request.prompt.size();
  if (request.max_tokens < 0) return context;
  return request.prompt.size() + std::min(left, static_cast<std::size_t>(request.max_tokens));
}

namespace {

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

Continuation::Continuation(Request request, const Model& model, const Tokenizer* tokenizer, StatePools& pools,
                           Sink sink, Done done, bool drafts)
    : Sequence(model.spec, pools, request.prompt, positions_needed(request, model.spec)),
      request_(std::move(request)),
      model_(model),
      sink_(std::move(sink)),
      done_(std::move(done)),
      decoder_(decoder_after(tokens(), tokenizer)),
      stops_(request_.stop) {
  request_.prompt = {};
  if (decoder_) prompt_open_ = !StreamDecoder(*decoder_).finish().empty();
  if (drafts) lookup_.emplace(capacity()).observe_prompt(tokens());
  completion_.prompt_tokens = prompt_length();
  if (const auto reason = limit_reached()) finish(*reason);
}

Sampler& Continuation::sampler() {
  if (!sampler_) {
    sampler_.emplace(request_.sampling, static_cast<std::size_t>(model_.spec.vocab_size));
    for (const TokenId id : tokens().first(prompt_length()))
      sampler_->observe_prompt(id);
    for (const TokenId id : tokens().subspan(prompt_length()))
      sampler_->observe(id);
    if (feedback_) sampler_->resume(*feedback_);
  }
  return *sampler_;
}

void Continuation::draft(std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    append_draft(tokens_and_drafts()[lookup_->source() + i]);
}

GeneratedToken Continuation::report(TokenId id, std::span<const float> logits) const {
  GeneratedToken token{.id = id};
  if (request_.want_logprob) token.logprob = log_probability(logits, id);
  if (request_.logprobs > 0) token.top = top_logprobs(logits, request_.logprobs);
  return token;
}

// Draws one token after the other, as if each came from a step of its own. The first that is not the draft ends it:
// the logits after it are those of another text.
void Continuation::look(std::size_t position, std::span<const float> logits, SamplingScratch& scratch) {
  const std::size_t vocab_size = logits.size() / (1 + drafts());
  const std::span<const TokenId> drafted = tokens_and_drafts().last(drafts());
  for (std::size_t i = 0; i <= drafts(); ++i) {
    const auto row = logits.subspan(i * vocab_size, vocab_size);
    const auto id = sampler().sample(row, {.sample = request_.sample, .position = position + i + 1}, scratch);
    unscored_ = !id;
    if (!id) return;
    sampler_->observe(*id);
    drawn_.push_back(report(*id, row));
    if (i < drafts() && *id != drafted[i]) return;
  }
}

void Continuation::accept() {
  drop_drafts();
  const std::size_t known = tokens().size();
  if (state().length() < known) return;  // in the midst of the prompt
  for (std::size_t i = 0; i < drawn_.size() && !finished(); ++i)
    take(std::move(drawn_[i]));
  drawn_.clear();
  if (unscored_ && !finished()) {
    error_ = model_error(model_.name, "no score of the next token is a number", kNoScores);
    set_finished();
  }
  state().rollback(std::max(known, tokens().size() - 1));
  if (lookup_) lookup_->observe(tokens());
}

void Continuation::give_back_memory() {
  Sequence::give_back_memory();
  if (sampler_) feedback_ = sampler_->feedback();
  sampler_.reset();
}

void Continuation::answer() {
  completion_.feedback = sampler_ ? sampler_->feedback() : feedback_.value_or(first_feedback(request_.sampling));
  if (done_)
    done_(error_ ? Result<Completion>(std::move(*error_)) : Result<Completion>(std::move(completion_)));
}

// Appends it: end tokens, stop strings, limits; tells the sink what became certain.
void Continuation::take(GeneratedToken token) {
  append(token.id);
  completion_.tokens.push_back(std::move(token));
  const TokenId id = completion_.tokens.back().id;
  const auto& ends = model_.spec.eos_tokens;
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
  if (!reader_stays && !finished()) interrupt();
}

// What is held back stays unsaid: it may belong to half a character or to a stop string.
void Continuation::interrupt() { finish(FinishReason::interrupted); }

std::string Continuation::text_of(TokenId token) {
  return decoder_ ? stops_.push(without_prompt(decoder_->push(token))) : std::string();
}

// A character that the prompt began and the continuation completes is the continuation's; one that it does
// not complete is the prompt's: its U+FFFD stands at the end of the prompt's own text already.
std::string Continuation::without_prompt(std::string decoded) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  if (!prompt_open_ || decoded.empty()) return decoded;
  prompt_open_ = false;
  if (decoded.starts_with(kReplacement)) decoded.erase(0, kReplacement.size());
  return decoded;
}

// Half a character shows as U+FFFD, which may itself complete a stop string.
std::string Continuation::rest_of_text() {
  if (!decoder_) return {};
  const std::string text = stops_.push(without_prompt(decoder_->finish()));
  return text + stops_.finish();
}

std::optional<FinishReason> Continuation::limit_reached() const {
  const std::size_t generated = completion_.tokens.size();
  if (request_.max_tokens >= 0 && generated >= static_cast<std::size_t>(request_.max_tokens)) {
    return FinishReason::length;
  }
  if (tokens().size() >= static_cast<std::size_t>(model_.spec.context_length)) {
    return FinishReason::context;
  }
  return std::nullopt;
}

void Continuation::finish(FinishReason reason) {
  set_finished();
  completion_.finish = reason;
}

}  // namespace continuo
