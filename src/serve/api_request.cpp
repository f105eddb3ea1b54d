#include "serve/api_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

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
    {"user", check_user},
    {"stream_options", set_stream_options},
};

const ApiField* find_api_field(std::string_view name) {
  const auto* const field =
      std::find_if(std::begin(kApiFields), std::end(kApiFields), [&](const ApiField& f) { return f.name == name; });
  return field == std::end(kApiFields) ? nullptr : field;
}

// Fields of requests that a completion over HTTP has not.
constexpr std::string_view kNoCompletionFields[] = {"messages", "chat_template_kwargs"};

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

// Makes a request ready to run, if there is room for what it may answer.
Result<void> add_request(ApiRequest& all, BatchRequest one, std::size_t& bytes, const RequestParser& parser,
                         const ModelSpec& spec, const ApiLimits& limits) {
  CONTINUO_TRY_VOID(parser.finish(one));
  bytes += bytes_of(one, spec);
  if (bytes > limits.bytes) {
    return field_error(kPrompt,
                       fmt::format("with n, max_tokens and logprobs: the answer may take more than the {} MiB that "
                                   "the server has for requests",
                                   limits.bytes >> 20));
  }
  all.prompts.push_back(std::move(one));
  return {};
}

Result<void> check_sequences(const BatchRequest& base, std::size_t prompts, const ApiLimits& limits) {
  const std::size_t all = sequences_of(base, prompts);
  if (all <= limits.sequences) return {};
  return field_error(kPrompt, fmt::format("and n ask for {} sequences, expected at most {}", all, limits.sequences));
}

Result<void> set_prompts(ApiRequest& request, const BatchRequest& base, const Json& value, const RequestParser& parser,
                         const ModelSpec& spec, const ApiLimits& limits) {
  const std::vector<const Json*> prompts = prompts_in(value);
  CONTINUO_TRY_VOID(check_sequences(base, prompts.size(), limits));
  std::size_t bytes = 0;
  for (const Json* const prompt : prompts) {
    BatchRequest one = base;
    CONTINUO_TRY_VOID(set_prompt(one, *prompt));
    CONTINUO_TRY_VOID(add_request(request, std::move(one), bytes, parser, spec, limits));
  }
  return {};
}

// ---- chat ----

// Fields of a completion that a chat completion has not, or has with another meaning.
constexpr std::string_view kNoChatFields[] = {"prompt", "prompt_ids", "suffix", "echo", "best_of", "logprobs"};

struct ChatField {
  std::string_view name;
  Result<void> (*set)(BatchRequest& request, std::string_view field, const Json& value);
};

Result<void> set_max_completion_tokens(BatchRequest& request, std::string_view field, const Json& value) {
  return find_field("max_tokens")->set(request, field, value);
}

Result<void> set_chat_logprobs(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_boolean()) return wrong_field(field, "true or false", value);
  request.request.want_logprob = value.get<bool>() || !request.request.logprob_tokens.empty();
  return {};
}

// How many of them; logprobs turns them on.
Result<void> set_top_logprobs(BatchRequest& request, std::string_view field, const Json& value) {
  BatchRequest counted;
  CONTINUO_TRY_VOID(find_field("logprobs")->set(counted, field, value));
  request.request.logprobs = counted.request.logprobs;
  return {};
}

// {"type": "text"}, {"type": "json_object"} or {"type": "json_schema", "json_schema": {"schema": ...}}.
Result<void> set_response_format(BatchRequest& request, std::string_view field, const Json& value) {
  constexpr std::string_view kExpected = "an object whose type is text, json_object or json_schema";
  const auto type = value.is_object() ? value.find("type") : value.end();
  if (!value.is_object() || type == value.end() || !type->is_string()) return wrong_field(field, kExpected, value);
  const auto constrain = [&](const Json& schema) {
    return find_field("structured_outputs")->set(request, field, Json{{"json", schema}});
  };
  if (*type == "text") return {};
  if (*type == "json_object") return constrain(Json{{"type", "object"}});
  if (*type != "json_schema") return wrong_field("response_format.type", "text, json_object or json_schema", *type);
  const auto named = value.find("json_schema");
  if (named == value.end() || !named->is_object())
    return field_error("response_format.json_schema", R"(is missing, expected {"name": ..., "schema": ...})");
  for (const auto& [key, member] : named->items()) {
    if (key != "name" && key != "description" && key != "schema" && key != "strict")
      return field_error("response_format.json_schema",
                         fmt::format("has an unknown member \"{}\"", valid_utf8(key.substr(0, 60))));
  }
  const auto schema = named->find("schema");
  if (schema == named->end() || !(schema->is_object() || schema->is_boolean()))
    return field_error("response_format.json_schema.schema", "is missing, expected a JSON schema");
  return constrain(*schema);
}

// Of what is refused, what asks for nothing: no tools, the choice of none, text alone.
Result<void> refuse_tools(BatchRequest&, std::string_view field, const Json& value) {
  if (value == "none" || (value.is_array() && value.empty())) return {};
  return field_error(field, "is given, but this server calls no tools");
}

Result<void> refuse_modalities(BatchRequest&, std::string_view field, const Json& value) {
  if (value == Json::array({"text"})) return {};
  return field_error(field, "is given, but this server answers with text alone");
}

constexpr ChatField kChatFields[] = {
    {"max_completion_tokens", set_max_completion_tokens},
    {"logprobs", set_chat_logprobs},
    {"top_logprobs", set_top_logprobs},
    {"response_format", set_response_format},
};
constexpr ChatField kRefusedFields[] = {
    {"tools", refuse_tools},         {"tool_choice", refuse_tools},         {"functions", refuse_tools},
    {"function_call", refuse_tools}, {"parallel_tool_calls", refuse_tools}, {"modalities", refuse_modalities},
    {"audio", refuse_modalities},
};

Result<void> set_chat_field(ApiRequest& request, BatchRequest& base, const std::string& key, const Json& value) {
  if (value.is_null()) return {};
  for (const auto& fields : {std::span<const ChatField>(kChatFields), std::span<const ChatField>(kRefusedFields)}) {
    for (const ChatField& field : fields) {
      if (field.name == key) return field.set(base, key, value);
    }
  }
  if (std::ranges::find(kNoChatFields, key) != std::end(kNoChatFields))
    return field_error(key, "is no field of a chat completion");
  return set_field(request, base, key, value);
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
    if (std::ranges::find(kNoCompletionFields, key) != std::end(kNoCompletionFields))
      return field_error(key, "is no field of a completion", "POST /v1/chat/completions takes messages");
    if (key != kPrompt && key != "prompt_ids") CONTINUO_TRY_VOID(set_field(request, base, key, value));
  }
  base.score_prompt = base.echo && base.request.want_logprob;
  const auto given = [&](const char* name) { return json.contains(name) && !json.at(name).is_null(); };
  if (given("prompt") == given("prompt_ids")) return field_error(kPrompt, "is expected, or prompt_ids in its place");
  const Json& prompt = given("prompt") ? json.at("prompt") : json.at("prompt_ids");
  CONTINUO_TRY_VOID(set_prompts(request, base, prompt, parser, spec, limits));
  return request;
}

Result<ApiRequest> parse_chat(std::string_view body, const RequestParser& parser, const ModelSpec& spec,
                              const ApiLimits& limits) {
  CONTINUO_TRY(const Json json, parse_body(body));
  ApiRequest request;
  BatchRequest base = parser.defaults(Answer());
  base.echo = false;
  for (const auto& [key, value] : json.items()) CONTINUO_TRY_VOID(set_chat_field(request, base, key, value));
  const auto given = [&](const char* name) { return json.contains(name) && !json.at(name).is_null(); };
  if (base.messages.is_null()) return field_error("messages", "is expected");
  if (given("max_tokens") && given("max_completion_tokens"))
    return field_error("max_tokens", "and max_completion_tokens are both given", "they mean the same");
  if (given("response_format") && given("structured_outputs"))
    return field_error("response_format", "and structured_outputs are both given", "they mean the same");
  if (given("top_logprobs") && !base.request.want_logprob)
    return field_error("top_logprobs", "is given without logprobs", "logprobs: true asks for them");
  CONTINUO_TRY_VOID(check_sequences(base, 1, limits));
  std::size_t bytes = 0;
  CONTINUO_TRY_VOID(add_request(request, std::move(base), bytes, parser, spec, limits));
  return request;
}

namespace {

std::vector<std::string_view> fields_without(std::span<const std::string_view> excluded) {
  std::vector<std::string_view> names = field_names();
  std::erase_if(names, [&](std::string_view name) { return std::ranges::find(excluded, name) != excluded.end(); });
  for (const ApiField& field : kApiFields) names.push_back(field.name);
  return names;
}

}  // namespace

std::vector<std::string_view> completion_fields() { return fields_without(kNoCompletionFields); }

std::vector<std::string_view> chat_fields() {
  std::vector<std::string_view> names = fields_without(kNoChatFields);
  for (const ChatField& field : kChatFields) names.push_back(field.name);
  return names;
}

}  // namespace continuo
