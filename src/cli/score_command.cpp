// continuo score [TEXT]: how likely the model finds a text, token by token.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_answer.h"
#include "cli/model_source.h"
#include "cli/prompt.h"
#include "generate/engine.h"

namespace continuo {

namespace {

// What the log-probabilities say of the whole text.
struct Summary {
  std::size_t scored = 0;  // tokens with a log-probability: all but the first
  double sum = 0;
  std::optional<double> perplexity;
  std::optional<double> bits_per_byte;  // of the bytes that the scored tokens spell; text only
};

Summary summarize(const Engine::Score& score, std::size_t scored_bytes) {
  Summary summary{.scored = score.logprobs.size()};
  for (const double logprob : score.logprobs)
    summary.sum += logprob;
  if (summary.scored > 0) summary.perplexity = std::exp(-summary.sum / static_cast<double>(summary.scored));
  if (scored_bytes > 0)
    summary.bits_per_byte = -summary.sum / std::log(2.0) / static_cast<double>(scored_bytes);
  return summary;
}

std::string lines(std::span<const TokenId> ids, const Engine::Score& score, const Summary& summary,
                  const Tokenizer* tokenizer) {
  std::string out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string logprob = i == 0 ? "-" : fmt::format("{:.6f}", score.logprobs[i - 1]);
    out += fmt::format("{}\t{}\t{}\n", ids[i], tokenizer ? escaped(tokenizer->piece(ids[i])) : "", logprob);
  }
  out += fmt::format("# {} tokens scored, log-probability {:.6f}", summary.scored, summary.sum);
  if (summary.perplexity) out += fmt::format(", perplexity {:.6g}", *summary.perplexity);
  if (summary.bits_per_byte) out += fmt::format(", {:.6g} bits per byte", *summary.bits_per_byte);
  return out + '\n';
}

Answer score_json(const Options& options, std::span<const TokenId> ids, const Engine::Score& score,
                  const Summary& summary, const std::string& model) {
  Answer logprobs = Answer::array({nullptr});
  for (const double logprob : score.logprobs)
    logprobs.push_back(logprob);
  Answer answer = {{"ids", std::vector<TokenId>(ids.begin(), ids.end())}, {"logprobs", std::move(logprobs)}};
  answer["sum"] = summary.sum;
  answer["perplexity"] = summary.perplexity ? Answer(*summary.perplexity) : Answer();
  if (summary.bits_per_byte) answer["bits_per_byte"] = *summary.bits_per_byte;
  answer["model"] = model;
  if (options.last_logits) answer["last_logits"] = score.last_logits;
  return answer;
}

}  // namespace

Result<void> run_score(const Options& options) {
  if (options.last_logits && !options.json) return usage_error("--last-logits needs --json");
  const std::atomic<bool>& interrupted = watch_interrupts();
  CONTINUO_TRY(const ModelFiles files, find_model(options.model));
  CONTINUO_TRY(const Model model, load_model(files));
  std::optional<Tokenizer> tokenizer;
  if (!options.ids || (!options.json && has_tokenizer(files))) {
    CONTINUO_TRY(tokenizer, load_tokenizer(files));
  }
  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  std::vector<TokenId> ids;
  if (options.ids) {
    CONTINUO_TRY(ids, parse_ids(text));
  } else {
    CONTINUO_TRY(ids, encode_prompt(*tokenizer, model, text));
  }
  if (ids.empty()) return usage_error("there is nothing to score: the text has no tokens");

  CONTINUO_TRY(Engine engine,
               Engine::create(model, tokenizer ? &*tokenizer : nullptr, {.threads = options.threads, .exact_math = options.exact_math}));
  CONTINUO_TRY(const Engine::Score score, engine.score(ids, interrupted));
  std::size_t scored_bytes = 0;
  if (!options.ids) {
    const std::size_t unscored = tokenizer->decode(std::span(ids).first(1), true).size();
    scored_bytes = text.size() - std::min(text.size(), unscored);
  }
  const Summary summary = summarize(score, scored_bytes);
  if (options.json) return print_json(score_json(options, ids, score, summary, files.name()));
  return print(lines(ids, score, summary, tokenizer ? &*tokenizer : nullptr));
}

}  // namespace continuo
