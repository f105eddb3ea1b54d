#include "cli/score/record_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/batch/answer_file.h"
#include "cli/batch/answer_order.h"
#include "cli/batch/lines.h"
#include "requests/request_json.h"
#include "cli/engine_options.h"
#include "cli/output.h"
#include "cli/waiting.h"
#include "generate/memory.h"
#include "requests/record.h"
#include "requests/record_answer.h"

namespace continuo {

namespace {

constexpr std::size_t kQueued = 3;  // texts with the engine, for each that may run
constexpr std::uint64_t kAheadOfTurn = 1024;

// A record whose texts are on their way.
struct Active {
  ScoreRecord record;
  std::uint64_t order = 0;
  std::uint64_t line = 0;
  std::vector<ScoredText> texts;
  std::size_t left = 0;
  std::size_t bytes = 0;  // of memory, roughly
  std::optional<Error> error;
};

// A byte of text may be a token: its id, twice, and its log-probability.
constexpr std::size_t kBytesOfMemory = 16;

std::size_t bytes_of(const ScoreRecord& record) {
  std::size_t bytes = 0;
  for (const std::string& text : record.texts) bytes += kBytesOfMemory * (record.prompt.size() + text.size());
  return bytes;
}

class RecordRun {
 public:
  RecordRun(const Options& options, const Model& model, const Tokenizer& tokenizer, Engine& engine, Windows windows)
      : options_(options),
        model_(model),
        tokenizer_(tokenizer),
        engine_(engine),
        windows_(windows),
        request_memory_(memory_of_requests(batch_engine_options(options, model.spec))) {}

  // `records`: lines of the input; 0 where nobody can know.
  Result<void> run(LineReader& reader, std::uint64_t records, const std::atomic<bool>& interrupted) {
    std::optional<Waiting> waiting;
    if (!isatty(STDOUT_FILENO)) waiting.emplace(options_, "scoring records");
    while (!interrupted && !output_.ended()) {
      CONTINUO_TRY_VOID(take_in(reader));
      if (engine_.unfinished() == 0 && ended_) break;
      if (engine_.unfinished() > 0) engine_.step();
      write(interrupted);
      if (waiting) waiting->set(summed_, records);
    }
    waiting.reset();
    if (options_.score.summary && !interrupted) pending_ += line_of(summary_.json());
    write(interrupted);
    CONTINUO_TRY_VOID(output_.finish());
    if (output_.ended()) return {};  // the reader went away: it has what it wanted
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    if (summary_.errors() == 0) return {};
    return Error{.kind = ErrorKind::output,
                 .what = fmt::format("{} of {} records failed", summary_.errors(), summary_.records()),
                 .hint = "their answers have an \"error\""};
  }

 private:
  static std::string line_of(const Answer& answer) { return answer_text(answer) + '\n'; }

  Result<void> take_in(LineReader& reader) {
    const std::size_t most = kQueued * static_cast<std::size_t>(options_.batch.at_once);
    while (!ended_ && engine_.unfinished() < most && order_.ahead(orders_) < kAheadOfTurn &&
           record_bytes_ <= request_memory_) {
      if (engine_.unfinished() > 0 && !reader.ready()) return {};  // there is something else to do
      CONTINUO_TRY(auto line, reader.next());
      ended_ = !line;
      if (line) start(*line);
      if (!pending_.empty()) return {};
    }
    return {};
  }

  void start(const Line& line) {
    const std::uint64_t order = orders_++;
    auto parsed = parse_record(line, options_.batch.max_line);
    if (const auto* error = std::get_if<BatchError>(&parsed)) return fail(*error, line.number, order);
    auto active =
        std::make_shared<Active>(Active{std::get<ScoreRecord>(std::move(parsed)), order, line.number, {}, 0, 0, {}});
    active->bytes = bytes_of(active->record);
    record_bytes_ += active->bytes;
    active->texts.resize(active->record.texts.size());
    active->left = 1;  // this function
    for (std::size_t i = 0; i < active->texts.size() && !active->error; ++i) {
      if (auto submitted = submit(active, i); !submitted) active->error = submitted.error();
    }
    finish_one(*active);
  }

  Result<void> submit(const std::shared_ptr<Active>& active, std::size_t i) {
    const ScoreRecord& record = active->record;
    const bool alone = record.kind == ScoreRecord::Kind::text;
    CONTINUO_TRY(const ScoredPart part, alone ? whole_text(tokenizer_, model_, record.texts[i])
                                              : part_after(tokenizer_, model_, record.prompt, record.texts[i]));
    ScoredText& text = active->texts[i];
    text.tokens = part.ids.size() - part.first;
    text.bytes = part.bytes;
    CONTINUO_TRY_VOID(submit_part(active, part, [&text](const Scored& scored) {
      text.sum = scored.sum;
      text.greedy = scored.greedy;
    }));
    if (record.kind != ScoreRecord::Kind::choices) return {};
    const auto without = without_prompt(part, model_);
    if (!without) return {};
    return submit_part(active, *without, [&text](const Scored& scored) { text.unconditional = scored.sum; });
  }

  template <class Take>
  Result<void> submit_part(const std::shared_ptr<Active>& active, const ScoredPart& part, Take take) {
    ++active->left;
    auto submitted =
        submit_scoring(engine_, part.ids, part.first, windows_, false, [this, active, take](Result<Scored> done) {
          if (done) {
            take(*done);
          } else {
            active->error = done.error();
          }
          finish_one(*active);
        });
    if (!submitted) --active->left;
    return submitted;
  }

  void finish_one(Active& active) {
    if (--active.left > 0) return;
    record_bytes_ -= active.bytes;
    if (active.error) {
      const std::string type(error_type(active.error->kind));
      return fail({active.record.id, type, active.error->message()}, active.line, active.order);
    }
    finished_[active.order] = {active.record, active.texts};
    order_.push(active.order, options_.score.summary ? "" : line_of(record_json(active.record, active.texts)), true,
                pending_);
    sum_up();
  }

  void fail(const BatchError& error, std::uint64_t line, std::uint64_t order) {
    finished_[order] = {};
    order_.push(order, line_of(record_error_json(error, line)), true, pending_);
    sum_up();
  }

  // In the order of the records, so that the sums have the same bits in any company.
  void sum_up() {
    for (auto next = finished_.begin(); next != finished_.end() && next->first == summed_; ++summed_) {
      if (next->second.second.empty()) {
        summary_.add_error();
      } else {
        summary_.add(next->second.first, next->second.second);
      }
      next = finished_.erase(next);
    }
  }

  void write(const std::atomic<bool>& interrupted) {
    output_.write(pending_, interrupted);
    pending_.clear();
  }

  const Options& options_;
  const Model& model_;
  const Tokenizer& tokenizer_;
  Engine& engine_;
  Windows windows_;
  std::size_t request_memory_;
  std::size_t record_bytes_ = 0;  // of those with the engine
  AnswerFile output_;             // stdout
  ScoreSummary summary_;
  AnswerOrder order_{AnswerOrder::Kind::input, 0};
  std::map<std::uint64_t, std::pair<ScoreRecord, std::vector<ScoredText>>> finished_;  // by order, not summed up
  std::uint64_t orders_ = 0, summed_ = 0;
  bool ended_ = false;
  std::string pending_;
};

}  // namespace

Result<void> score_records(const Options& options, const Model& model, const Tokenizer& tokenizer, Engine& engine,
                           Windows windows, const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const int fd, open_records(options.file, "scores"));
  const std::uint64_t records = isatty(STDERR_FILENO) ? count_lines(fd, LineKind::line).value_or(0) : 0;
  LineReader reader(fd, fd == STDIN_FILENO ? "stdin" : options.file, options.batch.max_line, interrupted);
  return RecordRun(options, model, tokenizer, engine, windows).run(reader, records, interrupted);
}

}  // namespace continuo
