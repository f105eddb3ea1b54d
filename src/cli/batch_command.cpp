// continuo batch [IN]: many requests, a line each, to as many answers.
#include <fcntl.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "cli/adapters.h"
#include "cli/batch/answer_file.h"
#include "cli/batch/answer_order.h"
#include "cli/batch/beginning.h"
#include "cli/batch/intake.h"
#include "cli/batch/progress.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/load.h"
#include "cli/output.h"
#include "loading/model_source.h"
#include "cli/sampling_settings.h"
#include "cli/waiting.h"
#include "generate/memory.h"
#include "loading/loaded_model.h"
#include "requests/answer.h"
#include "requests/request.h"
#include "requests/submission.h"

namespace continuo {

namespace {

// Answers may be so far ahead of the one whose turn it is, in requests and in bytes.
constexpr std::uint64_t kAheadOfTurn = 4096;
constexpr std::size_t kHeldBytes = std::size_t{16} << 20;
// Requests with the engine, for each that may run: so that those that wait for a shared beginning hold up no
// others.
constexpr std::size_t kQueued = 3;

// What a request and its answer may take whatever --memory says.
constexpr std::size_t kAnyRequest = std::size_t{16} << 20;

// Not to stdout.
bool to_file(const BatchOptions& batch) { return !batch.out.empty() && batch.out != "-"; }

Result<void> check_typed(const Options& options) {
  const BatchOptions& batch = options.batch;
  if (options.words.size() > 1) {
    return usage_error(
        fmt::format("'{}' and '{}' are both given as input, expected one file", options.words[0], options.words[1]));
  }
  if (batch.resume && !to_file(batch)) return usage_error("--resume needs --output", "it goes on with that file");
  if (batch.resume && batch.overwrite) return usage_error("--resume and --overwrite are both given");
  const bool text = batch.format == BatchFormat::text;
  if (text && batch.unordered) {
    return usage_error("--unordered does not go with --format text", "lines of text do not say whose they are");
  }
  if (!options.state.empty() && batch.no_sharing)
    return usage_error("--state does not go with --no-sharing", "the requests share what the file holds");
  if (text && options.logprobs) return usage_error("--logprobs does not go with --format text");
  return validate_typed(options);
}

struct Input {
  int fd = STDIN_FILENO;
  std::string name = "stdin";
};

Result<Input> open_input(const Options& options) {
  if (options.words.empty() || options.stdin_wanted) {
    if (isatty(STDIN_FILENO) && options.verbosity >= 0) {
      spdlog::warn("reading requests from the terminal, a line each; end them with Ctrl-D");
    }
    return Input();
  }
  const std::string& path = options.words.front();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return Input{fd, path};
  return Error{
      .kind = ErrorKind::usage, .what = std::string("cannot read the requests: ") + std::strerror(errno), .file = path};
}

// What a run works with.
struct RunParts {
  const ModelSpec& spec;
  Engine& engine;
  Intake& intake;
  AnswerFile& out;
  Progress& progress;
  BatchBeginning& beginning;
};

struct RunStart {
  std::uint64_t errors = 0;        // among the answers that are there
  std::size_t request_memory = 0;  // bytes of requests with the engine
  bool header = false;             // of a table is to be written
};

// One run: takes requests in, steps, lets answers out.
class BatchRun {
 public:
  BatchRun(const Options& options, RunParts parts, AnswerForm form, AnswerOrder order, RunStart start)
      : options_(options),
        spec_(parts.spec),
        engine_(parts.engine),
        intake_(parts.intake),
        out_(parts.out),
        progress_(parts.progress),
        beginning_(parts.beginning),
        form_(std::move(form)),
        order_(std::move(order)),
        start_(start),
        errors_(start.errors) {}

  // Until all is answered, or the end comes earlier: an interrupt, a reader that went away, a full disk, a
  // bad line with --fail-fast.
  Result<void> run(const std::atomic<bool>& interrupted) {
    while (!interrupted && !out_.ended() && !failure_) {
      take_in();
      if (engine_.unfinished() > 0) {
        engine_.step();
      } else if (ended_) {
        break;
      }
      write(interrupted);
      progress_.show();
    }
    write(interrupted);
    progress_.clear();
    return verdict(interrupted);
  }

 private:
  // A request whose samples are on their way.
  struct Active {
    BatchRequest request;
    std::uint64_t line, order;
    std::size_t bytes;
    struct Held {
      std::string lines;  // increments that wait for those of the samples before
      bool ended = false;
    };
    std::vector<Held> held;    // by sample
    std::size_t streamed = 0;  // the sample whose increments go out
  };

  // As many requests as the engine wants and as the answers that wait for their turn leave room for.
  void take_in() {
    const std::size_t most = kQueued * static_cast<std::size_t>(options_.batch.at_once);
    while (!ended_ && engine_.unfinished() < most && order_.held_bytes() + pending_.size() < kHeldBytes) {
      if (order_.ahead(next_order_) >= kAheadOfTurn || request_bytes_ > start_.request_memory) return;
      auto job = intake_.take(engine_.unfinished() == 0 && pending_.empty());
      if (!job) {
        ended_ = intake_.exhausted();
        if (ended_) failure_ = intake_.error();
        if (ended_ && !failure_) begin_table();
        if (ended_ && !failure_) beginning_.end();
        return;
      }
      begin_table();
      next_order_ = job->order + 1;
      start(std::move(*job));
    }
  }

  void begin_table() {
    if (std::exchange(start_.header, false)) pending_ += csv_header();
  }

  // A request whose answer alone would pass the bound of all requests.
  std::optional<BatchError> too_large(const BatchRequest& request) const {
    const std::size_t bytes = bytes_of(request, spec_), most = std::max(start_.request_memory, kAnyRequest);
    if (bytes <= most) return {};
    return BatchError{
        request.id, "invalid_request",
        fmt::format("n, max_tokens and logprobs: the answer may take {} MiB, --memory leaves {} MiB for requests",
                    bytes >> 20, most >> 20)};
  }

  void start(Job job) {
    if (const auto* request = std::get_if<BatchRequest>(&job.request)) {
      if (auto error = too_large(*request)) job.request = std::move(*error);
    }
    if (auto* error = std::get_if<BatchError>(&job.request)) {
      if (options_.batch.fail_fast) {
        stopped_at_ = Error{.kind = ErrorKind::output,
                            .what = fmt::format("{} {}: {}", form_.format == BatchFormat::csv ? "row" : "line",
                                                job.line, error->message),
                            .hint = "stopped, because of --fail-fast"};
        ended_ = true;
        return;
      }
      return fail(*error, job.line, job.order);
    }
    auto active =
        std::make_shared<Active>(Active{std::get<BatchRequest>(std::move(job.request)), job.line, job.order, 0, {}});
    const BatchRequest& asked = active->request;
    active->bytes = bytes_of(asked, spec_);
    request_bytes_ += active->bytes;
    active->held.resize(asked.drawn());
    beginning_.see(asked.request);
    for (std::size_t i = 0; i < asked.n; ++i) {
      if (asked.echo) stream(*active, i, asked.prompt);  // the texts together are the answer's
    }
    submit_request(engine_, asked,
                   {.on_token = [this, active](std::size_t i, std::string_view text,
                                               const GeneratedToken&) { return heard(*active, i, text); },
                    .on_end = [this, active](std::size_t i) { end_stream(*active, i); },
                    .done = [this, active](Result<AnsweredRequest> done) { finished(*active, std::move(done)); }});
  }

  bool heard(Active& active, std::size_t sample, std::string_view text) {
    progress_.count_token();
    stream(active, sample, text);
    return true;
  }

  // The lines of a request's samples come one sample after the other, whatever the order in which steps make them.
  void stream(Active& active, std::size_t sample, std::string_view text) {
    if (!active.request.stream || form_.format != BatchFormat::jsonl || text.empty()) return;
    const std::string line = increment_line(active.request, sample, text);
    if (sample == active.streamed) {
      order_.push(active.order, line, false, pending_);
    } else {
      active.held[sample].lines += line;
    }
  }

  void end_stream(Active& active, std::size_t sample) {
    active.held[sample].ended = true;
    while (active.streamed < active.held.size() && active.held[active.streamed].ended) {
      if (++active.streamed == active.held.size()) break;
      order_.push(active.order, std::exchange(active.held[active.streamed].lines, {}), false, pending_);
    }
  }

  void finished(const Active& active, Result<AnsweredRequest> done) {
    request_bytes_ -= active.bytes;
    if (!done) {
      const BatchError error{active.request.id, std::string(error_type(done.error().kind)), done.error().message()};
      if (options_.batch.fail_fast) failure_ = done.error();
      return fail(error, active.line, active.order);
    }
    progress_.count_answer();
    order_.push(active.order, answer_line(form_, active.request, active.line, done->samples), true, pending_);
  }

  void fail(const BatchError& error, std::uint64_t line, std::uint64_t order) {
    ++errors_;
    progress_.count_answer();
    if (form_.format == BatchFormat::text) {
      progress_.clear();
      spdlog::error("line {}: {}", line, error.message);
    }
    order_.push(order, error_line(form_, error, line), true, pending_);
  }

  void write(const std::atomic<bool>& interrupted) {
    if (pending_.empty()) return;
    out_.write(pending_, interrupted);
    pending_.clear();
  }

  Result<void> verdict(const std::atomic<bool>& interrupted) {
    CONTINUO_TRY_VOID(out_.finish());
    progress_.sum_up(errors_);
    const auto& counts = engine_.counts();
    spdlog::info(
        "{} requests answered, {} tokens in {:.1f} s, {} prompt tokens shared, {} computed in all, {} "
        "preemptions",
        progress_.done(), progress_.tokens(), progress_.seconds(), counts.shared, counts.computed, counts.preempted);
    if (out_.ended()) return {};  // the reader went away: it has what it wanted
    if (failure_) return *failure_;
    if (interrupted) {
      if (!out_.is_regular()) {
        spdlog::warn("interrupted; with --output FILE a run can be resumed");
      } else {
        spdlog::warn("interrupted; the same command with --resume{} goes on after the answers in {}",
                     options_.batch.overwrite ? " instead of --overwrite" : "", options_.batch.out);
      }
      return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    }
    if (stopped_at_) return *stopped_at_;
    if (beginning_.error()) return *beginning_.error();
    if (errors_ == 0) return {};
    return Error{
        .kind = ErrorKind::output,
        .what = fmt::format("{} of {} requests failed", errors_, progress_.done()),
        .hint = form_.format == BatchFormat::text ? "their lines are empty" : "their answers have an \"error\""};
  }

  const Options& options_;
  const ModelSpec& spec_;
  Engine& engine_;
  Intake& intake_;
  AnswerFile& out_;
  Progress& progress_;
  BatchBeginning& beginning_;
  AnswerForm form_;
  AnswerOrder order_;
  RunStart start_;
  std::uint64_t errors_;
  std::size_t request_bytes_ = 0;  // of those with the engine
  std::uint64_t next_order_ = 0;
  bool ended_ = false;  // no more requests are taken
  std::optional<Error> failure_, stopped_at_;
  std::string pending_;  // to be written
};

Progress::Show how_to_show(const Options& options) {
  if (options.verbosity < 0) return Progress::Show::never;
  if (isatty(STDERR_FILENO)) return Progress::Show::terminal;
  return options.verbosity > 0 ? Progress::Show::log : Progress::Show::never;
}

AnswerOrder::Kind order_kind(const Options& options, const AnswerFile& out) {
  if (!options.batch.unordered) return AnswerOrder::Kind::input;
  // What may be resumed is cut behind an answer, so nothing of another may stand before it.
  return out.is_regular() ? AnswerOrder::Kind::any_unbroken : AnswerOrder::Kind::any;
}

// The requests of this run's part of a file, or nothing where nobody can know.
std::optional<std::uint64_t> count_requests(const BatchOptions& batch, int fd) {
  const auto lines = count_lines(fd, line_kind(batch.format));
  if (!lines) return std::nullopt;
  const std::uint64_t header = batch.format == BatchFormat::csv && *lines > 0 ? 1 : 0;
  return (*lines - header + batch.shards - 1 - batch.shard) / batch.shards;
}

template <class T>
void append_all(std::string& text, const std::vector<T>& values) {
  for (const T& value : values) text += fmt::format(" {}", value);
  text += ';';
}

void append_texts(std::string& text, const std::vector<std::string>& texts) {
  for (const std::string& one : texts) text += fmt::format(" {}:{}", one.size(), one);
  text += ';';
}

std::string limits_text(const Options& options) {
  const RepetitionDetection& repetition = options.repetition;
  std::string text =
      fmt::format(" {} {} {} {} {}", options.include_stop, repetition.max_pattern, repetition.min_pattern,
                  repetition.min_count, static_cast<int>(options.constraint.kind));
  append_texts(text, options.constraint.texts);
  append_texts(text, options.banned);
  append_all(text, options.stop_token_ids);
  append_all(text, options.allowed_token_ids);
  append_all(text, options.logprob_token_ids);
  return text;
}

// The sampling options that defaults_text does not name itself; sampling.stop_tokens is made of options that limits_text
// has.
std::string more_sampling_text(const SamplingOptions& sampling) {
  std::string text =
      fmt::format(" {} {} {} {} {} {} {} {} {} {} {} {}", sampling.repeat_last_n, sampling.no_repeat_ngram,
                  sampling.dry_multiplier, sampling.dry_base, sampling.dry_allowed_length, sampling.dry_penalty_last_n,
                  sampling.length_penalty_start, sampling.length_penalty_factor, sampling.min_tokens,
                  sampling.top_n_sigma, sampling.dynatemp_range, sampling.dynatemp_exponent);
  text += fmt::format(" {} {} {} {} {} {} {} {} {} {}", sampling.top_h, sampling.epsilon_cutoff, sampling.eta_cutoff,
                      sampling.xtc_probability, sampling.xtc_threshold, sampling.mirostat, sampling.mirostat_tau,
                      sampling.mirostat_eta, sampling.adaptive_target, sampling.adaptive_decay);
  append_texts(text, sampling.dry_sequence_breakers);
  append_texts(text, sampling.samplers);
  return text;
}

// All that the options say of every request.
std::string defaults_text(const Options& options, const SamplingOptions& sampling, const LoadedModel& model) {
  std::string text = fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {} {} {}", options.max_tokens, options.ignore_eos, options.seed, options.echo,
      options.logprobs ? static_cast<std::int64_t>(*options.logprobs) : -1, options.exact_math,
      static_cast<int>(options.kv_type), sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p,
      sampling.typical_p, sampling.repeat_penalty, sampling.presence_penalty);
  text += fmt::format(" {}", sampling.frequency_penalty);
  for (const LogitBias& entry : sampling.logit_bias) text += fmt::format(" {}:{}", entry.token, entry.bias);
  for (const std::string& stop : options.stop) text += fmt::format(" {}:{}", stop.size(), stop);
  text += more_sampling_text(sampling);
  text += limits_text(options);
  if (!options.chat.template_file.empty() && model.text()) {
    if (const Result<Chat>& chat = model.chat->get(*model.text())) text += " template " + chat->rendering.source();
  }
  if (options.loops > 0) text += fmt::format(" loops {}", options.loops);
  if (options.exit_when) text += " " + exit_rule_text(options.exit_when);
  return text;
}

// The names and the numbers of adapters; nothing where there are none.
std::string adapters_text(const Adapters& adapters) {
  std::string text;
  for (const Adapters::Choice& choice : adapters.choices) {
    if (!choice.maps.empty()) text += fmt::format(" {}:{:x}-{:x}", choice.name, choice.digest[0], choice.digest[1]);
  }
  return text;
}

Opening opening(const BatchOptions& batch) {
  if (batch.resume) return Opening::resume;
  return batch.overwrite ? Opening::overwrite : Opening::fresh;
}

}  // namespace

Result<void> run_batch(const Options& options) {
  CONTINUO_TRY_VOID(check_typed(options));
  const BatchOptions& batch = options.batch;
  const std::atomic<bool>& interrupted = watch_interrupts();
  CONTINUO_TRY(const LoadedModel model, while_waiting(options, "loading the model", [&] {
                 return load(options, TokenizerUse::if_there, chosen_sampling(options));
               }));
  const RequestDefaults defaults = request_defaults(options, model.sampling);
  CONTINUO_TRY(const Input input, open_input(options));

  if (!to_file(batch) && is_stdout(input.fd)) {
    return usage_error("the requests and the answers are the same file: " + input.name);
  }
  AnswerFile out;
  const AnswerForm form{model.name, model.text(), batch.format, batch.unordered};
  Kept kept;
  if (to_file(batch)) {
    CONTINUO_TRY(kept, out.open(batch.out, opening(batch), form, input.fd));
  }
  CONTINUO_TRY(const Adapters adapters, load_adapters(options, model.network));
  EngineOptions how = batch_engine_options(options, model.network.spec);
  how.adapters = &adapters;
  CONTINUO_TRY(const std::optional<LoadedModel> draft, load_draft_model(options, model));
  if (draft) how.draft_model = &draft->network;
  CONTINUO_TRY(Engine engine, Engine::create(model.network, model.text(), how));
  std::optional<StateFile> state;
  if (!options.state.empty()) {
    CONTINUO_TRY(state, StateFile::open(options.state, 0, engine));
  }
  BatchBeginning beginning(std::move(state));
  const RequestParser parser(defaults, model, engine);
  const Progress::Show show = how_to_show(options);
  Progress progress(show, show == Progress::Show::never ? std::nullopt : count_requests(batch, input.fd), kept.answers);
  const RunStart start{.errors = kept.errors,
                       .request_memory = memory_of_requests(how),
                       .header = batch.format == BatchFormat::csv && kept.bytes == 0};
  AnswerOrder order(order_kind(options, out), kept.answers);
  Intake intake(input.fd, input.name, batch.max_line, parser,
                {.shard = batch.shard,
                 .shards = batch.shards,
                 .format = batch.format,
                 .by_line = batch.unordered,
                 .defaults = defaults_text(options, defaults.sampling, model) + adapters_text(adapters),
                 .done = std::move(kept)});
  spdlog::info("model {}, {} kernels, {} threads, {} requests at a time", model.name, engine.kernels().name,
               engine.threads(), batch.at_once);
  BatchRun run(options, {model.network.spec, engine, intake, out, progress, beginning}, form, std::move(order), start);
  return run.run(interrupted);
}

}  // namespace continuo
