#include "requests/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "loading/infill.h"
#include "loading/model_source.h"
#include "requests/csv.h"
#include "requests/fields.h"
#include "requests/request_json.h"
#include "sampling/random.h"
#include "text/utf8.h"

namespace continuo {

namespace {

Result<void> fill(BatchRequest& request, const Json& json) {
  if (!json.is_object()) return wrong_field("the line", "a JSON object", json);
  for (const auto& [key, value] : json.items()) {
    const RequestField* const field = find_field(key);
    if (!field) {
      return usage_error(fmt::format("unknown field \"{}\"", valid_utf8(key.substr(0, 60))));
    }
    if (value.is_null()) continue;  // as if it were not there
    CONTINUO_TRY_VOID(field->set(request, key, value));
  }
  const auto given = [&](const char* name) { return json.contains(name) && !json[name].is_null(); };
  const int prompts = given("prompt") + given("prompt_ids") + given("messages");
  if (prompts != 1) return usage_error("expected one of prompt, prompt_ids and messages");
  return {};
}

// The request's own id, if it has one that may be one.
Answer id_of(const Json& json, const Line& line) {
  const auto id = json.is_object() ? json.find("id") : json.end();
  const bool good = json.is_object() && id != json.end() && is_request_id(*id);
  return good ? Answer(*id) : Answer(line.number);
}

Error unknown_adapter(const std::string& name, const std::vector<std::string>& known) {
  std::string names;
  for (const std::string& one : known) names += (names.empty() ? "" : ", ") + one;
  return field_error("adapter",
                     fmt::format("is '{}', expected {}", valid_utf8(name.substr(0, 60)),
                                 known.empty() ? "none: there are no adapters" : "one of: " + names),
                     "adapters get their names at the start: --lora NAME=DIR");
}

BatchError too_long(const Line& line, std::size_t longest) {
  return {Answer(line.number), "line_too_long",
          fmt::format("the line has more than {} bytes, the most that is read of a line", longest)};
}

}  // namespace

std::uint64_t derived_seed(std::uint64_t seed, const Answer& id) {
  // FNV-1a (Fowler, Noll, Vo), then a round of the generator, so that like ids give unlike seeds.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : id.dump(-1, ' ', false, Answer::error_handler_t::replace)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  const auto words = philox4x32({static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(hash >> 32), 0, 0},
                                {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return (std::uint64_t{words[1]} << 32 | words[0]) >> 11;
}

void add_ends(const std::vector<TokenId>& ends, Request& request) {
  if (!request.ignore_eos)
    request.sampling.stop_tokens.insert(request.sampling.stop_tokens.end(), ends.begin(), ends.end());
}

std::size_t bytes_of(const BatchRequest& request, const ModelSpec& spec) {
  const Request& one = request.request;
  std::size_t bytes = one.prompt.size() * sizeof(TokenId) + one.sampling.logit_bias.size() * sizeof(LogitBias);
  for (const auto* texts : {&one.stop, &one.banned, &one.constraint.texts}) {
    for (const std::string& text : *texts) bytes += sizeof(text) + text.size();
  }
  bytes += (one.allowed_tokens.size() + one.logprob_tokens.size() + one.sampling.stop_tokens.size()) * sizeof(TokenId);
  constexpr std::size_t kTextBytes = 8;  // of a token, roughly
  const std::size_t tokens = positions_needed(one, spec) - one.prompt.size();
  bytes += tokens * (sizeof(GeneratedToken) + (one.logprobs + one.logprob_tokens.size()) * sizeof(TokenLogprob) +
                     sizeof(TokenId) + kTextBytes);
  const std::size_t scores =
      request.score_prompt ? one.prompt.size() * (sizeof(GeneratedToken) + one.logprobs * sizeof(TokenLogprob)) : 0;
  return request.prompt.size() + scores + request.drawn() * (bytes + sizeof(Completion));
}

std::string_view error_type(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::context:
      return "context_length_exceeded";
    case ErrorKind::model:
      return "model_error";
    default:
      return "invalid_request";
  }
}

BatchRequest RequestParser::defaults(Answer id) const {
  BatchRequest request{.id = std::move(id)};
  request.request.max_tokens = defaults_.max_tokens;
  request.request.ignore_eos = defaults_.ignore_eos;
  request.request.stop = defaults_.stop;
  request.request.include_stop = defaults_.include_stop;
  request.request.allowed_tokens = defaults_.allowed_tokens;
  request.request.banned = defaults_.banned;
  request.request.repetition = defaults_.repetition;
  request.request.constraint = defaults_.constraint;
  request.request.exit = defaults_.exit;
  request.request.logprob_tokens = defaults_.logprob_tokens;
  request.request.sampling = defaults_.sampling;
  request.request.logprobs = defaults_.logprobs.value_or(0);
  request.request.want_logprob = defaults_.logprobs.has_value() || !defaults_.logprob_tokens.empty();
  request.echo = defaults_.echo;
  return request;
}

std::uint64_t RequestParser::seed_of(const BatchRequest& request) const {
  if (request.seeded) return request.request.sampling.seed;
  return request.id.is_null() ? defaults_.sampling.seed : derived_seed(defaults_.sampling.seed, request.id);
}

Result<void> RequestParser::finish(BatchRequest& request) const {
  if (request.best_of > 0 && request.best_of < request.n) {
    return field_error("best_of", fmt::format("is {}, expected at least n, which is {}", request.best_of, request.n));
  }
  if (request.stream && request.best_of > request.n) {
    return field_error("stream", "does not go with best_of above n", "which samples are kept is known at the end");
  }
  if (!request.adapter.empty()) {
    const auto adapter = engine_.find_adapter(request.adapter);
    if (!adapter) return unknown_adapter(request.adapter, engine_.adapter_names());
    request.request.adapter = *adapter;
  }
  request.request.sampling.seed = seed_of(request);
  CONTINUO_TRY_VOID(encode(request));
  return engine_.check(request.request);
}

// The ids of a prompt, of messages, or of a gap between two texts.
Result<void> RequestParser::encode(BatchRequest& request) const {
  const Tokenizer* const tokenizer = model_.text();
  const bool has_messages = !request.messages.is_null();
  if (request.suffix && (has_messages || request.want_ids))
    return field_error("suffix", "goes with prompt alone", "it says what stands behind the text that is filled in");
  if (!request.template_values.is_null() && !has_messages)
    return field_error("chat_template_kwargs", "goes with messages alone");
  if (request.want_ids) {
    if (request.echo && tokenizer) request.prompt = tokenizer->decode(request.request.prompt, true);
    return {};
  }
  if (!tokenizer) return usage_error("the model has no tokenizer", "give the prompt as prompt_ids");
  if (!has_messages && !request.suffix) {
    CONTINUO_TRY(request.request.prompt, encode_prompt(*tokenizer, model_.network, request.prompt));
    const std::optional<TokenId> begin = model_.network.spec.bos_token;
    if (request.request.prompt.empty() && begin) request.request.prompt = {*begin};
    return {};
  }
  CONTINUO_TRY(TokenPrompt prompt, has_messages
                                       ? chat_prompt(model_, request.messages, request.template_values)
                                       : infill_prompt(*tokenizer, model_.network, request.prompt, *request.suffix));
  if (has_messages) request.prompt = std::move(prompt.text);
  request.messages = request.template_values = nullptr;
  request.request.prompt = std::move(prompt.ids);
  add_ends(prompt.ends, request.request);
  return {};
}

ParsedRequest RequestParser::checked(BatchRequest request) const {
  const auto good = finish(request);
  if (good) return request;
  return BatchError{std::move(request.id), std::string(error_type(good.error().kind)), good.error().message()};
}

ParsedRequest RequestParser::parse_json(const Line& line) const {
  if (line.too_long) return too_long(line, defaults_.longest_line);
  const bool blank = line.text.find_first_not_of(" \t\r") == std::string::npos;
  if (blank) return BatchError{Answer(line.number), "invalid_json", "the line is empty, expected a JSON object"};
  const auto json = parse_request_json(line.text);
  if (!json) {
    Error error = json.error();
    error.hint.clear();  // speaks of a file
    return BatchError{Answer(line.number), "invalid_json", error.message()};
  }
  BatchRequest request = defaults(Answer(line.number));
  const auto filled = fill(request, *json);
  if (!filled) {
    // Fields come in the order of their names: an id after the bad field is still the request's.
    return BatchError{id_of(*json, line), "invalid_request", filled.error().message()};
  }
  return checked(std::move(request));
}

ParsedRequest RequestParser::parse_text(const Line& line) const {
  if (line.too_long) return too_long(line, defaults_.longest_line);
  BatchRequest request = defaults(Answer(line.number));
  request.prompt = line.text;
  return checked(std::move(request));
}

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The cells of a row, as many as there are columns.
Result<std::vector<std::string>> row_cells(const Line& row, const CsvColumns& columns) {
  if (const std::size_t valid = valid_utf8_prefix(row.text); valid < row.text.size()) {
    return usage_error(fmt::format("the row is not UTF-8 from its byte {} on", valid), "save the table as UTF-8");
  }
  CONTINUO_TRY(std::vector<std::string> cells, csv_cells(row.text));
  if (cells.size() == columns.fields.size()) return cells;
  return usage_error(fmt::format("the row has {} cell{}, expected {}", cells.size(), cells.size() == 1 ? "" : "s",
                                 columns.fields.size()),
                     "as many as the header");
}

Answer id_of(const std::vector<std::string>& cells, const CsvColumns& columns, const Line& row) {
  const std::string* const id = columns.id ? &cells[*columns.id] : nullptr;
  return id && !id->empty() ? id_from_cell(*id) : Answer(row.number);
}

Result<void> fill(BatchRequest& request, const std::vector<std::string>& cells, const CsvColumns& columns) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (cells[i].empty()) continue;  // as if it were not there
    const RequestField& field = *columns.fields[i];
    CONTINUO_TRY(const Json value, field.from_cell(cells[i]));
    CONTINUO_TRY_VOID(field.set(request, field.name, value));
  }
  const bool both = !request.prompt.empty() && request.want_ids;
  const bool neither = !columns.prompt && !request.want_ids;  // an empty prompt is one
  if (both || neither) return usage_error("expected either prompt or prompt_ids");
  return {};
}

}  // namespace

Result<CsvColumns> RequestParser::csv_columns(const Line& header) const {
  if (header.too_long) return usage_error(too_long(header, defaults_.longest_line).message);
  std::string_view row = header.text;
  if (row.starts_with(kByteOrderMark)) row.remove_prefix(kByteOrderMark.size());
  CONTINUO_TRY(const std::vector<std::string> names, csv_cells(row));
  CsvColumns columns;
  for (const std::string& name : names) {
    const RequestField* const field = find_field(name);
    if (!field || !field->from_cell) {
      return usage_error(fmt::format("the header row has a column \"{}\", expected some of {}",
                                     valid_utf8(name.substr(0, 60)), column_names()),
                         names.size() == 1 ? "is there a header, with commas between the names?" : "");
    }
    if (std::find(columns.fields.begin(), columns.fields.end(), field) != columns.fields.end()) {
      return usage_error(fmt::format("the header row has two columns \"{}\"", name));
    }
    const std::size_t at = columns.fields.size();
    if (name == "id") columns.id = at;
    if (name == "prompt") columns.prompt = at;
    columns.fields.push_back(field);
  }
  const bool prompts = columns.prompt || std::find(names.begin(), names.end(), "prompt_ids") != names.end();
  if (!prompts) return usage_error("the header row has neither a column prompt nor prompt_ids");
  return columns;
}

ParsedRequest RequestParser::parse_csv(const Line& line, const CsvColumns& columns) const {
  if (line.too_long) {
    BatchError error = too_long(line, defaults_.longest_line);
    error.message += "; is a quote never closed?";
    return error;
  }
  const auto cells = row_cells(line, columns);
  if (!cells) return BatchError{Answer(line.number), "invalid_csv", cells.error().message()};
  BatchRequest request = defaults(id_of(*cells, columns, line));
  const auto filled = fill(request, *cells, columns);
  if (!filled) return BatchError{std::move(request.id), "invalid_request", filled.error().message()};
  return checked(std::move(request));
}

RequestIdentity RequestParser::json_identity(const Line& line) const {
  const auto json = line.too_long ? Result<Json>(Json()) : parse_request_json(line.text);
  if (!json) return {Answer(line.number), {}};
  BatchRequest request = defaults(Answer(line.number));
  if (!fill(request, *json)) return {id_of(*json, line), {}};
  return {request.id, seed_of(request)};
}

RequestIdentity RequestParser::csv_identity(const Line& line, const CsvColumns& columns) const {
  const auto cells = row_cells(line, columns);
  if (!cells) return {Answer(line.number), {}};
  BatchRequest request = defaults(id_of(*cells, columns, line));
  if (!fill(request, *cells, columns)) return {request.id, {}};
  return {request.id, seed_of(request)};
}

}  // namespace continuo
