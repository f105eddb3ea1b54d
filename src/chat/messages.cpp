#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "chat/chat_template.h"
#include "text/stream_decoder.h"

namespace continuo {

namespace {

constexpr std::size_t kMostMessages = 10'000;
constexpr std::string_view kStrings[] = {"role", "name", "reasoning_content"};

std::string shown(const Json& json) {
  std::string text = shown_json(json);
  return text.size() > 60 ? valid_utf8(text.substr(0, 57)) + "..." : text;
}

// A string, or the texts of its parts.
Result<std::string> content_text(const std::string& field, const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) {
    return field_error(field, fmt::format("is {}, expected a string or a list of parts", shown(content)));
  }
  std::string text;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const Json& part = content[i];
    const std::string name = fmt::format("{}[{}]", field, i);
    if (!part.is_object() || !part.contains("type") || !part.at("type").is_string())
      return field_error(name, R"(has no type, expected {"type": "text", "text": ...})");
    const auto& type = part.at("type").get_ref<const std::string&>();
    if (type != "text")
      return field_error(name, fmt::format("is of type {}, but only text can be read", shown(part.at("type"))));
    if (!part.contains("text") || !part.at("text").is_string()) return field_error(name, "has no text");
    for (const auto& [key, value] : part.items()) {
      if (key != "type" && key != "text") return field_error(name, fmt::format("has a member {}", shown(Json(key))));
    }
    if (i > 0) text += '\n';
    text += part.at("text").get_ref<const std::string&>();
  }
  return text;
}

Result<Json> check_message(const std::string& field, const Json& message) {
  if (!message.is_object()) return field_error(field, fmt::format("is {}, expected an object", shown(message)));
  Json checked = Json::object();
  for (const auto& [key, value] : message.items()) {
    const std::string name = fmt::format("{}.{}", field, valid_utf8(key.substr(0, 60)));
    if (value.is_null() && key != "role" && key != "content") continue;
    if (key == "content") {
      CONTINUO_TRY(checked[key], content_text(name, value));
    } else if (std::ranges::find(kStrings, key) != std::end(kStrings)) {
      if (!value.is_string()) return field_error(name, fmt::format("is {}, expected a string", shown(value)));
      checked[key] = value;
    } else {
      return field_error(name, "is not supported", "role, content, name and reasoning_content are");
    }
  }
  for (const char* needed : {"role", "content"}) {
    if (!checked.contains(needed)) return field_error(fmt::format("{}.{}", field, needed), "is missing");
  }
  // Some templates read the one name, some the other.
  if (checked.contains("reasoning_content")) checked["thinking"] = checked["reasoning_content"];
  return checked;
}

}  // namespace

Result<Json> check_messages(std::string_view field, const Json& messages) {
  if (!messages.is_array() || messages.empty())
    return field_error(field, fmt::format("is {}, expected a list of messages", shown(messages)));
  if (messages.size() > kMostMessages)
    return field_error(field, fmt::format("has {} messages, expected at most {}", messages.size(), kMostMessages));
  Json checked = Json::array();
  for (std::size_t i = 0; i < messages.size(); ++i) {
    CONTINUO_TRY(Json message, check_message(fmt::format("{}[{}]", field, i), messages[i]));
    checked.push_back(std::move(message));
  }
  return checked;
}

}  // namespace continuo
