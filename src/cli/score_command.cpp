// continuo score [TEXT]: how likely the model finds a text, token by token; or many texts, a record each.
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "cli/adapters.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/load.h"
#include "cli/interrupt.h"
#include "cli/print_json.h"
#include "cli/prompt.h"
#include "cli/score/masked_score.h"
#include "cli/score/record_run.h"
#include "cli/waiting.h"
#include "generate/engine.h"
#include "loading/loaded_model.h"
#include "requests/json_answer.h"
#include "requests/record.h"
#include "requests/scored.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

Result<void> check_typed(const Options& options) {
  const ScoreOptions& score = options.score;
  if (options.last_logits && !options.json) return usage_error("--last-logits needs --json");
  if (score.window && !score.stride) return usage_error("--window needs --stride");
  if (score.stride && *score.stride < 1)
    return usage_error(fmt::format("--stride is {}, expected a whole number >= 1", *score.stride));
  if (score.summary && !score.jsonl) return usage_error("--summary needs --jsonl");
  if (score.jsonl && (options.ids || options.json || options.last_logits || options.exact)) {
    return usage_error("--jsonl does not go with --ids, --json, --last-logits and --exact", "its answers are JSON");
  }
  if (score.jsonl && !options.words.empty() && !options.stdin_wanted) {
    return usage_error("--jsonl reads a file or stdin, not the command line", "give the file with --file");
  }
  return check_no_names(options);
}

Result<Windows> resolve_windows(const Options& options, const ModelSpec& spec) {
  const std::int64_t length = options.score.window.value_or(spec.context_length);
  const std::int64_t stride = options.score.stride.value_or(0);
  if (length < 2 || length > spec.context_length) {
    return usage_error(
        fmt::format("--window is {}, expected 2 to the model's context of {}", length, spec.context_length));
  }
  if (stride >= length) {
    return usage_error(fmt::format("--stride is {}, expected less than the window of {}", stride, length),
                       "a token has to see at least one before it");
  }
  return Windows{static_cast<std::size_t>(length), static_cast<std::size_t>(stride)};
}

struct Summary {
  std::optional<double> perplexity;
  std::optional<double> bits_per_byte;  // of the bytes that the scored tokens spell; text only
};

Summary summarize(const Scored& scored, std::size_t bytes) {
  Summary summary;
  if (scored.tokens() > 0) summary.perplexity = std::exp(-scored.per_token());
  if (bytes > 0) summary.bits_per_byte = -scored.sum / std::log(2.0) / static_cast<double>(bytes);
  return summary;
}

std::string lines(std::span<const TokenId> ids, const Scored& scored, const Summary& summary,
                  const Tokenizer* tokenizer) {
  std::string out;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::string logprob = i == 0 ? "-" : fmt::format("{:.6f}", scored.logprobs[i - 1]);
    out += fmt::format("{}\t{}\t{}\n", ids[i], tokenizer ? escaped(tokenizer->piece(ids[i])) : "", logprob);
  }
  out += fmt::format("# {} tokens scored, log-probability {:.6f}", scored.tokens(), scored.sum);
  if (summary.perplexity && std::isfinite(*summary.perplexity)) {
    out += fmt::format(", perplexity {:.6g}", *summary.perplexity);
  } else if (summary.perplexity) {
    out += ", perplexity beyond all numbers";
  }
  if (summary.bits_per_byte) out += fmt::format(", {:.6g} bits per byte", *summary.bits_per_byte);
  return out + '\n';
}

Answer score_json(const Options& options, std::span<const TokenId> ids, const Scored& scored, const Summary& summary,
                  const std::string& model) {
  Answer logprobs = Answer::array({nullptr});
  for (const double logprob : scored.logprobs) logprobs.push_back(logprob);
  Answer answer = {{"ids", std::vector<TokenId>(ids.begin(), ids.end())}, {"logprobs", std::move(logprobs)}};
  answer["sum"] = scored.sum;
  answer["perplexity"] = summary.perplexity ? Answer(*summary.perplexity) : Answer();
  if (summary.bits_per_byte) answer["bits_per_byte"] = *summary.bits_per_byte;
  answer["model"] = model;
  if (options.last_logits) answer["last_logits"] = scored.last_logits;
  return answer;
}

Result<ScoredPart> read_part(const Options& options, const Model& model, const Tokenizer* tokenizer,
                             const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  if (!options.ids) return whole_text(*tokenizer, model, text);
  ScoredPart part{.first = 1};
  CONTINUO_TRY(part.ids, parse_ids(text));
  if (part.ids.empty()) return usage_error("there is nothing to score: the text has no tokens");
  return part;
}

Result<Scored> score(Engine& engine, const ScoredPart& part, Windows windows, const Options& options,
                     const std::atomic<bool>& interrupted) {
  std::optional<Result<Scored>> scored;
  auto submitted = submit_scoring(engine, part.ids, part.first, windows, options.last_logits,
                                  [&](Result<Scored> done) { scored = std::move(done); });
  if (!submitted) {
    Error error = submitted.error();
    if (error.kind == ErrorKind::context && windows.stride == 0 && error.hint.empty()) {
      error.hint = "--stride scores a longer text in windows";
    }
    return error;
  }
  Waiting waiting(options, "scoring");
  const std::size_t all = engine.unfinished();  // windows
  while (!scored) {
    if (interrupted) {
      engine.interrupt();
    } else {
      engine.step();
    }
    if (all > 1) {
      waiting.set(all - engine.unfinished(), all);
    } else {
      waiting.set(engine.counts().computed, part.ids.size());
    }
  }
  return std::move(*scored);
}

}  // namespace

Result<void> run_score(const Options& options) {
  CONTINUO_TRY_VOID(check_typed(options));
  const std::atomic<bool>& interrupted = watch_interrupts();
  const TokenizerUse use = !options.ids    ? TokenizerUse::required
                           : !options.json ? TokenizerUse::if_there
                                           : TokenizerUse::none;
  CONTINUO_TRY(const LoadedModel model,
               while_waiting(options, "loading the model", [&] { return load(options, use); }));
  if (sees_both_sides(model.network.spec)) return run_masked_score(options, model, interrupted);
  if (options.mask_id || !options.token_types.empty()) {
    return usage_error(
        fmt::format("--mask-id and --token-types are of encoders, and {} sees the words before each alone ({})",
                    model.name, model.network.spec.family));
  }
  const Tokenizer* const tokenizer = model.text();
  CONTINUO_TRY(const Windows windows, resolve_windows(options, model.network.spec));
  CONTINUO_TRY(const Adapters adapters, load_adapters(options, model.network));
  EngineOptions how = batch_engine_options(options, model.network.spec);
  how.adapters = &adapters;
  CONTINUO_TRY(Engine engine, Engine::create(model.network, tokenizer, how));
  if (options.score.jsonl) return score_records(options, model.network, *tokenizer, engine, windows, interrupted);

  CONTINUO_TRY(const ScoredPart part, read_part(options, model.network, tokenizer, interrupted));
  CONTINUO_TRY(const Scored scored, score(engine, part, windows, options, interrupted));
  const Summary summary = summarize(scored, part.bytes);
  if (options.json) return print_json(score_json(options, part.ids, scored, summary, model.name));
  return print(lines(part.ids, scored, summary, tokenizer));
}

}  // namespace continuo
