// continuo [PROMPT...]: the continuation of a prompt.
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "cli/adapters.h"
#include "cli/chat_prompt.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "cli/output.h"
#include "cli/print_json.h"
#include "cli/prompt.h"
#include "cli/sampling_settings.h"
#include "cli/standard_input.h"
#include "cli/state_file.h"
#include "cli/waiting.h"
#include "generate/engine.h"
#include "loading/infill.h"
#include "loading/loaded_model.h"
#include "loading/model_source.h"
#include "requests/json_answer.h"
#include "requests/request.h"
#include "requests/token_ids.h"
#include "state/prefix_tree.h"

namespace continuo {

namespace {

struct Prompt {
  std::string text;
  std::vector<TokenId> ids;
  std::vector<TokenId> ends = {};  // see TokenPrompt
};

Result<void> check_typed(const Options& options) {
  if (!options.logprob_token_ids.empty() && !options.json)
    return usage_error("--logprob-token-id needs --json", "plain output is the text alone");
  if (options.logprobs && !options.json)
    return usage_error("--logprobs needs --json", "plain output is the text alone");
  if (options.suffix && options.ids) return usage_error("--suffix does not go with --ids", "it stands behind a text");
  CONTINUO_TRY_VOID(check_messages_typed(options));
  CONTINUO_TRY_VOID(check_no_names(options));
  return validate_typed(options);
}

// Ids alone need no tokenizer; everything that shows or looks at text does.
TokenizerUse tokenizer_use(const Options& options) {
  const TypedSampling& typed = options.sampling;
  const bool breakers = typed.dry_multiplier.value_or(0) != 0 && !typed.others.dry_sequence_breakers.empty();
  if (!options.ids || !options.stop.empty() || !options.banned.empty() || breakers ||
      options.constraint.kind != ConstraintKind::none)
    return TokenizerUse::required;
  return options.json ? TokenizerUse::if_there : TokenizerUse::for_drawing;
}

Result<Prompt> prompt_of_messages(const Options& options, const LoadedModel& model) {
  CONTINUO_TRY(const TypedChat typed, typed_chat(options));
  CONTINUO_TRY(TokenPrompt prompt, chat_prompt(model, typed.messages, typed.template_values));
  return Prompt{std::move(prompt.text), std::move(prompt.ids), std::move(prompt.ends)};
}

// A text that encodes to nothing starts from BOS, if the model has one.
Result<Prompt> make_prompt(const Options& options, const LoadedModel& loaded, const std::atomic<bool>& interrupted) {
  if (has_messages(options)) return prompt_of_messages(options, loaded);
  const Model& model = loaded.network;
  const Tokenizer* const tokenizer = loaded.text();
  CONTINUO_TRY(std::string text, read_text(options, interrupted));
  Prompt prompt{std::move(text), {}};
  if (options.ids) {
    CONTINUO_TRY(prompt.ids, parse_ids(prompt.text));
    if (prompt.ids.empty()) return usage_error("there are no token ids in the prompt");
    return prompt;
  }
  if (options.suffix && !options.suffix->empty()) {
    CONTINUO_TRY(TokenPrompt around, infill_prompt(*tokenizer, model, prompt.text, *options.suffix));
    return Prompt{std::move(prompt.text), std::move(around.ids), std::move(around.ends)};
  }
  CONTINUO_TRY(prompt.ids, encode_prompt(*tokenizer, model, prompt.text));
  if (prompt.ids.empty() && model.spec.bos_token) prompt.ids.push_back(*model.spec.bos_token);
  if (prompt.ids.empty()) {
    return usage_error("the prompt is empty, and this model has no token to begin a text with",
                       "give it some text, or ids with --ids");
  }
  return prompt;
}

Request make_request(const Options& options, const Prompt& prompt, SamplingOptions sampling) {
  Request request{.prompt = prompt.ids,
                  .max_tokens = options.max_tokens,
                  .ignore_eos = options.ignore_eos,
                  .stop = options.stop,
                  .include_stop = options.include_stop,
                  .allowed_tokens = options.allowed_token_ids,
                  .banned = options.banned,
                  .repetition = options.repetition,
                  .exit = options.exit_when,
                  .constraint = options.constraint,
                  .sampling = std::move(sampling),
                  .logprobs = options.logprobs.value_or(0),
                  .want_logprob = options.logprobs.has_value() || !options.logprob_token_ids.empty(),
                  .logprob_tokens = options.logprob_token_ids};
  add_ends(prompt.ends, request);
  return request;
}

// Prints the continuation as it comes: text, or ids with blanks between.
class Stream {
 public:
  Stream(const Options& options, const Prompt& prompt) : options_(options) {
    if (options.json || !options.echo) return;
    if (options.ids) {
      for (const TokenId id : prompt.ids) write_id(id);
    } else {
      output_.write(prompt.text);
    }
  }

  bool push(std::string_view text, const GeneratedToken& token) {
    if (options_.json) return true;
    return options_.ids ? write_id(token.id) : text.empty() || output_.write(text);
  }

  Result<void> finish() {
    if (!options_.json) {
      if (options_.ids) {
        output_.write("\n");
      } else {
        output_.end_line();
      }
    }
    return output_.finish();
  }

 private:
  bool write_id(TokenId id) {
    const std::string blank = first_ ? "" : " ";
    first_ = false;
    return output_.write(blank + std::to_string(id));
  }

  const Options& options_;
  Output output_;
  bool first_ = true;
};

// Runs the request, which the engine has nothing against, to its end. While nothing shows on the terminal, a line on stderr says how far it is.
Result<Completion> complete(Engine& engine, Request request, const Options& options, Stream& stream,
                            const std::atomic<bool>& interrupted) {
  const std::size_t prompt_tokens = request.prompt.size();
  const auto most = static_cast<std::uint64_t>(std::max<std::int64_t>(request.max_tokens, 0));
  const bool shows_text = !options.json && isatty(STDOUT_FILENO);
  std::optional<Waiting> waiting(std::in_place, options, "computing the prompt");
  std::uint64_t tokens = 0;
  const auto sink = [&](std::string_view piece, const GeneratedToken& token) {
    if (++tokens == 1) waiting.reset();
    if (tokens == 1 && !shows_text) waiting.emplace(options, "generating");
    if (waiting) waiting->set(tokens, most);
    return stream.push(piece, token);
  };
  std::optional<Result<Completion>> completion;
  engine.submit(std::move(request), sink, [&](Result<Completion> done) { completion = std::move(done); });
  while (engine.unfinished() > 0) {
    if (interrupted) {
      engine.interrupt();
    } else {
      engine.step();
    }
    if (waiting && tokens == 0) waiting->set(std::min(engine.counts().computed, prompt_tokens), prompt_tokens);
  }
  return std::move(*completion);
}

Answer completion_json(const Options& options, const Prompt& prompt, const Completion& completion,
                       const Tokenizer* tokenizer, const std::string& model) {
  Answer answer = Answer::object();
  if (tokenizer) {
    const std::string before = !options.echo ? "" : options.ids ? tokenizer->decode(prompt.ids, true) : prompt.text;
    answer["text"] = before + completion.text;
  } else {
    answer["text"] = nullptr;
  }
  answer["finish_reason"] = name(completion.finish);
  if (options.constraint.kind != ConstraintKind::none) answer["complete"] = completion.complete;
  answer["prompt_tokens"] = completion.prompt_tokens;
  answer["completion_tokens"] = completion.tokens.size();
  answer["seed"] = options.seed;
  answer["model"] = model;
  if (options.ids) {
    std::vector<TokenId> ids = options.echo ? prompt.ids : std::vector<TokenId>();
    for (const GeneratedToken& token : completion.tokens) ids.push_back(token.id);
    answer["ids"] = std::move(ids);
  }
  if (Answer loops = loops_json(completion); !loops.is_null()) answer["loops"] = std::move(loops);
  if (options.logprobs || !options.logprob_token_ids.empty()) answer["logprobs"] = logprobs_json(completion, tokenizer);
  return answer;
}

// A model that was trained on conversations often ends a plain text at once. For a person alone, as all hints are.
void explain_silence(const Options& options, const Completion& completion, const LoadedModel& model) {
  const bool silent =
      completion.finish == FinishReason::eos && completion.text.empty() && completion.tokens.size() == 1;
  if (!silent || has_messages(options) || options.ids || !isatty(STDERR_FILENO)) return;
  if (!model.text() || !model.chat->get(*model.text())) return;
  spdlog::warn(
      "the model ended the text at once: it was trained to answer messages; --user TEXT asks it, and --ignore-eos goes "
      "on with the text");
}

// Reads --state into the engine, or computes and writes it. Without the prompt's last token, whose logits are wanted.
Result<void> prepare_state(const Options& options, Engine& engine, const std::vector<TokenId>& prompt,
                           const std::atomic<bool>& interrupted) {
  if (options.state.empty()) return {};
  CONTINUO_TRY(StateFile state, StateFile::open(options.state, 0, engine));
  const std::span<const TokenId> beginning = std::span(prompt).first(prompt.size() - 1);
  if (!state.is_new()) {
    const std::size_t common = common_beginning(state.tokens(), beginning);
    spdlog::info("{}: {} tokens, {} of them begin the prompt", options.state, state.tokens().size(), common);
    if (common == 0) spdlog::warn("{}: not used: the prompt begins with another text", options.state);
    return {};
  }
  Waiting waiting(options, "computing the prompt");
  std::optional<Result<void>> written;
  state.write({beginning.begin(), beginning.end()}, [&](Result<void> done) { written = std::move(done); });
  while (!written) {
    if (interrupted) {
      engine.interrupt();
    } else {
      engine.step();
    }
    waiting.set(std::min(engine.counts().computed, beginning.size()), beginning.size());
  }
  return std::move(*written);
}

}  // namespace

Result<void> run_continue(const Options& options) {
  CONTINUO_TRY_VOID(check_typed(options));
  const std::atomic<bool>& interrupted = watch_interrupts();
  CONTINUO_TRY(const LoadedModel model, while_waiting(options, "loading the model", [&] {
                 return load(options, tokenizer_use(options), chosen_sampling(options));
               }));
  const Tokenizer* const tokenizer = model.text();
  CONTINUO_TRY(const Prompt prompt, make_prompt(options, model, interrupted));
  CONTINUO_TRY(const Adapters adapters, load_adapters(options, model.network));
  EngineOptions how = engine_options(options);
  how.adapters = &adapters;
  how.share_prefixes = !options.state.empty();
  CONTINUO_TRY(const std::optional<LoadedModel> draft, load_draft_model(options, model));
  if (draft) how.draft_model = &draft->network;
  CONTINUO_TRY(Engine engine, Engine::create(model.network, tokenizer, how));
  spdlog::info("model {}, {} kernels, {} threads, seed {}, {} prompt tokens", model.name, engine.kernels().name,
               engine.threads(), options.seed, prompt.ids.size());

  Request request = make_request(options, prompt, resolve_sampling(options, model.sampling));
  CONTINUO_TRY_VOID(engine.check(request));
  CONTINUO_TRY_VOID(prepare_state(options, engine, prompt.ids, interrupted));
  Stream stream(options, prompt);
  const auto start = std::chrono::steady_clock::now();
  CONTINUO_TRY(const Completion completion, complete(engine, std::move(request), options, stream, interrupted));
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  spdlog::info("{} tokens in {:.3f} s, finish reason {}", completion.tokens.size(), elapsed.count(),
               name(completion.finish));
  if (!options.state.empty())
    spdlog::info("{} tokens from {}, {} computed", engine.counts().shared, options.state, engine.counts().computed);
  if (options.lookup || draft) {
    spdlog::info("{} of {} drafted tokens were right", engine.draft_counts().right, engine.draft_counts().drafted);
  }

  if (options.json) {
    CONTINUO_TRY_VOID(print_json(completion_json(options, prompt, completion, tokenizer, model.name)));
  }
  CONTINUO_TRY_VOID(stream.finish());
  explain_silence(options, completion, model);
  if (interrupted && completion.finish == FinishReason::interrupted) {
    return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
  }
  // A program that took its time: the answer is out, and what it sent is not in it.
  return reads_stdin(options) && !has_messages(options) ? Result<void>() : refuse_text_on_stdin(0);
}

}  // namespace continuo
