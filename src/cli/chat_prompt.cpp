#include "cli/chat_prompt.h"

#include "chat/chat_template.h"
#include "cli/prompt.h"
#include "cli/standard_input.h"

namespace continuo {

bool has_messages(const Options& options) { return !options.chat.messages.empty(); }

Result<void> check_messages_typed(const Options& options) {
  if (!has_messages(options)) {
    if (options.chat.template_values.empty()) return {};
    return usage_error("--template-kwargs needs messages", "--user TEXT is one");
  }
  if (!options.words.empty() || options.prompt || !options.file.empty())
    return usage_error("a text and messages are both given", "the text of a message follows --user");
  if (options.ids) return usage_error("--ids does not go with messages", "their template makes a text of them");
  if (options.suffix) return usage_error("--suffix does not go with messages", "it stands behind a text");
  return {};
}

Result<TypedChat> typed_chat(const Options& options) {
  CONTINUO_TRY_VOID(refuse_text_on_stdin(kGraceMilliseconds));
  Json messages = Json::array();
  for (const TypedMessage& message : options.chat.messages)
    messages.push_back({{"role", message.role}, {"content", message.text}});
  TypedChat chat;
  CONTINUO_TRY(chat.messages, check_messages("messages", messages));
  if (options.chat.template_values.empty()) return chat;
  auto values = parse_json(options.chat.template_values, "");
  if (!values || !values->is_object())
    return usage_error("--template-kwargs is no JSON object",
                       R"(such as --template-kwargs '{"enable_thinking": false}')");
  chat.template_values = std::move(*values);
  return chat;
}

}  // namespace continuo
