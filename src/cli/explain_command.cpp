// continuo explain [TEXT]: what happens inside a model on its way through a text.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/explain_files.h"
#include "cli/interrupt.h"
#include "cli/print_json.h"
#include "cli/prompt.h"
#include "cli/sampling_settings.h"
#include "cli/terminal.h"
#include "cli/waiting.h"
#include "explain/canvases.h"
#include "explain/explain.h"
#include "generate/engine.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "loading/loaded_model.h"
#include "loading/model_source.h"
#include "requests/json_answer.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

// The cost view's curve stops when it has taken about so long, unless --measure is given.
constexpr double kCurveSeconds = 3;

// Figures are drawn in a terminal's width, within these.
constexpr std::size_t kFewestColumns = 60, kMostColumns = 160;

Result<std::vector<TokenId>> read_ids(const Options& options, const Tokenizer* tokenizer, const Model& model,
                                      const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  std::vector<TokenId> ids;
  if (options.ids) {
    CONTINUO_TRY(ids, parse_ids(text));
  } else {
    CONTINUO_TRY(ids, encode_prompt(*tokenizer, model, text));
    if (ids.empty() && model.spec.bos_token) ids.push_back(*model.spec.bos_token);
  }
  if (ids.empty()) return usage_error("there is nothing to explain: the text has no tokens");
  for (const TokenId id : ids) {
    if (id < 0 || id >= model.spec.vocab_size) {
      return usage_error(
          fmt::format("token id {} is outside the vocabulary, expected 0 to {}", id, model.spec.vocab_size - 1));
    }
  }
  const auto context = static_cast<std::size_t>(model.spec.context_length);
  if (ids.size() > context) {
    return Error{.kind = ErrorKind::context,
                 .what = fmt::format("the text has {} tokens and the model's context holds {}", ids.size(), context)};
  }
  return ids;
}

// Appends what the model writes after the text.
Result<std::size_t> generate(Engine& engine, const Options& options, const SamplingOptions& sampling,
                             std::vector<TokenId>& ids, const std::atomic<bool>& interrupted) {
  if (options.explain.tokens == 0) return std::size_t{0};
  Request request{.prompt = ids, .max_tokens = static_cast<std::int64_t>(options.explain.tokens), .sampling = sampling};
  CONTINUO_TRY(const Completion completion,
               while_waiting(options, "generating", [&] { return engine.complete(request, {}, interrupted); }));
  if (completion.finish == FinishReason::interrupted)
    return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
  for (const GeneratedToken& token : completion.tokens) ids.push_back(token.id);
  return completion.tokens.size();
}

// What the draws before the window's end taught the sampler: they are made again, as they are functions of the text.
Result<std::optional<SamplingFeedback>> learned(Engine& engine, const explain::Question& question,
                                                const std::atomic<bool>& interrupted) {
  const std::size_t prompt = question.ids.size() - question.generated;
  if (question.to <= prompt || (question.sampling.mirostat == 0 && question.sampling.adaptive_target < 0))
    return std::optional<SamplingFeedback>();
  Request request{.prompt = {question.ids.begin(), question.ids.begin() + static_cast<std::ptrdiff_t>(prompt)},
                  .max_tokens = static_cast<std::int64_t>(question.to - prompt),
                  .sampling = question.sampling};
  CONTINUO_TRY(const Completion completion, engine.complete(std::move(request), {}, interrupted));
  if (completion.finish == FinishReason::interrupted)
    return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
  return std::optional(completion.feedback);
}

// The window that is drawn; a text that is too long for one picture needs to be told which part.
Result<void> choose_window(const Options& options, explain::Question& question) {
  constexpr std::size_t kLongest = explain::kLongestWindow;
  const std::size_t n = question.ids.size();
  const auto [from, to] = std::pair(options.explain.from, options.explain.to);
  if (from && *from >= n)
    return usage_error(fmt::format("--from is {}, expected a position from 0 to {}", *from, n - 1));
  if (to && *to >= n) return usage_error(fmt::format("--to is {}, expected a position from 0 to {}", *to, n - 1));
  question.from = from.value_or(0);
  question.to = to ? *to + 1 : n;
  if (question.from >= question.to) {
    return usage_error(fmt::format("--from {} stands after --to {}", question.from, question.to - 1));
  }
  if (question.to - question.from <= kLongest) return {};
  return usage_error(
      fmt::format("{} tokens are too many to draw, {} at the most", question.to - question.from, kLongest),
      fmt::format("choose a part: --from {} --to {}", question.from, question.from + kLongest - 1));
}

Result<void> check_head(const Options& options, const explain::Recording& recording) {
  const std::size_t layer = options.explain.layer, head = options.explain.head;
  if (layer >= recording.layers.size()) {
    return usage_error(fmt::format("--layer is {}, expected 0 to {}", layer, recording.layers.size() - 1));
  }
  const auto& attention = recording.layers[layer].attention;
  if (attention && head >= attention->heads.size()) {
    return usage_error(fmt::format("--head is {}, expected 0 to {}", head, attention->heads.size() - 1));
  }
  return {};
}

std::vector<explain::Panel> chosen_panels(const Options& options) {
  std::vector<explain::Panel> chosen;
  for (const explain::Panel& panel : explain::panels()) {
    const auto& views = options.explain.views;
    if (views.empty() || std::find(views.begin(), views.end(), panel.name) != views.end()) chosen.push_back(panel);
  }
  return chosen;
}

bool colour_allowed(const Output& output) {
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal && std::string_view(terminal) == "dumb";
  return output.is_terminal() && !dumb && (!no_color || *no_color == '\0');
}

Result<void> print_views(std::span<const explain::Panel> panels, const explain::View& view) {
  Output output;
  explain::Terminal terminal{.colour = colour_allowed(output)};
  if (const auto columns = terminal_columns(STDOUT_FILENO)) {
    terminal.columns = std::clamp(*columns, kFewestColumns, kMostColumns);
  }
  for (const explain::Panel& panel : panels) {
    if (!output.write(explain::draw_terminal(panel, view, terminal))) break;
  }
  return output.finish();
}

Result<void> show(const Options& options, const explain::Recording& recording) {
  const explain::Words words(*explain::language_from(options.explain.language));
  const explain::View view{recording, words, options.explain.layer, options.explain.head};
  const auto panels = chosen_panels(options);
  for (const std::string& what : options.explain.dumps) {
    CONTINUO_TRY(const Dump dump, find_dump(recording, what));
    CONTINUO_TRY_VOID(write_whole_file(dump.file, explain::npy(*dump.grid)));
  }
  if (!options.explain.svg.empty()) {
    CONTINUO_TRY_VOID(make_folder(options.explain.svg));
    for (const auto& [name, bytes] : explain::draw_svgs(panels, view)) {
      CONTINUO_TRY_VOID(write_whole_file(options.explain.svg + "/" + name, bytes));
    }
  }
  if (!options.explain.html.empty()) {
    CONTINUO_TRY_VOID(write_whole_file(options.explain.html, explain::draw_page(panels, view, {CONTINUO_VERSION})));
  }
  if (options.json) return print_json(explain::recording_json(recording));
  const bool written = !options.explain.dumps.empty() || !options.explain.svg.empty() || !options.explain.html.empty();
  if (written) return {};
  return print_views(panels, view);
}

bool wants_curve(const Options& options) {
  const auto& views = options.explain.views;
  return views.empty() ? options.explain.dumps.empty() || !options.explain.html.empty()
                       : std::find(views.begin(), views.end(), "cost") != views.end();
}

}  // namespace

Result<void> run_explain(const Options& options) {
  CONTINUO_TRY_VOID(validate_typed(options));
  const std::atomic<bool>& interrupted = watch_interrupts();
  const TokenizerUse use = options.ids ? TokenizerUse::if_there : TokenizerUse::required;
  CONTINUO_TRY(const LoadedModel loaded, while_waiting(options, "loading the model", [&] {
                 return load(options.model, use, chosen_sampling(options));
               }));
  const Model& model = loaded.network;
  const Tokenizer* const pieces = loaded.text();
  explain::Question question{.without_mask = options.explain.no_mask};
  question.sampling = resolve_sampling(options, loaded.sampling);
  CONTINUO_TRY_VOID(validate(question.sampling, static_cast<std::size_t>(model.spec.vocab_size)));
  CONTINUO_TRY(question.ids, read_ids(options, pieces, model, interrupted));
  CONTINUO_TRY(Engine engine, Engine::create(model, pieces, engine_options(options)));
  CONTINUO_TRY(question.generated, generate(engine, options, question.sampling, question.ids, interrupted));
  CONTINUO_TRY_VOID(choose_window(options, question));
  CONTINUO_TRY(question.feedback, learned(engine, question, interrupted));
  engine.prepare(question.sampling);
  if (wants_curve(options)) question.curve_seconds = options.explain.measure ? 1e9 : kCurveSeconds;

  ThreadPool threads(engine.threads());
  const explain::Machine machine{model, pieces, engine.kernels(), threads, options.kv_type};
  CONTINUO_TRY(explain::Recording recording, while_waiting(options, "computing what to show", [&] {
                 return explain::explain(machine, question, interrupted);
               }));
  recording.model = loaded.name;
  CONTINUO_TRY_VOID(check_head(options, recording));
  return show(options, recording);
}

}  // namespace continuo
