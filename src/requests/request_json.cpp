#include "requests/request_json.h"

namespace continuo {

namespace {

std::string digits_of(const Answer& id) {
  const auto& bytes = id.get_binary();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Result<Json> parse_request_json(std::string_view line, const std::string& file) {
  CONTINUO_TRY(Json json, parse_json(line, file));
  const auto id = json.is_object() ? json.find("id") : json.end();
  if (!json.is_object() || id == json.end() || !id->is_number_float()) return json;
  const std::optional<std::string> digits = number_as_written(line, "id");
  if (digits && *digits != id->dump()) *id = Json::binary({digits->begin(), digits->end()});
  return json;
}

bool is_request_id(const Json& value) { return value.is_string() || value.is_number() || value.is_binary(); }

std::string answer_text(const Answer& answer) {
  const auto dump = [](const Answer& value) { return value.dump(-1, ' ', false, Answer::error_handler_t::replace); };
  if (!answer.is_object() || answer.empty() || !answer.begin().value().is_binary()) return dump(answer);
  Answer rest = answer;
  rest.begin().value() = nullptr;
  constexpr std::string_view kNull = "null";
  std::string text = dump(rest);
  return text.replace(text.find(kNull), kNull.size(), digits_of(answer.begin().value()));
}

std::string id_cell_text(const Answer& id) {
  if (id.is_binary()) return digits_of(id);
  return id.is_string() ? id.get<std::string>() : id.dump();
}

}  // namespace continuo
