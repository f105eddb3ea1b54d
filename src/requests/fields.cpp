#include "requests/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/numbers.h"
#include "chat/chat_template.h"
#include "requests/request_json.h"
#include "requests/token_ids.h"

namespace continuo {

Error wrong_field(std::string_view field, std::string_view expected, const Json& found) {
  std::string shown = shown_json(found);
  if (shown.size() > 60) shown = valid_utf8(shown.substr(0, 57)) + "...";
  return field_error(field, fmt::format("is {}, expected {}", shown, expected));
}

Answer id_from_cell(std::string_view cell) {
  const auto number = parse_number<std::int64_t>(cell, "", "");
  return number && std::to_string(*number) == cell ? Answer(*number) : Answer(cell);
}

namespace {

constexpr std::size_t kMostSamples = 128;
constexpr std::size_t kMostStops = 1000;
constexpr std::size_t kMostStopBytes = std::size_t{64} << 10;  // of all together
constexpr std::size_t kMostLogprobs = 100;

// ---- one setter a kind of value ----

template <class Number>
Result<Number> whole_number(std::string_view field, const Json& value, std::int64_t least, std::int64_t most) {
  const bool fits = value.is_number_integer() &&
                    (!value.is_number_unsigned() ||
                     value.get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  const std::int64_t number = fits ? value.get<std::int64_t>() : 0;
  if (!fits || number < least || number > most) {
    return wrong_field(field, fmt::format("a whole number from {} to {}", least, most), value);
  }
  return static_cast<Number>(number);
}

template <float SamplingOptions::*Member>
Result<void> set_float(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_number()) return wrong_field(field, "a number", value);
  request.request.sampling.*Member = value.get<float>();
  return {};
}

template <int SamplingOptions::*Member, int Least, int Most = std::numeric_limits<int>::max()>
Result<void> set_int(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.sampling.*Member, whole_number<int>(field, value, Least, Most));
  return {};
}

template <bool BatchRequest::*Member>
Result<void> set_switch(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_boolean()) return wrong_field(field, "true or false", value);
  request.*Member = value.get<bool>();
  return {};
}

Result<void> set_id(BatchRequest& request, std::string_view field, const Json& value) {
  if (!is_request_id(value)) return wrong_field(field, "a string or a number", value);
  request.id = Answer(value);
  return {};
}

Result<void> set_prompt(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_string()) return wrong_field(field, "a string", value);
  request.prompt = value.get<std::string>();
  return {};
}

Result<void> set_prompt_ids(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_array() || value.empty()) return wrong_field(field, "an array of token ids", value);
  request.want_ids = true;
  request.request.prompt.reserve(value.size());
  for (const Json& id : value) {
    CONTINUO_TRY(const auto token, whole_number<TokenId>(field, id, 0, std::numeric_limits<TokenId>::max()));
    request.request.prompt.push_back(token);
  }
  return {};
}

Result<void> set_messages(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.messages, check_messages(field, value));
  return {};
}

Result<void> set_template_values(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_object()) return wrong_field(field, "an object of what the chat template may ask for", value);
  request.template_values = value;
  return {};
}

Result<void> set_suffix(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_string()) return wrong_field(field, "a string", value);
  if (!value.get_ref<const std::string&>().empty()) request.suffix = value.get<std::string>();
  return {};
}

Result<void> set_max_tokens(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.max_tokens,
               whole_number<std::int64_t>(field, value, -1, std::numeric_limits<std::int64_t>::max()));
  return {};
}

Result<void> set_top_k(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.sampling.top_k, whole_number<int>(field, value, 0, std::numeric_limits<int>::max()));
  return {};
}

Result<void> set_n(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.n, whole_number<std::size_t>(field, value, 1, kMostSamples));
  return {};
}

Result<void> set_best_of(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.best_of, whole_number<std::size_t>(field, value, 1, kMostSamples));
  return {};
}

Result<void> set_logprobs(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.logprobs, whole_number<std::size_t>(field, value, 0, kMostLogprobs));
  request.request.want_logprob = true;
  return {};
}

Result<void> set_seed(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_number_integer() || (!value.is_number_unsigned() && value.get<std::int64_t>() < 0)) {
    return wrong_field(field, "a whole number from 0 to 18446744073709551615", value);
  }
  request.request.sampling.seed = value.get<std::uint64_t>();
  request.seeded = true;
  return {};
}

Result<void> set_ignore_eos(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_boolean()) return wrong_field(field, "true or false", value);
  request.request.ignore_eos = value.get<bool>();
  return {};
}

// One text or several, into the request.
template <std::vector<std::string> Request::*Member>
Result<void> set_request_texts(BatchRequest& request, std::string_view field, const Json& value) {
  const Json list = value.is_string() ? Json::array({value}) : value;
  if (!list.is_array()) return wrong_field(field, "a string or an array of strings", value);
  if (list.size() > kMostStops) {
    return field_error(field, fmt::format("has {} strings, expected at most {}", list.size(), kMostStops));
  }
  std::size_t bytes = 0;
  std::vector<std::string>& texts = request.request.*Member;
  texts.clear();
  for (const Json& text : list) {
    if (!text.is_string()) return wrong_field(field, "a string or an array of strings", value);
    texts.push_back(text.get<std::string>());
    bytes += texts.back().size();
  }
  if (bytes > kMostStopBytes) {
    return field_error(field, fmt::format("has {} bytes of text, expected at most {}", bytes, kMostStopBytes));
  }
  return {};
}

Result<void> set_tokens(std::vector<TokenId>& tokens, std::string_view field, const Json& value) {
  if (!value.is_array()) return wrong_field(field, "an array of token ids", value);
  tokens.clear();
  for (const Json& id : value) {
    CONTINUO_TRY(const auto token, whole_number<TokenId>(field, id, 0, std::numeric_limits<TokenId>::max()));
    tokens.push_back(token);
  }
  return {};
}

Result<void> set_stop_tokens(BatchRequest& request, std::string_view field, const Json& value) {
  return set_tokens(request.request.sampling.stop_tokens, field, value);
}

Result<void> set_allowed_tokens(BatchRequest& request, std::string_view field, const Json& value) {
  return set_tokens(request.request.allowed_tokens, field, value);
}

Result<void> set_logprob_tokens(BatchRequest& request, std::string_view field, const Json& value) {
  if (value.is_array() && value.size() > kMostLogprobs)
    return field_error(field, fmt::format("has {} tokens, expected at most {}", value.size(), kMostLogprobs));
  request.request.want_logprob = true;
  return set_tokens(request.request.logprob_tokens, field, value);
}

Result<void> set_loops(BatchRequest& request, std::string_view field, const Json& value) {
  CONTINUO_TRY(request.request.loops, whole_number<std::size_t>(field, value, 1, static_cast<std::int64_t>(kMaxLoops)));
  return {};
}

Result<void> set_exit_when(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_string()) return wrong_field(field, "a rule such as \"kl<0.01\"", value);
  CONTINUO_TRY(request.request.exit, parse_exit_rule(field, value.get<std::string>()));
  return {};
}

Result<void> set_include_stop(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_boolean()) return wrong_field(field, "true or false", value);
  request.request.include_stop = value.get<bool>();
  return {};
}

Result<void> set_repetition(BatchRequest& request, std::string_view field, const Json& value) {
  constexpr std::string_view kExpected = "an object of max_pattern_size, min_pattern_size and min_count";
  constexpr std::int64_t kMost = 65536;
  if (!value.is_object()) return wrong_field(field, kExpected, value);
  RepetitionDetection repetition;
  for (const auto& [key, number] : value.items()) {
    std::size_t* const member = key == "max_pattern_size"   ? &repetition.max_pattern
                                : key == "min_pattern_size" ? &repetition.min_pattern
                                : key == "min_count"        ? &repetition.min_count
                                                            : nullptr;
    if (!member) return wrong_field(field, kExpected, value);
    CONTINUO_TRY(*member, whole_number<std::size_t>(fmt::format("{}.{}", field, key), number, 0, kMost));
  }
  request.request.repetition = repetition;
  return {};
}

// {"choice": [..]}, {"regex": ".."}, {"json": {..} or ".."} or {"grammar": ".."}, as vLLM names them.
Result<void> set_structured_outputs(BatchRequest& request, std::string_view field, const Json& value) {
  constexpr std::string_view kExpected = "an object of one of choice, regex, json and grammar";
  if (!value.is_object() || value.size() != 1) return wrong_field(field, kExpected, value);
  const std::string& name = value.begin().key();
  const Json& content = value.begin().value();
  Constraint& constraint = request.request.constraint;
  constraint.texts.clear();
  if (name == "choice") {
    constraint.kind = ConstraintKind::choice;
    if (!content.is_array()) return wrong_field("structured_outputs.choice", "an array of strings", content);
    for (const Json& choice : content) {
      if (!choice.is_string()) return wrong_field("structured_outputs.choice", "an array of strings", content);
      constraint.texts.push_back(choice.get<std::string>());
    }
    return {};
  }
  if (name == "json") {
    constraint.kind = ConstraintKind::json;
    constraint.texts.push_back(content.is_string() ? content.get<std::string>()
                                                   : content.dump(-1, ' ', false, Json::error_handler_t::replace));
    return {};
  }
  if (name != "regex" && name != "grammar") return wrong_field(field, kExpected, value);
  if (!content.is_string()) return wrong_field(fmt::format("{}.{}", field, name), "a string", content);
  constraint.kind = name == "regex" ? ConstraintKind::regex : ConstraintKind::grammar;
  constraint.texts.push_back(content.get<std::string>());
  return {};
}

Result<void> set_logit_bias(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_object()) return wrong_field(field, "an object of token ids and numbers", value);
  request.request.sampling.logit_bias.clear();
  for (const auto& [key, bias] : value.items()) {
    CONTINUO_TRY(const TokenId token, parse_number<TokenId>(key, field, "an object of token ids and numbers"));
    if (!bias.is_number()) return wrong_field(field, "an object of token ids and numbers", value);
    request.request.sampling.logit_bias.push_back({token, bias.get<float>()});
  }
  return {};
}

Result<void> set_length_penalty(BatchRequest& request, std::string_view field, const Json& value) {
  constexpr std::string_view kExpected = "[START, FACTOR], such as [100, 1.05]";
  if (!value.is_array() || value.size() != 2 || !value[1].is_number()) return wrong_field(field, kExpected, value);
  SamplingOptions& sampling = request.request.sampling;
  CONTINUO_TRY(sampling.length_penalty_start, whole_number<int>(field, value[0], 0, std::numeric_limits<int>::max()));
  sampling.length_penalty_factor = value[1].get<float>();
  return {};
}

template <std::size_t MostBytes, std::vector<std::string> SamplingOptions::*Member>
Result<void> set_texts(BatchRequest& request, std::string_view field, const Json& value) {
  constexpr std::size_t kMostTexts = 64;
  constexpr std::string_view kExpected = "an array of at most 64 short strings";
  if (!value.is_array() || value.size() > kMostTexts) return wrong_field(field, kExpected, value);
  std::vector<std::string>& texts = request.request.sampling.*Member;
  texts.clear();
  for (const Json& text : value) {
    if (!text.is_string() || text.get_ref<const std::string&>().size() > MostBytes)
      return wrong_field(field, kExpected, value);
    texts.push_back(text.get<std::string>());
  }
  return {};
}

// ---- one reader a kind of cell ----

Result<Json> text_cell(std::string_view cell) { return Json(cell); }

// As in JSON, where that is a value of this kind; else it is text, which the setter refuses.
Result<Json> json_cell(std::string_view cell) {
  auto json = parse_json(cell, "");
  return json ? std::move(json) : text_cell(cell);
}

// "20.0" is 20: a column of whole numbers with gaps is often written like that.
Result<Json> number_cell(std::string_view cell) {
  constexpr double kExact = 9007199254740992;  // 2^53
  CONTINUO_TRY(Json json, json_cell(cell));
  if (!json.is_number()) return text_cell(cell);
  if (!json.is_number_float()) return json;
  const double number = json.get<double>();
  if (number == std::trunc(number) && std::fabs(number) < kExact) return Json(static_cast<std::int64_t>(number));
  return json;
}

Result<Json> switch_cell(std::string_view cell) {
  std::string word(cell.substr(0, std::string_view("false").size() + 1));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  return word == "true" || word == "false" ? Json(word == "true") : text_cell(cell);
}

// Several in the brackets of JSON, or one as it is.
Result<Json> stop_cell(std::string_view cell) {
  if (!cell.starts_with('[')) return text_cell(cell);
  CONTINUO_TRY(Json json, json_cell(cell));
  return json.is_array() ? json : text_cell(cell);
}

Result<Json> ids_cell(std::string_view cell) {
  if (cell.starts_with('[')) return json_cell(cell);
  CONTINUO_TRY(const std::vector<TokenId> ids, parse_ids(cell));
  return Json(ids);
}

Result<Json> id_cell(std::string_view cell) { return Json(id_from_cell(cell)); }

Result<void> set_adapter(BatchRequest& request, std::string_view field, const Json& value) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty())
    return wrong_field(field, "the name of an adapter", value);
  request.adapter = value.get<std::string>();
  return {};
}

constexpr RequestField kFields[] = {
    {"id", set_id, id_cell},
    {"prompt", set_prompt, text_cell},
    {"prompt_ids", set_prompt_ids, ids_cell},
    {"messages", set_messages, nullptr},
    {"chat_template_kwargs", set_template_values, nullptr},
    {"suffix", set_suffix, text_cell},
    {"max_tokens", set_max_tokens, number_cell},
    {"stop", set_request_texts<&Request::stop>, stop_cell},
    {"stop_token_ids", set_stop_tokens, ids_cell},
    {"include_stop_str_in_output", set_include_stop, switch_cell},
    {"min_tokens", set_int<&SamplingOptions::min_tokens, 0>, number_cell},
    {"repetition_detection", set_repetition, json_cell},
    {"structured_outputs", set_structured_outputs, json_cell},
    {"loops", set_loops, number_cell},
    {"exit_when", set_exit_when, text_cell},
    {"banned_strings", set_request_texts<&Request::banned>, stop_cell},
    {"bad_words", set_request_texts<&Request::banned>, stop_cell},
    {"allowed_token_ids", set_allowed_tokens, ids_cell},
    {"logprob_token_ids", set_logprob_tokens, ids_cell},
    {"ignore_eos", set_ignore_eos, switch_cell},
    {"adapter", set_adapter, text_cell},
    {"n", set_n, number_cell},
    {"best_of", set_best_of, number_cell},
    {"seed", set_seed, number_cell},
    {"logprobs", set_logprobs, number_cell},
    {"echo", set_switch<&BatchRequest::echo>, switch_cell},
    {"stream", set_switch<&BatchRequest::stream>, nullptr},
    {"temperature", set_float<&SamplingOptions::temperature>, number_cell},
    {"top_k", set_top_k, number_cell},
    {"top_p", set_float<&SamplingOptions::top_p>, number_cell},
    {"min_p", set_float<&SamplingOptions::min_p>, number_cell},
    {"typical_p", set_float<&SamplingOptions::typical_p>, number_cell},
    {"repeat_penalty", set_float<&SamplingOptions::repeat_penalty>, number_cell},
    {"presence_penalty", set_float<&SamplingOptions::presence_penalty>, number_cell},
    {"frequency_penalty", set_float<&SamplingOptions::frequency_penalty>, number_cell},
    {"logit_bias", set_logit_bias, json_cell},
    {"repeat_last_n", set_int<&SamplingOptions::repeat_last_n, -1>, number_cell},
    {"no_repeat_ngram", set_int<&SamplingOptions::no_repeat_ngram, 0>, number_cell},
    {"dry_multiplier", set_float<&SamplingOptions::dry_multiplier>, number_cell},
    {"dry_base", set_float<&SamplingOptions::dry_base>, number_cell},
    {"dry_allowed_length", set_int<&SamplingOptions::dry_allowed_length, 0>, number_cell},
    {"dry_penalty_last_n", set_int<&SamplingOptions::dry_penalty_last_n, -1>, number_cell},
    {"dry_sequence_breakers", set_texts<256, &SamplingOptions::dry_sequence_breakers>, json_cell},
    {"exponential_decay_length_penalty", set_length_penalty, json_cell},
    {"top_n_sigma", set_float<&SamplingOptions::top_n_sigma>, number_cell},
    {"dynatemp_range", set_float<&SamplingOptions::dynatemp_range>, number_cell},
    {"dynatemp_exponent", set_float<&SamplingOptions::dynatemp_exponent>, number_cell},
    {"top_h", set_float<&SamplingOptions::top_h>, number_cell},
    {"epsilon_cutoff", set_float<&SamplingOptions::epsilon_cutoff>, number_cell},
    {"eta_cutoff", set_float<&SamplingOptions::eta_cutoff>, number_cell},
    {"xtc_probability", set_float<&SamplingOptions::xtc_probability>, number_cell},
    {"xtc_threshold", set_float<&SamplingOptions::xtc_threshold>, number_cell},
    {"mirostat", set_int<&SamplingOptions::mirostat, 0, 2>, number_cell},
    {"mirostat_tau", set_float<&SamplingOptions::mirostat_tau>, number_cell},
    {"mirostat_eta", set_float<&SamplingOptions::mirostat_eta>, number_cell},
    {"adaptive_target", set_float<&SamplingOptions::adaptive_target>, number_cell},
    {"adaptive_decay", set_float<&SamplingOptions::adaptive_decay>, number_cell},
    {"samplers", set_texts<32, &SamplingOptions::samplers>, json_cell},
};

}  // namespace

const RequestField* find_field(std::string_view name) {
  const auto* const field =
      std::find_if(std::begin(kFields), std::end(kFields), [&](const RequestField& f) { return f.name == name; });
  return field == std::end(kFields) ? nullptr : field;
}

std::vector<std::string_view> field_names() {
  std::vector<std::string_view> names;
  for (const RequestField& field : kFields) names.push_back(field.name);
  return names;
}

std::string column_names() {
  std::string names;
  for (const RequestField& field : kFields) {
    if (!field.from_cell) continue;
    if (!names.empty()) names += ", ";
    names += field.name;
  }
  return names;
}

}  // namespace continuo
