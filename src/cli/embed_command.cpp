// continuo embed [TEXT]: a vector of a text, or of many, a record each.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <optional>

#include "base/json.h"
#include "cli/batch/lines.h"
#include "cli/command.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/npy_file.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/waiting.h"
#include "requests/embedder.h"
#include "requests/fields.h"
#include "requests/request_json.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

// Records that are answered together: no more than these, nor more tokens, but for a single text.
constexpr std::size_t kTogether = 1024, kTokensTogether = 8192;

struct Record {
  std::uint64_t line = 0;
  Json id;  // null: none
  EmbeddingText text;
  std::optional<Error> error;
};

Record read_record(const Line& line, const Embedder& embedder) {
  Record record{.line = line.number};
  if (line.too_long) {
    record.error = usage_error("the line is longer than --max-line allows");
    return record;
  }
  const auto json = parse_request_json(line.text);
  if (!json) {
    record.error = json.error();
    return record;
  }
  const auto text = json->is_object() ? json->find("text") : json->end();
  if (const auto id = json->is_object() ? json->find("id") : json->end(); id != json->end() && !id->is_null()) {
    if (is_request_id(*id)) {
      record.id = *id;
    } else {
      record.error = wrong_field("id", "a string or a number", *id);
      return record;
    }
  }
  if (!json->is_object() || text == json->end() || !text->is_string()) {
    record.error = usage_error("a record is an object with a text, which is a string");
    return record;
  }
  for (const auto& [field, value] : json->items()) {
    if (field != "text" && field != "id")
      record.error = usage_error(fmt::format("'{}' is no field of a record", field.substr(0, 64)));
  }
  if (record.error) return record;
  auto read = embedder.read(text->get_ref<const std::string&>());
  if (read) {
    record.text = std::move(*read);
  } else {
    record.error = read.error();
  }
  return record;
}

std::string vector_text(std::span<const float> vector, std::string_view between) {
  return fmt::format("{}", fmt::join(vector, between));
}

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

// What an answer says of a text besides its vector.
std::string text_json(const EmbeddingText& text) {
  return fmt::format("\"tokens\":{}{}", text.ids.size(), text.truncated ? ",\"truncated\":true" : "");
}

std::string answer_line(const Record& record, std::span<const float> vector) {
  std::string id;  // the member, with the comma behind it
  if (!record.id.is_null()) {
    const std::string object = answer_text({{"id", record.id}});
    id = object.substr(1, object.size() - 2) + ',';
  }
  if (record.error) {
    return fmt::format("{{{}\"error\":{{\"message\":{},\"line\":{}}}}}\n", id, dumped(record.error->message()),
                       record.line);
  }
  return fmt::format("{{{}\"embedding\":[{}],{}}}\n", id, vector_text(vector, ","), text_json(record.text));
}

void warn_of_cuts(std::size_t truncated, std::size_t texts) {
  if (truncated == 0) return;
  spdlog::warn(
      "{} of {} texts were longer than the tokens that the model reads, and were cut (--truncate 0 refuses them)",
      truncated, texts);
}

// A record a line, an answer a line or a row, in the same order.
class RecordRun {
 public:
  RecordRun(const Options& options, Embedder& embedder) : options_(options), embedder_(embedder) {}

  Result<void> run(const std::atomic<bool>& interrupted) {
    CONTINUO_TRY(const int fd, open_records(options_.file, "vectors"));
    if (!options_.embed.out.empty()) {
      CONTINUO_TRY(NpyFile matrix, NpyFile::create(options_.embed.out, embedder_.width()));
      matrix_.emplace(std::move(matrix));
    }
    LineReader reader(fd, fd == STDIN_FILENO ? "stdin" : options_.file, options_.batch.max_line, interrupted);
    for (bool ended = false; wanted_ && !ended;) {
      CONTINUO_TRY(const auto line, reader.next());
      if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
      ended = !line;
      if (line) CONTINUO_TRY_VOID(take(read_record(*line, embedder_)));
      const bool full = group_.size() == kTogether || tokens_ >= kTokensTogether;
      if (ended || full || (!matrix_ && !reader.ready())) CONTINUO_TRY_VOID(flush());
    }
    if (matrix_) CONTINUO_TRY_VOID(matrix_->finish());
    CONTINUO_TRY_VOID(out_.finish());
    warn_of_cuts(truncated_, records_);
    if (failed_ == 0) return {};
    return Error{.kind = ErrorKind::output, .what = fmt::format("{} of {} records failed", failed_, records_)};
  }

 private:
  Result<void> take(Record record) {
    if (matrix_ && record.error) {
      return Error{.kind = ErrorKind::output,
                   .what = fmt::format("line {}: {}", record.line, record.error->message()),
                   .hint = "each row stands for a record, so nothing is written"};
    }
    ++records_;
    failed_ += record.error ? 1 : 0;
    truncated_ += record.text.truncated ? 1 : 0;
    tokens_ += record.text.ids.size();
    group_.push_back(std::move(record));
    return {};
  }

  Result<void> flush() {
    std::vector<std::span<const TokenId>> texts;
    for (const Record& record : group_) {
      if (!record.error) texts.push_back(record.text.ids);
    }
    CONTINUO_TRY(const std::vector<float> rows, embedder_.embed(texts));
    if (matrix_) {
      CONTINUO_TRY_VOID(matrix_->write(rows));
    } else {
      std::span<const float> left = rows;
      for (const Record& record : group_) {
        const std::span<const float> vector = left.first(record.error ? 0 : embedder_.width());
        left = left.subspan(vector.size());
        wanted_ = out_.write(answer_line(record, vector));
      }
    }
    group_.clear();
    tokens_ = 0;
    return {};
  }

  const Options& options_;
  Embedder& embedder_;
  Output out_;
  std::optional<NpyFile> matrix_;
  bool wanted_ = true;  // stdout has a reader
  std::vector<Record> group_;
  std::size_t tokens_ = 0;  // of the group
  std::size_t records_ = 0, failed_ = 0, truncated_ = 0;
};

Result<EmbeddingSettings> settings_of(const Options& options, const ModelFiles& files) {
  CONTINUO_TRY(EmbeddingSettings settings,
               options.embed.pooling ? embedding_text_settings(files) : embedding_settings(files));
  if (options.embed.pooling) settings.pooling = options.embed.pooling;
  if (options.embed.normalize) settings.normalize = true;
  if (options.embed.truncate) settings.max_tokens = static_cast<std::size_t>(*options.embed.truncate);
  return settings;
}

Result<void> check_typed(const Options& options) {
  const EmbedOptions& embed = options.embed;
  if (embed.jsonl && (options.ids || options.json || options.exact)) {
    return usage_error("--jsonl does not go with --ids, --json and --exact", "its answers are JSON");
  }
  if (embed.jsonl && !options.words.empty() && !options.stdin_wanted) {
    return usage_error("--jsonl reads a file or stdin, not the command line", "give the file with --file");
  }
  if (!embed.out.empty() && options.json) {
    return usage_error("--output does not go with --json", "a .npy file holds numbers alone");
  }
  return {};
}

Result<void> embed_one(const Options& options, const LoadedModel& model, Embedder& embedder,
                       const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  EmbeddingText read;
  if (options.ids) {
    CONTINUO_TRY(read.ids, parse_ids(text));
    CONTINUO_TRY_VOID(embedder.check(read.ids));
  } else {
    CONTINUO_TRY(read, embedder.read(text));
  }
  const std::span<const TokenId> ids = read.ids;
  CONTINUO_TRY(const std::vector<float> vector, embedder.embed({&ids, 1}));
  if (!options.embed.out.empty()) {
    CONTINUO_TRY(NpyFile file, NpyFile::create(options.embed.out, embedder.width()));
    CONTINUO_TRY_VOID(file.write(vector));
    CONTINUO_TRY_VOID(file.finish());
  } else if (options.json) {
    CONTINUO_TRY_VOID(print(fmt::format("{{\"embedding\":[{}],{},\"model\":{}}}\n", vector_text(vector, ","),
                                        text_json(read), dumped(model.name))));
  } else {
    CONTINUO_TRY_VOID(print(vector_text(vector, " ") + "\n"));
  }
  warn_of_cuts(read.truncated ? 1 : 0, 1);
  return {};
}

}  // namespace

Result<void> run_embed(const Options& options) {
  CONTINUO_TRY_VOID(check_typed(options));
  const std::atomic<bool>& interrupted = watch_interrupts();
  const TokenizerUse use = options.ids ? TokenizerUse::none : TokenizerUse::required;
  CONTINUO_TRY(const LoadedModel model,
               while_waiting(options, "loading the model", [&] { return load(options.model, use); }));
  CONTINUO_TRY(EmbeddingSettings settings, settings_of(options, model.files));
  CONTINUO_TRY(Embedder embedder, Embedder::create(model, std::move(settings), engine_options(options)));
  if (options.embed.jsonl) return RecordRun(options, embedder).run(interrupted);
  return embed_one(options, model, embedder, interrupted);
}

}  // namespace continuo
