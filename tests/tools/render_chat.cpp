// render_chat: reads lines {"template", "messages", "variables", "values"} and prints what each renders to, as
// {"text"} or {"error"}. scripts/compare_templates.py compares them with transformers'.
#include <iostream>
#include <string>

#include "base/json.h"
#include "chat/chat_template.h"

namespace {

using continuo::ChatTemplate;
using continuo::Json;

continuo::Result<std::string> render(const Json& line) {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto& [name, value] : line.at("variables").items()) variables.emplace_back(name, value.get<std::string>());
  CONTINUO_TRY(const Json messages, continuo::check_messages("messages", line.at("messages")));
  CONTINUO_TRY(const ChatTemplate chat,
               ChatTemplate::parse(line.at("template").get<std::string>(), "template", std::move(variables)));
  CONTINUO_TRY(continuo::ChatPrompt prompt, chat.render(messages, line.value("values", Json())));
  return std::move(prompt.text);
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto json = continuo::parse_json(line, "stdin");
    if (!json) return std::cerr << json.error().message() << '\n', 1;
    const auto text = render(*json);
    const Json answer = text ? Json{{"text", *text}} : Json{{"error", text.error().message()}};
    std::cout << answer.dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
  }
}
