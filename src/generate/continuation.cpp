#include "generate/continuation.h"

#include <algorithm>
#include <utility>

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
  for (const TokenId id : prompt) decoder.push(id);
  return decoder;
}

bool has(std::span<const TokenId> tokens, TokenId token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

}  // namespace

Continuation::Continuation(Request request, const Model& model, const Tokenizer* tokenizer, StatePools& pools,
                           Sink sink, Done done, ContinuationOptions options)
    : Sequence(model.spec, pools, request.prompt, positions_needed(request, model.spec), request.adapter, request.loops,
               request.exit),
      request_(std::move(request)),
      model_(model),
      sink_(std::move(sink)),
      done_(std::move(done)),
      decoder_(decoder_after(tokens(), tokenizer)),
      stops_(request_.stop, request_.include_stop) {
  request_.prompt = {};
  if (options.grammar || options.banned || !request_.allowed_tokens.empty()) {
    std::vector<TokenId> ends = request_.sampling.stop_tokens;
    if (!request_.ignore_eos) ends.insert(ends.end(), model.spec.eos_tokens.begin(), model.spec.eos_tokens.end());
    choices_.emplace(request_.allowed_tokens, static_cast<std::size_t>(model.spec.vocab_size), ends,
                     std::move(options.banned), std::move(options.grammar));
  }
  if (decoder_) prompt_open_ = !StreamDecoder(*decoder_).finish().empty();
  if (options.lookup && !choices_) {
    lookup_.emplace(capacity()).observe_prompt(tokens());
    drafters_.push_back(&*lookup_);
  }
  if (options.draft_model && !choices_)
    drafters_.push_back(&model_drafter_.emplace(*options.draft_model, request_.sampling, request_.sample));
  completion_.prompt_tokens = prompt_length();
  if (const auto reason = limit_reached()) finish(*reason);
}

Sampler& Continuation::sampler() {
  if (!sampler_) {
    sampler_.emplace(request_.sampling, static_cast<std::size_t>(model_.spec.vocab_size));
    for (const TokenId id : tokens().first(prompt_length())) sampler_->observe_prompt(id);
    for (const TokenId id : tokens().subspan(prompt_length())) sampler_->observe(id);
    if (feedback_) sampler_->resume(*feedback_);
  }
  return *sampler_;
}

void Continuation::draft(const Drafter& drafter, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) append_draft(drafter.token(i, tokens_and_drafts()));
}

GeneratedToken Continuation::report(TokenId id, std::span<const float> logits) const {
  GeneratedToken token{.id = id, .loops = loops_};
  if (request_.want_logprob) token.logprob = log_probability(logits, id);
  if (request_.logprobs > 0) token.top = top_logprobs(logits, request_.logprobs);
  if (!request_.logprob_tokens.empty()) token.named = token_logprobs(logits, request_.logprob_tokens);
  return token;
}

// A token that may come. Where it completes a banned text, those in which that text begins and ends are taken back.
std::optional<TokenId> Continuation::draw(std::span<const float> logits, std::size_t position,
                                          SamplingScratch& scratch) {
  const Draw at{.sample = request_.sample, .position = position};
  if (!choices_) return sampler().sample(logits, at, scratch);
  for (;;) {
    const SamplingFeedback before = sampler().feedback();
    const auto id = sampler_->sample(logits, at, scratch, choices_->allowed());
    taken_back_ = id ? choices_->add(*id) : 0;
    if (taken_back_ != 1) {
      feedback_before_ = before;
      return id;
    }
    sampler_->resume(before);
  }
}

// Draws one token after the other, as if each came from a step of its own. The first that is not the draft ends it:
// the logits after it are those of another text.
void Continuation::look(std::size_t position, std::span<const float> logits, SamplingScratch& scratch) {
  const std::size_t vocab_size = logits.size() / (1 + drafts());
  const std::span<const TokenId> drafted = tokens_and_drafts().last(drafts());
  for (std::size_t i = 0; i <= drafts(); ++i) {
    const auto row = logits.subspan(i * vocab_size, vocab_size);
    const auto id = draw(row, position + i + 1, scratch);
    unscored_ = !id;
    if (!id || taken_back_ > 0) return;
    sampler_->observe(*id);
    drawn_.push_back(report(*id, row));
    if (i < drafts() && *id != drafted[i]) return;
  }
}

void Continuation::accept() {
  drop_drafts();
  const std::size_t known = tokens().size();
  if (state().length() < known) return;  // in the midst of the prompt
  if (taken_back_ > 0) return go_back(std::exchange(taken_back_, 0) - 1);
  for (std::size_t i = 0; i < drawn_.size() && !finished(); ++i) receive(std::move(drawn_[i]));
  drawn_.clear();
  if (unscored_ && !finished()) {
    error_ = no_token();
    set_finished();
  }
  state().rollback(std::min(state().length(), std::max(known, tokens().size() - 1)));
  for (Drafter* drafter : drafters_) drafter->observe(tokens());
  if (choices_) receive_forced();
}

// Why nothing was drawn.
Error Continuation::no_token() {
  if (choices_) {
    if (choices_->failed())
      return usage_error("what the text has to be takes too much memory", "is it a simpler grammar that is meant?");
    const auto allowed = choices_->allowed();
    if (!allowed.empty() && std::all_of(allowed.begin(), allowed.end(), [](std::uint64_t bits) { return bits == 0; }))
      return usage_error("no token of the vocabulary may come next",
                         "do the constraint, the allowed tokens and the banned texts leave anything to say?");
  }
  return model_error(model_.name, "no score of the next token is a number", kNoScores);
}

// A token of the text, certain or not yet.
void Continuation::receive(GeneratedToken token) {
  const TokenId id = token.id;
  append(id);
  if (!choices_) return take(std::move(token));  // without a deque, whose growth would allocate now and then
  held_.push_back({std::move(token), feedback_before_});
  const bool last = ends(id) || length_limit(tokens().size() - prompt_length()).has_value();
  const std::size_t uncertain = last ? 0 : choices_->held();
  while (held_.size() > uncertain && !finished()) {
    GeneratedToken next = std::move(held_.front().token);
    held_.pop_front();
    take(std::move(next));
  }
}

// Where one token alone may come, nothing has to be computed to know it.
void Continuation::receive_forced() {
  while (!finished() && request_.banned.empty() && !request_.want_logprob && request_.logprob_tokens.empty()) {
    const std::optional<TokenId> id = choices_->forced();
    if (!id || ends(*id)) return;
    choices_->add(*id);
    sampler().force(*id);
    receive({.id = *id, .logprob = 0, .loops = 0, .top = {}, .named = {}});
  }
}

// The newest n tokens are none: they spell the beginning of a banned text.
void Continuation::go_back(std::size_t n) {
  feedback_ = held_[held_.size() - n].before;
  held_.resize(held_.size() - n);
  take_back(n);
  sampler_.reset();
}

void Continuation::give_back_memory() {
  Sequence::give_back_memory();
  for (Drafter* drafter : drafters_) drafter->give_back_memory();
  if (sampler_) feedback_ = sampler_->feedback();
  sampler_.reset();
}

void Continuation::answer() {
  completion_.feedback = sampler_ ? sampler_->feedback() : feedback_.value_or(first_feedback(request_.sampling));
  if (done_) done_(error_ ? Result<Completion>(std::move(*error_)) : Result<Completion>(std::move(completion_)));
}

bool Continuation::ends(TokenId id) const {
  return has(request_.sampling.stop_tokens, id) || (!request_.ignore_eos && has(model_.spec.eos_tokens, id));
}

// End tokens, stop strings, limits; tells the sink what became certain.
void Continuation::take(GeneratedToken token) {
  completion_.tokens.push_back(std::move(token));
  const TokenId id = completion_.tokens.back().id;
  const bool ended = ends(id), stop_token = has(request_.sampling.stop_tokens, id);

  std::string text = ended && !(stop_token && request_.include_stop) ? std::string() : text_of(id);
  const std::optional<FinishReason> limit =
      ended ? stop_token ? FinishReason::stop : FinishReason::eos : limit_reached();
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

std::optional<FinishReason> Continuation::length_limit(std::size_t generated) const {
  if (request_.max_tokens >= 0 && generated >= static_cast<std::size_t>(request_.max_tokens)) {
    return FinishReason::length;
  }
  if (prompt_length() + generated >= static_cast<std::size_t>(model_.spec.context_length)) {
    return FinishReason::context;
  }
  return std::nullopt;
}

std::optional<FinishReason> Continuation::limit_reached() {
  if (choices_ && held_.empty() && choices_->complete()) return FinishReason::stop;
  if (repeats()) return FinishReason::repetition;
  return length_limit(completion_.tokens.size());
}

// Whether the text ends with the same tokens, often enough.
bool Continuation::repeats() const {
  const RepetitionDetection& wanted = request_.repetition;
  const auto& text = completion_.tokens;
  for (std::size_t size = wanted.min_pattern; size <= wanted.max_pattern; ++size) {
    if (text.size() / wanted.min_count < size) return false;
    const std::size_t compared = size * (wanted.min_count - 1);
    std::size_t same = 0;
    while (same < compared && text[text.size() - 1 - same].id == text[text.size() - 1 - same - size].id) ++same;
    if (same == compared) return true;
  }
  return false;
}

void Continuation::finish(FinishReason reason) {
  set_finished();
  completion_.finish = reason;
  completion_.complete = !choices_ || choices_->may_end();
}

}  // namespace continuo
