#include "cli/batch/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/json.h"
#include "cli/model_source.h"
#include "cli/numbers.h"
#include "sampling/random.h"

namespace continuo {

namespace {

constexpr std::size_t kMostSamples = 128;
constexpr std::size_t kMostStops = 1000;
constexpr std::size_t kMostStopBytes = std::size_t{64} << 10;  // of all together
constexpr std::size_t kMostLogprobs = 100;

Error wrong(std::string_view field, std::string_view expected, const Json& found) {
  std::string shown = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (shown.size() > 60) shown = valid_utf8(shown.substr(0, 57)) + "...";
  return usage_error(fmt::format("{} is {}, expected {}", field, shown, expected));
}

// ---- one setter a kind of value ----

template <class Number>
Result<Number> whole_number(std::string_view field, const Json& value, std::int64_t least,
                            std::int64_t most) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  const std::int64_t number = fits ? value.get<std::int64_t>() : 0;
  if (!fits || number < least || number > most) {
    return wrong(field, fmt::format("a whole number from {} to {}", least, most), value);
  }
  return static_cast<Number>(number);
}

template <float SamplingOptions::*Member>
Result<void> set_float(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_number()) return wrong(field, "a number", value);
  request.request.sampling.*Member = value.get<float>();
  return {};
}

template <bool BatchRequest::*Member>
Result<void> set_switch(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_boolean()) return wrong(field, "true or false", value);
  request.*Member = value.get<bool>();
  return {};
}

Result<void> set_id(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_string() && !value.is_number()) return wrong(field, "a string or a number", value);
  request.id = Answer(value);
  return {};
}

Result<void> set_prompt(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_string()) return wrong(field, "a string", value);
  request.prompt = value.get<std::string>();
  return {};
}

Result<void> set_prompt_ids(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_array() || value.empty()) return wrong(field, "an array of token ids", value);
  request.want_ids = true;
  request.request.prompt.reserve(value.size());
  for (const Json& id : value) {
    CONTINUO_TRY(const auto token, whole_number<TokenId>(field, id, 0, std::numeric_limits<TokenId>::max()));
    request.request.prompt.push_back(token);
  }
  return {};
}

Result<void> set_max_tokens(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.max_tokens,
               whole_number<std::int64_t>(field, value, -1, std::numeric_limits<std::int64_t>::max()));
  return {};
}

Result<void> set_top_k(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.sampling.top_k,
               whole_number<int>(field, value, 0, std::numeric_limits<int>::max()));
  return {};
}

Result<void> set_n(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.n, whole_number<std::size_t>(field, value, 1, kMostSamples));
  return {};
}

Result<void> set_logprobs(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.logprobs, whole_number<std::size_t>(field, value, 0, kMostLogprobs));
  request.request.want_logprob = true;
  return {};
}

Result<void> set_seed(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0)) {
    return wrong(field, "a whole number from 0 to 18446744073709551615", value);
  }
  request.request.sampling.seed = value.get<std::uint64_t>();
  request.seeded = true;
  return {};
}

Result<void> set_ignore_eos(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_boolean()) return wrong(field, "true or false", value);
  request.request.ignore_eos = value.get<bool>();
  return {};
}

Result<void> set_stop(BatchRequest& request, std::string_view field, const Json& value) {
  const Json list = value.is_string() ? Json::array({value}) : value;
  if (!list.is_array()) return wrong(field, "a string or an array of strings", value);
  if (list.size() > kMostStops) {
    return usage_error(fmt::format("{} has {} strings, expected at most {}", field, list.size(), kMostStops));
  }
  std::size_t bytes = 0;
  request.request.stop.clear();
  for (const Json& stop : list) {
    if (!stop.is_string()) return wrong(field, "a string or an array of strings", value);
    request.request.stop.push_back(stop.get<std::string>());
    bytes += request.request.stop.back().size();
  }
  if (bytes > kMostStopBytes) {
    return usage_error(
        fmt::format("{} has {} bytes of text, expected at most {}", field, bytes, kMostStopBytes));
  }
  return {};
}

Result<void> set_logit_bias(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_object()) return wrong(field, "an object of token ids and numbers", value);
  request.request.sampling.logit_bias.clear();
  for (const auto& [key, bias] : value.items()) {
    CONTINUO_TRY(const TokenId token,
                 parse_number<TokenId>(key, field, "an object of token ids and numbers"));
    if (!bias.is_number()) return wrong(field, "an object of token ids and numbers", value);
    request.request.sampling.logit_bias.push_back({token, bias.get<float>()});
  }
  return {};
}

struct Field {
  std::string_view name;
  Result<void> (*set)(BatchRequest& request, std::string_view field, const Json& value);
};

constexpr Field kFields[] = {
    {"id", set_id},
    {"prompt", set_prompt},
    {"prompt_ids", set_prompt_ids},
    {"max_tokens", set_max_tokens},
    {"stop", set_stop},
    {"ignore_eos", set_ignore_eos},
    {"n", set_n},
    {"seed", set_seed},
    {"logprobs", set_logprobs},
    {"echo", set_switch<&BatchRequest::echo>},
    {"stream", set_switch<&BatchRequest::stream>},
    {"temperature", set_float<&SamplingOptions::temperature>},
    {"top_k", set_top_k},
    {"top_p", set_float<&SamplingOptions::top_p>},
    {"min_p", set_float<&SamplingOptions::min_p>},
    {"typical_p", set_float<&SamplingOptions::typical_p>},
    {"repeat_penalty", set_float<&SamplingOptions::repeat_penalty>},
    {"presence_penalty", set_float<&SamplingOptions::presence_penalty>},
    {"frequency_penalty", set_float<&SamplingOptions::frequency_penalty>},
    {"logit_bias", set_logit_bias},
};

Result<void> fill(BatchRequest& request, const Json& json) {
  if (!json.is_object()) return wrong("the line", "a JSON object", json);
  for (const auto& [key, value] : json.items()) {
    const auto* field =
        std::find_if(std::begin(kFields), std::end(kFields), [&](const Field& f) { return f.name == key; });
    if (field == std::end(kFields)) {
      return usage_error(fmt::format("unknown field \"{}\"", valid_utf8(key.substr(0, 60))));
    }
    if (value.is_null()) continue;  // as if it were not there
    CONTINUO_TRY_VOID(field->set(request, key, value));
  }
  if (json.contains("prompt") == json.contains("prompt_ids")) {
    return usage_error("expected either prompt or prompt_ids");
  }
  return {};
}

// Options are checked by the names that are typed, "--top-p"; a request's fields are named "top_p".
std::string as_field(std::string message) {
  if (!message.starts_with("--")) return message;
  message.erase(0, 2);
  std::replace(message.begin(),
               message.begin() + static_cast<std::ptrdiff_t>(std::min(message.find(' '), message.size())),
               '-', '_');
  return message;
}

BatchError too_long(const Line& line, std::size_t longest) {
  return {Answer(line.number), "line_too_long",
          fmt::format("the line has more than {} bytes (--max-line)", longest)};
}

}  // namespace

std::uint64_t derived_seed(std::uint64_t seed, const Answer& id) {
  // FNV-1a (Fowler, Noll, Vo), then a round of the generator, so that like ids give unlike seeds.
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : id.dump(-1, ' ', false, Answer::error_handler_t::replace)) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  const auto words =
      philox4x32({static_cast<std::uint32_t>(hash), static_cast<std::uint32_t>(hash >> 32), 0, 0},
                 {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
  return (std::uint64_t{words[1]} << 32 | words[0]) >> 11;
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
  request.request.max_tokens = options_.max_tokens;
  request.request.ignore_eos = options_.ignore_eos;
  request.request.stop = options_.stop;
  request.request.sampling = sampling_;
  request.request.logprobs = options_.logprobs.value_or(0);
  request.request.want_logprob = options_.logprobs.has_value();
  request.echo = options_.echo;
  return request;
}

// What is left once all fields are known: the prompt's ids and the seed.
Result<void> RequestParser::finish(BatchRequest& request) const {
  if (!request.seeded) request.request.sampling.seed = derived_seed(options_.seed, request.id);
  if (request.want_ids) {
    if (request.echo && tokenizer_) request.prompt = tokenizer_->decode(request.request.prompt, true);
  } else {
    if (!tokenizer_) return usage_error("the model has no tokenizer", "give the prompt as prompt_ids");
    CONTINUO_TRY(request.request.prompt, encode_prompt(*tokenizer_, model_, request.prompt));
    if (request.request.prompt.empty() && model_.spec.bos_token)
      request.request.prompt = {*model_.spec.bos_token};
  }
  return engine_.check(request.request);
}

ParsedRequest RequestParser::checked(BatchRequest request) const {
  const auto good = finish(request);
  if (good) return request;
  Error error = good.error();
  error.what = as_field(std::move(error.what));
  return BatchError{std::move(request.id), std::string(error_type(error.kind)), error.message()};
}

ParsedRequest RequestParser::parse_json(const Line& line) const {
  if (line.too_long) return too_long(line, options_.batch.max_line);
  const bool blank = line.text.find_first_not_of(" \t\r") == std::string::npos;
  if (blank)
    return BatchError{Answer(line.number), "invalid_json", "the line is empty, expected a JSON object"};
  const auto json = continuo::parse_json(line.text, "");
  if (!json) {
    Error error = json.error();
    error.hint.clear();  // speaks of a file
    return BatchError{Answer(line.number), "invalid_json", error.message()};
  }
  BatchRequest request = defaults(Answer(line.number));
  const auto filled = fill(request, *json);
  if (!filled) {
    // Fields come in the order of their names: an id after the bad field is still the request's.
    if (const auto id = json->is_object() ? json->find("id") : json->end();
        json->is_object() && id != json->end()) {
      (void)set_id(request, "id", *id);
    }
    return BatchError{std::move(request.id), "invalid_request", filled.error().message()};
  }
  return checked(std::move(request));
}

ParsedRequest RequestParser::parse_text(const Line& line) const {
  if (line.too_long) return too_long(line, options_.batch.max_line);
  BatchRequest request = defaults(Answer(line.number));
  request.prompt = line.text;
  return checked(std::move(request));
}

Answer RequestParser::id_of(const Line& line) {
  const auto json = line.too_long ? Result<Json>(Json()) : continuo::parse_json(line.text, "");
  if (json && json->is_object()) {
    const auto id = json->find("id");
    if (id != json->end() && (id->is_string() || id->is_number())) return Answer(*id);
  }
  return Answer(line.number);
}

}  // namespace continuo
