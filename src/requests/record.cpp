#include "requests/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "base/json.h"
#include "loading/model_source.h"
#include "requests/request_json.h"
#include "text/utf8.h"

namespace continuo {

namespace {

constexpr std::string_view kFields[] = {"id", "text", "prompt", "completion", "choices", "answer"};

Result<std::string> text_field(const Json& json, const char* name) {
  const Json& value = json.at(name);
  if (!value.is_string()) return usage_error(fmt::format("{} is not a string", name));
  return value.get<std::string>();
}

Result<void> fill_choices(ScoreRecord& record, const Json& json) {
  const Json& choices = json.at("choices");
  record.kind = ScoreRecord::Kind::choices;
  if (!choices.is_array() || choices.empty()) return usage_error("choices is not an array of strings");
  for (const Json& choice : choices) {
    if (!choice.is_string()) return usage_error("choices is not an array of strings");
    record.texts.push_back(choice.get<std::string>());
  }
  if (!json.contains("answer")) return {};
  const Json& answer = json.at("answer");
  if (!answer.is_number_unsigned() || answer.get<std::uint64_t>() >= record.texts.size()) {
    return usage_error(fmt::format("answer is not the number of a choice, 0 to {}", record.texts.size() - 1));
  }
  record.answer = answer.get<std::size_t>();
  return {};
}

Result<void> fill(ScoreRecord& record, const Json& json) {
  if (!json.is_object()) return usage_error("the line is not a JSON object");
  if (const auto id = json.find("id"); id != json.end()) {
    if (!is_request_id(*id)) return usage_error("id is not a string or a number");
    record.id = Answer(*id);
  }
  for (const auto& item : json.items()) {
    if (std::find(std::begin(kFields), std::end(kFields), item.key()) == std::end(kFields)) {
      return usage_error(fmt::format("unknown field \"{}\"", valid_utf8(item.key().substr(0, 60))));
    }
  }
  const int kinds = int(json.contains("text")) + int(json.contains("completion")) + int(json.contains("choices"));
  if (kinds != 1) return usage_error("expected one of text, completion and choices");
  if (json.contains("answer") && !json.contains("choices"))
    return usage_error("answer is given, but there are no choices");
  if (json.contains("text")) {
    if (json.contains("prompt")) return usage_error("text and prompt are both given; is completion meant?");
    CONTINUO_TRY(std::string text, text_field(json, "text"));
    record.texts = {std::move(text)};
    return {};
  }
  if (json.contains("prompt")) {
    CONTINUO_TRY(record.prompt, text_field(json, "prompt"));
  }
  if (json.contains("choices")) return fill_choices(record, json);
  record.kind = ScoreRecord::Kind::completion;
  CONTINUO_TRY(std::string text, text_field(json, "completion"));
  record.texts = {std::move(text)};
  return {};
}

}  // namespace

std::variant<ScoreRecord, BatchError> parse_record(const Line& line, std::size_t longest_line) {
  const Answer number(line.number);
  if (line.too_long) {
    return BatchError{number, "line_too_long",
                      fmt::format("the line has more than {} bytes, the most that is read of a line", longest_line)};
  }
  auto json = parse_request_json(line.text);
  if (!json) {
    Error error = json.error();
    error.hint.clear();
    return BatchError{number, "invalid_json", error.message()};
  }
  // A field that is null is as if it were not there.
  for (auto at = json->begin(); json->is_object() && at != json->end();)
    at = at->is_null() ? json->erase(at) : std::next(at);
  ScoreRecord record{.id = number};
  if (const auto filled = fill(record, *json); !filled) {
    return BatchError{record.id, "invalid_request", filled.error().message()};
  }
  return record;
}

Result<ScoredPart> part_after(const Tokenizer& tokenizer, const Model& model, const std::string& prompt,
                              const std::string& text) {
  CONTINUO_TRY(const std::vector<TokenId> before, encode_prompt(tokenizer, model, prompt));
  ScoredPart part{.bytes = text.size()};
  CONTINUO_TRY(part.ids, encode_prompt(tokenizer, model, prompt + text));
  part.first = static_cast<std::size_t>(
      std::mismatch(before.begin(), before.end(), part.ids.begin(), part.ids.end()).first - before.begin());
  if (part.first == 0 && model.spec.bos_token) {
    part.ids.insert(part.ids.begin(), *model.spec.bos_token);
    part.first = 1;
  }
  if (part.first == part.ids.size()) return usage_error("there is nothing to score: the text has no tokens");
  if (part.first == 0) {
    return usage_error("nothing stands before the text, and this model has no token to begin one with");
  }
  return part;
}

namespace {

// How many bytes of `text` its first token stands for; `ids` are the text's own.
std::size_t bytes_of_first(const Tokenizer& tokenizer, std::span<const TokenId> ids, std::string_view text) {
  const std::string spelled = tokenizer.decode(ids.first(1), false);
  if (text.starts_with(spelled)) return spelled.size();
  // The token does not spell what it stands for, as an unknown one: the rest of the text has the other tokens.
  constexpr std::size_t kMostCharacters = 16;
  std::size_t size = 0;
  for (std::size_t i = 0; i < kMostCharacters && size < text.size(); ++i) {
    size += utf8_at(text, size).size;
    const auto rest = tokenizer.try_encode(text.substr(size), false);
    if (rest && std::equal(rest->begin(), rest->end(), ids.begin() + 1, ids.end())) return size;
  }
  return std::min(spelled.size(), text.size());
}

}  // namespace

Result<ScoredPart> whole_text(const Tokenizer& tokenizer, const Model& model, const std::string& text) {
  ScoredPart part{.first = 1};
  CONTINUO_TRY(part.ids, encode_prompt(tokenizer, model, text));
  if (part.ids.empty()) return usage_error("there is nothing to score: the text has no tokens");
  const bool first_is_added = tokenizer.special_before() > 0;
  part.bytes = text.size() - (first_is_added ? 0 : bytes_of_first(tokenizer, part.ids, text));
  return part;
}

std::optional<ScoredPart> without_prompt(const ScoredPart& part, const Model& model) {
  if (!model.spec.bos_token || (part.first == 1 && part.ids.front() == *model.spec.bos_token)) return std::nullopt;
  ScoredPart alone{.ids = {*model.spec.bos_token}, .first = 1, .bytes = part.bytes};
  alone.ids.insert(alone.ids.end(), part.ids.begin() + static_cast<std::ptrdiff_t>(part.first), part.ids.end());
  return alone;
}

}  // namespace continuo
