#include "cli/score/masked_record_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <numeric>
#include <optional>

#include "cli/batch/lines.h"
#include "cli/output.h"
#include "cli/waiting.h"
#include "requests/masked_part.h"
#include "requests/record.h"
#include "requests/record_answer.h"
#include "requests/request_json.h"

namespace continuo {

namespace {

// Tokens that records which are scored together put through the network, roughly: many steps of the encoder, so that the
// last one, which may not be full, costs little.
constexpr std::size_t kTokensTogether = 16384;

class MaskedRecordRun {
 public:
  MaskedRecordRun(const Options& options, const LoadedModel& model, Encoder& encoder, TokenId mask,
                  const std::atomic<bool>& interrupted)
      : options_(options), model_(model), encoder_(encoder), mask_(mask), interrupted_(interrupted) {}

  // `records`: lines of the input; 0 where nobody can know.
  Result<void> run(LineReader& reader, std::uint64_t records) {
    std::optional<Waiting> waiting;
    if (!isatty(STDOUT_FILENO)) waiting.emplace(options_, "scoring records");
    for (bool ended = false; wanted_ && !ended;) {
      CONTINUO_TRY(const auto line, reader.next());
      if (interrupted_) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
      if (line) take(*line);
      ended = !line;
      if (ended || tokens_ >= kTokensTogether || !reader.ready()) CONTINUO_TRY_VOID(score());
      if (waiting) waiting->set(summary_.records(), records);
    }
    waiting.reset();
    if (options_.score.summary) write(summary_.json());
    CONTINUO_TRY_VOID(out_.finish());
    if (summary_.errors() == 0 || !wanted_) return {};
    return Error{.kind = ErrorKind::output,
                 .what = fmt::format("{} of {} records failed", summary_.errors(), summary_.records()),
                 .hint = "their answers have an \"error\""};
  }

 private:
  // A text of a record, with its prompt or without.
  struct Part {
    MaskedPart masked;
    std::size_t text = 0;
    bool unconditional = false;
  };
  struct Entry {
    std::uint64_t line = 0;
    ScoreRecord record;
    std::vector<Part> parts;
    std::optional<BatchError> error;
  };

  void take(const Line& line) {
    Entry& entry = entries_.emplace_back();
    entry.line = line.number;
    auto parsed = parse_record(line, options_.batch.max_line);
    if (auto* error = std::get_if<BatchError>(&parsed)) {
      entry.error = std::move(*error);
      return;
    }
    entry.record = std::get<ScoreRecord>(std::move(parsed));
    if (const auto added = add_parts(entry); !added) {
      entry.error = BatchError{entry.record.id, std::string(error_type(added.error().kind)), added.error().message()};
      entry.parts.clear();
    }
    for (const Part& part : entry.parts) tokens_ += part.masked.ids.size() * part.masked.positions.size();
  }

  Result<void> add_parts(Entry& entry) const {
    const ScoreRecord& record = entry.record;
    const bool choices = record.kind == ScoreRecord::Kind::choices;
    for (std::size_t i = 0; i < record.texts.size(); ++i) {
      for (const bool unconditional : {false, true}) {
        if (unconditional && (!choices || record.prompt.empty())) continue;
        CONTINUO_TRY(MaskedPart part, masked_part(*model_.text(), model_.network,
                                                  unconditional ? std::string() : record.prompt, record.texts[i]));
        CONTINUO_TRY_VOID(encoder_.check({.ids = part.ids}));
        entry.parts.push_back({std::move(part), i, unconditional});
      }
    }
    return {};
  }

  // All records that were taken, together, and their answers in order.
  Result<void> score() {
    std::vector<EncoderText> texts;
    for (const Entry& entry : entries_) {
      for (const Part& part : entry.parts)
        texts.push_back({.ids = part.masked.ids, .positions = part.masked.positions});
    }
    CONTINUO_TRY(const std::vector<double> scores,
                 encoder_.masked_log_probabilities(texts, mask_, [&](std::size_t) { return !interrupted_; }));
    std::span<const double> left = scores;
    for (const Entry& entry : entries_) answer(entry, left);
    entries_.clear();
    tokens_ = 0;
    return {};
  }

  void answer(const Entry& entry, std::span<const double>& scores) {
    if (entry.error) {
      summary_.add_error();
      return write(record_error_json(*entry.error, entry.line));
    }
    std::vector<ScoredText> texts(entry.record.texts.size());
    for (const Part& part : entry.parts) {
      const std::span<const double> own = scores.first(part.masked.positions.size());
      scores = scores.subspan(own.size());
      const double sum = std::accumulate(own.begin(), own.end(), 0.0);
      ScoredText& text = texts[part.text];
      if (part.unconditional) {
        text.unconditional = sum;
      } else {
        text = {.sum = sum, .tokens = own.size(), .bytes = part.masked.bytes};
      }
    }
    summary_.add(entry.record, texts);
    if (!options_.score.summary) write(record_json(entry.record, texts, Measure::pseudo_log_likelihood));
  }

  void write(const Answer& answer) { wanted_ = out_.write(answer_text(answer) + '\n'); }

  const Options& options_;
  const LoadedModel& model_;
  Encoder& encoder_;
  const TokenId mask_;
  const std::atomic<bool>& interrupted_;
  Output out_;
  bool wanted_ = true;  // stdout has a reader
  ScoreSummary summary_{Measure::pseudo_log_likelihood};
  std::vector<Entry> entries_;  // that are not scored
  std::size_t tokens_ = 0;      // that they put through the network
};

}  // namespace

Result<void> score_masked_records(const Options& options, const LoadedModel& model, Encoder& encoder, TokenId mask,
                                  const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const int fd, open_records(options.file, "scores"));
  const std::uint64_t records = isatty(STDERR_FILENO) ? count_lines(fd, LineKind::line).value_or(0) : 0;
  LineReader reader(fd, fd == STDIN_FILENO ? "stdin" : options.file, options.batch.max_line, interrupted);
  return MaskedRecordRun(options, model, encoder, mask, interrupted).run(reader, records);
}

}  // namespace continuo
