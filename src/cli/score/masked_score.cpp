#include "cli/score/masked_score.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>
#include <optional>

#include "cli/engine_options.h"
#include "cli/mask_option.h"
#include "cli/print_json.h"
#include "cli/prompt.h"
#include "cli/score/masked_record_run.h"
#include "cli/waiting.h"
#include "generate/encoder.h"
#include "requests/json_answer.h"
#include "requests/masked_part.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

Result<void> check_typed(const Options& options, const LoadedModel& model) {
  const std::string family = model.network.spec.family;
  if (options.score.stride || options.score.window) {
    return usage_error(fmt::format("--stride and --window are of models that continue texts, and {} is an encoder ({})",
                                   model.name, family));
  }
  if (options.last_logits) {
    return usage_error(
        fmt::format("--last-logits asks for what comes next, and {} is an encoder ({})", model.name, family),
        "`continuo fill` guesses masked words");
  }
  if (!options.token_types.empty() && !options.ids) return usage_error("--token-types needs --ids");
  if (model.network.spec.has_output) return {};
  return usage_error(fmt::format("{} was made without the part that guesses words, so it scores none", model.name),
                     "`continuo embed` makes vectors of texts");
}

Result<MaskedPart> read_part(const Options& options, const LoadedModel& model, const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  if (!options.ids) return masked_part(*model.text(), model.network, {}, text);
  MaskedPart part;
  CONTINUO_TRY(part.ids, parse_ids(text));
  if (part.ids.empty()) return usage_error("there is nothing to score: the text has no tokens");
  part.positions.resize(part.ids.size());
  std::iota(part.positions.begin(), part.positions.end(), std::size_t{0});
  return part;
}

// Of each token; nothing for those that are not scored.
std::vector<std::optional<double>> by_token(const MaskedPart& part, std::span<const double> scores) {
  std::vector<std::optional<double>> all(part.ids.size());
  for (std::size_t i = 0; i < scores.size(); ++i) all[part.positions[i]] = scores[i];
  return all;
}

double pseudo_perplexity(double sum, std::size_t tokens) { return std::exp(-sum / static_cast<double>(tokens)); }

std::string lines(const MaskedPart& part, std::span<const double> scores, double sum, const Tokenizer* tokenizer) {
  std::string out;
  const auto each = by_token(part, scores);
  for (std::size_t i = 0; i < part.ids.size(); ++i) {
    out += fmt::format("{}\t{}\t{}\n", part.ids[i], tokenizer ? escaped(tokenizer->piece(part.ids[i])) : "",
                       each[i] ? fmt::format("{:.6f}", *each[i]) : "-");
  }
  const double perplexity = pseudo_perplexity(sum, scores.size());
  return out + fmt::format("# {} tokens scored, pseudo-log-likelihood {:.6f}, pseudo-perplexity {}\n", scores.size(),
                           sum, std::isfinite(perplexity) ? fmt::format("{:.6g}", perplexity) : "beyond all numbers");
}

Answer score_json(const MaskedPart& part, std::span<const double> scores, double sum, const std::string& model) {
  Answer each = Answer::array();
  for (const auto& score : by_token(part, scores)) each.push_back(score ? Answer(*score) : Answer());
  Answer answer = {{"ids", part.ids}, {"masked_logprobs", std::move(each)}};
  answer["pseudo_log_likelihood"] = sum;
  answer["pseudo_perplexity"] = pseudo_perplexity(sum, scores.size());
  answer["model"] = model;
  return answer;
}

}  // namespace

Result<void> run_masked_score(const Options& options, const LoadedModel& model, const std::atomic<bool>& interrupted) {
  CONTINUO_TRY_VOID(check_typed(options, model));
  CONTINUO_TRY(const TokenId mask, mask_token(options, model));
  CONTINUO_TRY(Encoder encoder, Encoder::create(model.network, engine_options(options)));
  if (options.score.jsonl) return score_masked_records(options, model, encoder, mask, interrupted);

  CONTINUO_TRY(const MaskedPart part, read_part(options, model, interrupted));
  const std::vector<std::uint8_t> types(options.token_types.begin(), options.token_types.end());
  const EncoderText text{part.ids, types, part.positions};
  CONTINUO_TRY_VOID(encoder.check(text));
  std::optional<Waiting> waiting(std::in_place, options, "scoring");
  CONTINUO_TRY(const std::vector<double> scores,
               encoder.masked_log_probabilities({&text, 1}, mask, [&](std::size_t done) {
                 waiting->set(done, part.positions.size());
                 return !interrupted;
               }));
  waiting.reset();
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  if (options.json) return print_json(score_json(part, scores, sum, model.name));
  return print(lines(part, scores, sum, model.text()));
}

}  // namespace continuo
