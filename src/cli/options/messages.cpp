// Messages in place of a text, and the text behind a gap.
#include "cli/option_setters.h"

namespace continuo {

namespace {

Result<void> add_message(const OptionRow& row, Options& options, const std::string& value) {
  options.chat.messages.push_back({std::string(row.name), value});
  return {};
}

Result<void> set_suffix(const OptionRow&, Options& options, const std::string& value) {
  options.suffix = value;
  return {};
}

constexpr OptionRow kChatRows[] = {
    {.name = "user",
     .value = "TEXT",
     .help = "answer TEXT as a message, not as a text that goes on",
     .details = "The messages are put into the model's chat template, and the model writes the answer. Several "
                "messages are a conversation, in the order of the options. TEXT is taken byte for byte; what is "
                "written like one of the model's special tokens stays text.",
     .expected = "a text",
     .repeatable = true,
     .set = add_message},
    {.name = "system",
     .aliases = "system-prompt",
     .value = "TEXT",
     .help = "a message that says how to answer; before --user",
     .details = "Some models have no such message; their chat template says so.",
     .expected = "a text",
     .repeatable = true,
     .set = add_message},
    {.name = "assistant",
     .value = "TEXT",
     .help = "an earlier answer; as the last message it is continued",
     .details = "As the last message, it is the beginning of the answer, which goes on from there.",
     .expected = "a text",
     .repeatable = true,
     .set = add_message},
};

constexpr OptionRow kTemplateRows[] = {
    {.name = "template",
     .aliases = "chat-template-file",
     .value = "FILE",
     .help = "a chat template in place of the model's own",
     .details = "FILE is a Jinja template as chat_template.jinja is one. It is used only for messages.",
     .expected = "a file",
     .set = set_text<&Options::chat, &ChatOptions::template_file>},
};

constexpr OptionRow kTemplateValueRows[] = {
    {.name = "template-kwargs",
     .aliases = "chat-template-kwargs",
     .value = "JSON",
     .help = "more that the chat template asks for, such as {\"enable_thinking\": false}",
     .details = "JSON is an object. Which names a template knows, its model's page says.",
     .expected = "a JSON object",
     .set = set_text<&Options::chat, &ChatOptions::template_values>},
};

constexpr OptionRow kSuffixRows[] = {
    {.name = "suffix",
     .value = "TEXT",
     .help = "fill in what stands between the prompt and TEXT",
     .details = "This needs a model with tokens for filling in the middle, as models for code have them; inspect "
                "lists them. Only what is filled in is printed.",
     .expected = "a text",
     .set = set_suffix},
};

}  // namespace

const OptionGroup kChatOptions{"Messages", kChatRows};
const OptionGroup kTemplateOptions{"", kTemplateRows};
const OptionGroup kTemplateValueOptions{"", kTemplateValueRows};
const OptionGroup kSuffixOptions{"", kSuffixRows};

}  // namespace continuo
