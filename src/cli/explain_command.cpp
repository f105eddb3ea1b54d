// continuo explain [TEXT]: what happens inside a model on its way through a text.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/chat_prompt.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/load.h"
#include "cli/explain_files.h"
#include "cli/explain_text.h"
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
#include "loading/mask_token.h"
#include "loading/model_source.h"
#include "requests/json_answer.h"

namespace continuo {

namespace {

// The cost view's curve stops when it has taken about so long, unless --measure is given.
constexpr double kCurveSeconds = 3;

// Figures are drawn in a terminal's width, within these.
constexpr std::size_t kFewestColumns = 60, kMostColumns = 160;

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

std::vector<explain::Panel> chosen_panels(const Options& options) {
  std::vector<explain::Panel> chosen;
  const bool beside = options.explain.beside || !options.explain.beside_model.empty();
  for (const explain::Panel& panel : explain::panels()) {
    const auto& views = options.explain.views;
    const bool named = std::find(views.begin(), views.end(), panel.name) != views.end();
    // Without something to set beside there is nothing to say, unless one asks.
    if (named || (views.empty() && (beside || panel.name != "beside"))) chosen.push_back(panel);
  }
  return chosen;
}

// What the wanted views and files need.
unsigned wanted_parts(const Options& options) {
  unsigned parts = 0;
  for (const std::string& dump : options.explain.dumps) {
    parts |= explain::kPass | explain::kAttention;
    if (dump.starts_with("memory.")) parts |= explain::kMemory;
  }
  const bool files_alone = options.explain.views.empty() && !options.explain.dumps.empty() && !options.json &&
                           options.explain.html.empty() && options.explain.svg.empty();
  if (files_alone) return parts;
  for (const explain::Panel& panel : chosen_panels(options)) parts |= panel.parts;
  return parts;
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
  bool open = output.write(explain::draw_terminal_head(view, terminal));
  for (const explain::Panel& panel : panels) {
    open = open && output.write(explain::draw_terminal(panel, view, terminal));
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
  if (options.json) return print_json(explain::recording_json(recording, options.explain.layer, options.explain.head));
  const bool written = !options.explain.dumps.empty() || !options.explain.svg.empty() || !options.explain.html.empty();
  if (written) return {};
  return print_views(panels, view);
}

Result<LoadedModel> load_for(const Options& options, const std::string& name) {
  const TokenizerUse use = options.ids ? TokenizerUse::if_there : TokenizerUse::required;
  return while_waiting(options, "loading the model",
                       [&] { return load(name, use, chosen_sampling(options), options.chat.template_file); });
}

// What a model that continues text does before it is looked into: it writes.
Result<void> go_on(const Options& options, const LoadedModel& loaded, explain::Question& question,
                   const std::atomic<bool>& interrupted) {
  const Model& model = loaded.network;
  CONTINUO_TRY(Engine engine, Engine::create(model, loaded.text(), engine_options(options)));
  CONTINUO_TRY(question.generated, generate(engine, options, question.sampling, question.ids, interrupted));
  CONTINUO_TRY_VOID(choose_window(options, model, question));
  CONTINUO_TRY(question.feedback, learned(engine, question, interrupted));
  engine.prepare(question.sampling);
  return {};
}

Result<explain::Recording> look_into(const Options& options, const LoadedModel& loaded, explain::Question question,
                                     const std::string& text, const std::atomic<bool>& interrupted) {
  const Model& model = loaded.network;
  question.sampling = resolve_sampling(options, loaded.sampling);
  CONTINUO_TRY_VOID(validate(question.sampling, static_cast<std::size_t>(model.spec.vocab_size)));
  CONTINUO_TRY(question.ids, explain_ids(options, loaded, text));
  if (sees_both_sides(model.spec)) {
    if (options.explain.tokens > 0) {
      return usage_error(fmt::format("{} sees the words on both sides of each ({}) and cannot continue a text",
                                     loaded.name, model.spec.family));
    }
    CONTINUO_TRY(question.mask, find_mask_token(loaded.files, loaded.text()));
    CONTINUO_TRY_VOID(choose_window(options, model, question));
  } else {
    CONTINUO_TRY_VOID(go_on(options, loaded, question, interrupted));
  }
  const EngineOptions engine = engine_options(options);
  CONTINUO_TRY(const KernelTable kernels, kernels_of(engine));
  ThreadPool threads(threads_of(engine, model));
  const explain::Machine machine{model, loaded.text(), kernels, threads, options.kv_type};
  CONTINUO_TRY(explain::Recording recording, while_waiting(options, "computing what to show", [&] {
                 return explain::explain(machine, question, interrupted);
               }));
  recording.model = loaded.name;
  return recording;
}

// Another text, or the same, in another model, or the same.
Result<void> look_beside(const Options& options, const LoadedModel& loaded, const std::string& text,
                         explain::Recording& recording, const std::atomic<bool>& interrupted) {
  if (!options.explain.beside && options.explain.beside_model.empty()) return {};
  Options other = options;
  other.explain.tokens = 0;
  other.explain.from = other.explain.to = std::nullopt;
  const explain::Question question{.parts = explain::kPass | explain::kAttention};
  const std::string& other_text = options.explain.beside ? *options.explain.beside : text;
  if (options.explain.beside) other.chat.messages.clear();
  const auto keep = [&](explain::Recording found) {
    recording.beside = std::make_shared<const explain::Recording>(std::move(found));
  };
  if (options.explain.beside_model.empty()) {
    CONTINUO_TRY(explain::Recording found, look_into(other, loaded, question, other_text, interrupted));
    keep(std::move(found));
    return {};
  }
  CONTINUO_TRY(const LoadedModel second, load_for(options, options.explain.beside_model));
  CONTINUO_TRY(explain::Recording found, look_into(other, second, question, other_text, interrupted));
  keep(std::move(found));
  return {};
}

}  // namespace

Result<void> run_explain(const Options& options) {
  CONTINUO_TRY_VOID(validate_typed(options));
  CONTINUO_TRY_VOID(check_messages_typed(options));
  const std::atomic<bool>& interrupted = watch_interrupts();
  CONTINUO_TRY(LoadedModel loaded, load_for(options, options.model));
  CONTINUO_TRY_VOID(set_loops(options, loaded.network.spec));
  CONTINUO_TRY_VOID(check_head(options, loaded.network.spec));
  CONTINUO_TRY(const std::string text,
               has_messages(options) ? Result<std::string>(std::string()) : read_text(options, interrupted));
  explain::Question question{.parts = wanted_parts(options),
                             .layer = options.explain.layer,
                             .head = options.explain.head,
                             .no_limits = options.explain.measure,
                             .without_mask = options.explain.no_mask};
  question.curve_seconds = options.explain.measure ? 1e9 : kCurveSeconds;
  CONTINUO_TRY(explain::Recording recording, look_into(options, loaded, question, text, interrupted));
  CONTINUO_TRY_VOID(look_beside(options, loaded, text, recording, interrupted));
  return show(options, recording);
}

}  // namespace continuo
