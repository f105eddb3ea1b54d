// continuo embed [TEXT]: a vector of a text, or of many, a record each.
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/json.h"
#include "cli/batch/lines.h"
#include "cli/command.h"
#include "cli/embedding_settings.h"
#include "cli/engine_options.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/prompt.h"
#include "cli/waiting.h"
#include "generate/encoder.h"
#include "generate/pooling.h"
#include "loading/loaded_model.h"
#include "loading/model_source.h"
#include "requests/fields.h"
#include "requests/request_json.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

// Texts that go through the network together: no more than these, nor more tokens, but for a single text.
constexpr std::size_t kTogether = 64, kTokensTogether = 2048;

struct Record {
  Json id;  // null: none
  std::vector<TokenId> ids;
  std::optional<Error> error;
};

class Embedder {
 public:
  Embedder(const LoadedModel& model, Encoder encoder, EmbeddingSettings how)
      : model_(model), encoder_(std::move(encoder)), how_(how) {}

  // In the order of the records; of those without an error. An error if a value is not a number.
  Result<std::vector<std::vector<float>>> embed(std::span<const Record> records) {
    std::vector<EncoderText> texts;
    for (const Record& record : records) {
      if (!record.error) texts.push_back({record.ids});
    }
    std::vector<std::vector<float>> vectors;
    if (texts.empty()) return vectors;
    const auto width = static_cast<std::size_t>(model_.network.spec.d_model);
    std::span<const float> hidden = encoder_.hidden_states(texts);
    for (const EncoderText& text : texts) {
      const std::size_t n = text.ids.size() * width;
      vectors.push_back(pooled(hidden.first(n), width, *how_.pooling));
      hidden = hidden.subspan(n);
      if (how_.normalize) normalize(vectors.back());
      for (const float value : vectors.back()) {
        if (!std::isfinite(value))
          return model_error(model_.name, "a hidden state is not a number", "are the weights damaged?");
      }
    }
    return vectors;
  }

  Result<std::vector<TokenId>> ids_of(std::string_view text) const {
    CONTINUO_TRY(std::vector<TokenId> ids, encode_prompt(*model_.text(), model_.network, text));
    CONTINUO_TRY_VOID(encoder_.check({ids}));
    return ids;
  }
  Result<void> check(std::span<const TokenId> ids) const { return encoder_.check({ids}); }

 private:
  const LoadedModel& model_;
  Encoder encoder_;
  EmbeddingSettings how_;  // pooling is settled
};

Record read_record(const Line& line, const Embedder& embedder) {
  Record record;
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
  auto ids = embedder.ids_of(text->get_ref<const std::string&>());
  if (ids) {
    record.ids = std::move(*ids);
  } else {
    record.error = ids.error();
  }
  return record;
}

std::string vector_text(const std::vector<float>& vector, std::string_view between) {
  return fmt::format("{}", fmt::join(vector, between));
}

std::string dumped(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string answer_line(const Record& record, std::uint64_t line, const std::vector<float>* vector) {
  std::string id;  // the member, with the comma behind it
  if (!record.id.is_null()) {
    const std::string object = answer_text({{"id", record.id}});
    id = object.substr(1, object.size() - 2) + ',';
  }
  if (record.error) {
    return fmt::format("{{{}\"error\":{{\"message\":{},\"line\":{}}}}}\n", id, dumped(record.error->message()), line);
  }
  return fmt::format("{{{}\"embedding\":[{}],\"tokens\":{}}}\n", id, vector_text(*vector, ","), record.ids.size());
}

Result<int> open_records(const Options& options) {
  if (options.file.empty() || options.file == "-") return STDIN_FILENO;
  const int fd = open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return fd;
  return Error{.kind = ErrorKind::usage,
               .what = std::string("cannot read the records: ") + std::strerror(errno),
               .file = options.file};
}

// A record a line, an answer a line, in the same order.
Result<void> embed_records(const Options& options, Embedder& embedder, const std::atomic<bool>& interrupted) {
  CONTINUO_TRY(const int fd, open_records(options));
  if (is_stdout(fd)) return usage_error("the records and their vectors are the same file");
  LineReader reader(fd, fd == STDIN_FILENO ? "stdin" : options.file, options.batch.max_line, interrupted);
  Output out;
  std::vector<Record> group;
  std::vector<std::uint64_t> numbers;
  std::size_t tokens = 0, records = 0, failed = 0;
  const auto flush = [&]() -> Result<bool> {
    CONTINUO_TRY(const auto vectors, embedder.embed(group));
    std::size_t next = 0;
    bool wanted = true;
    for (std::size_t i = 0; i < group.size(); ++i) {
      wanted = out.write(answer_line(group[i], numbers[i], group[i].error ? nullptr : &vectors[next++]));
    }
    group.clear();
    numbers.clear();
    tokens = 0;
    return wanted;
  };
  for (bool wanted = true; wanted;) {
    CONTINUO_TRY(auto line, reader.next());
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    if (!line) {
      CONTINUO_TRY(wanted, flush());
      break;
    }
    group.push_back(read_record(*line, embedder));
    numbers.push_back(line->number);
    ++records;
    failed += group.back().error.has_value();
    tokens += group.back().ids.size();
    if (group.size() == kTogether || tokens >= kTokensTogether || !reader.ready()) {
      CONTINUO_TRY(wanted, flush());
    }
  }
  CONTINUO_TRY_VOID(out.finish());
  if (failed == 0) return {};
  return Error{.kind = ErrorKind::output, .what = fmt::format("{} of {} records failed", failed, records)};
}

Result<EmbeddingSettings> settings_of(const Options& options, const Model& model) {
  EmbeddingSettings settings;
  if (!options.embed.pooling) {
    CONTINUO_TRY(const ModelFiles files, find_model(options.model));
    CONTINUO_TRY(settings, embedding_settings(files));
  }
  if (options.embed.pooling) settings.pooling = options.embed.pooling;
  if (!settings.pooling) settings.pooling = sees_both_sides(model.spec) ? Pooling::mean : Pooling::last;
  if (options.embed.normalize) settings.normalize = true;
  return settings;
}

}  // namespace

Result<void> run_embed(const Options& options) {
  if (options.embed.jsonl && (options.ids || options.json || options.exact)) {
    return usage_error("--jsonl does not go with --ids, --json and --exact", "its answers are JSON");
  }
  if (options.embed.jsonl && !options.words.empty() && !options.stdin_wanted) {
    return usage_error("--jsonl reads a file or stdin, not the command line", "give the file with --file");
  }
  const std::atomic<bool>& interrupted = watch_interrupts();
  const TokenizerUse use = options.ids ? TokenizerUse::none : TokenizerUse::required;
  CONTINUO_TRY(const LoadedModel loaded,
               while_waiting(options, "loading the model", [&] { return load(options.model, use); }));
  CONTINUO_TRY(const EmbeddingSettings settings, settings_of(options, loaded.network));
  CONTINUO_TRY(Encoder encoder, Encoder::create(loaded.network, engine_options(options)));
  Embedder embedder(loaded, std::move(encoder), settings);
  if (options.embed.jsonl) return embed_records(options, embedder, interrupted);

  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  Record record;
  if (options.ids) {
    CONTINUO_TRY(record.ids, parse_ids(text));
    CONTINUO_TRY_VOID(embedder.check(record.ids));
  } else {
    CONTINUO_TRY(record.ids, embedder.ids_of(text));
  }
  CONTINUO_TRY(const auto vectors, embedder.embed({&record, 1}));
  if (!options.json) return print(vector_text(vectors.front(), " ") + "\n");
  return print(fmt::format("{{\"embedding\":[{}],\"tokens\":{},\"model\":{}}}\n", vector_text(vectors.front(), ","),
                           record.ids.size(), dumped(loaded.name)));
}

}  // namespace continuo
