#include "serve/api_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "requests/fields.h"
#include "requests/request_json.h"

namespace continuo {

namespace {

constexpr std::size_t kMostIdBytes = 256;

struct ApiField {
  std::string_view name;
  Result<void> (*set)(ApiRequest& request, std::string_view field, const Json& value);
};

Result<void> set_model(ApiRequest& request, std::string_view field, const Json& value) {
  if (!value.is_string()) return wrong_field(field, "a string", value);
  request.model = value.get<std::string>();
  return {};
}

Result<void> check_user(ApiRequest&, std::string_view field, const Json& value) {
  if (!value.is_string()) return wrong_field(field, "a string", value);
  return {};
}

Result<void> refuse_suffix(ApiRequest&, std::string_view field, const Json& value) {
  if (value.is_string() && value.get<std::string>().empty()) return {};
  return field_error(field, "is given, but texts are continued at their end, not filled in");
}

Result<void> set_stream_options(ApiRequest& request, std::string_view field, const Json& value) {
  if (!value.is_object()) return wrong_field(field, "an object", value);
  for (const auto& [key, option] : value.items()) {
    if (key != "include_usage")
      return field_error(field, fmt::format("has an unknown member \"{}\"", valid_utf8(key.substr(0, 60))));
    if (option.is_null()) continue;
    if (!option.is_boolean()) return wrong_field("stream_options.include_usage", "true or false", option);
    request.include_usage = option.get<bool>();
  }
  return {};
}

// Handled by set_prompts().
constexpr std::string_view kPrompt = "prompt";

constexpr ApiField kApiFields[] = {
    {"model", set_model},
    {"suffix", refuse_suffix},
    {"user", check_user},
    {"stream_options", set_stream_options},
};

const ApiField* find_api_field(std::string_view name) {
  const auto* const field =
      std::find_if(std::begin(kApiFields), std::end(kApiFields), [&](const ApiField& f) { return f.name == name; });
  return field == std::end(kApiFields) ? nullptr : field;
}

Result<void> set_field(ApiRequest& request, BatchRequest& base, const std::string& key, const Json& value) {
  if (value.is_null()) return {};  // as if it were not there
  if (const ApiField* const field = find_api_field(key)) return field->set(request, key, value);
  if (key == "id" && value.is_string() && value.get_ref<const std::string&>().size() > kMostIdBytes) {
    return field_error(key, fmt::format("has more than {} bytes", kMostIdBytes));  // every event repeats it
  }
  const RequestField* const field = find_field(key);
  if (!field) return field_error(valid_utf8(key.substr(0, 60)), "is no field of a completion");
  return field->set(base, key, value);
}

// A prompt as text or as ids.
Result<void> set_prompt(BatchRequest& request, const Json& value) {
  if (value.is_string()) return find_field(kPrompt)->set(request, kPrompt, value);
  if (value.is_array()) return find_field("prompt_ids")->set(request, kPrompt, value);
  return wrong_field(kPrompt, "a text, token ids, or a list of one kind of them", value);
}

// The prompts of `prompt`: a text, ids, or a list of texts or of ids.
std::vector<const Json*> prompts_in(const Json& value) {
  std::vector<const Json*> prompts;
  const bool list = value.is_array() && !value.empty() && (value[0].is_string() || value[0].is_array());
  if (!list) return {&value};
  for (const Json& prompt : value) prompts.push_back(&prompt);
  return prompts;
}

std::size_t sequences_of(const BatchRequest& request, std::size_t prompts) {
  return prompts * (request.drawn() + (request.score_prompt ? 1 : 0));
}

Result<void> set_prompts(ApiRequest& request, BatchRequest base, const Json& value, const RequestParser& parser,
                         const ModelSpec& spec, const ApiLimits& limits) {
  const std::vector<const Json*> prompts = prompts_in(value);
  if (const std::size_t all = sequences_of(base, prompts.size()); all > limits.sequences) {
    return field_error(kPrompt, fmt::format("and n ask for {} sequences, expected at most {}", all, limits.sequences));
  }
  std::size_t bytes = 0;
  for (const Json* const prompt : prompts) {
    BatchRequest one = base;
    CONTINUO_TRY_VOID(set_prompt(one, *prompt));
    CONTINUO_TRY_VOID(parser.finish(one));
    bytes += bytes_of(one, spec);
    if (bytes > limits.bytes) {
      return field_error(kPrompt,
                         fmt::format("with n, max_tokens and logprobs: the answer may take more than the {} MiB that "
                                     "the server has for requests",
                                     limits.bytes >> 20));
    }
    request.prompts.push_back(std::move(one));
  }
  return {};
}

}  // namespace

Result<Json> parse_body(std::string_view body) {
  auto json = parse_request_json(body);
  if (!json) {
    Error error = json.error();
    error.kind = ErrorKind::usage;
    error.hint.clear();  // speaks of a file
    return error;
  }
  if (!json->is_object()) return usage_error("the body is no JSON object");
  return json;
}

Result<ApiRequest> parse_completion(std::string_view body, const RequestParser& parser, const ModelSpec& spec,
                                    const ApiLimits& limits) {
  CONTINUO_TRY(const Json json, parse_body(body));
  ApiRequest request;
  BatchRequest base = parser.defaults(Answer());
  for (const auto& [key, value] : json.items()) {
    if (key != kPrompt && key != "prompt_ids") CONTINUO_TRY_VOID(set_field(request, base, key, value));
  }
  base.score_prompt = base.echo && base.request.want_logprob;
  const auto given = [&](const char* name) { return json.contains(name) && !json.at(name).is_null(); };
  if (given("prompt") == given("prompt_ids")) return field_error(kPrompt, "is expected, or prompt_ids in its place");
  const Json& prompt = given("prompt") ? json.at("prompt") : json.at("prompt_ids");
  CONTINUO_TRY_VOID(set_prompts(request, std::move(base), prompt, parser, spec, limits));
  return request;
}

std::vector<std::string_view> completion_fields() {
  std::vector<std::string_view> names = field_names();
  for (const ApiField& field : kApiFields) names.push_back(field.name);
  return names;
}

}  // namespace continuo
