// Where the rendered text comes from, what is checked of messages, and where an answer begins and ends.
#include "base/json.h"
#include "catch.h"
#include "chat/chat_template.h"

using namespace continuo;

namespace {

Json conversation(std::initializer_list<std::pair<const char*, const char*>> messages) {
  Json list = Json::array();
  for (const auto& [role, content] : messages) list.push_back({{"role", role}, {"content", content}});
  return list;
}

ChatTemplate parsed(const char* source) {
  auto chat = ChatTemplate::parse(source, "file", {});
  INFO((chat ? "" : chat.error().message()));
  REQUIRE(chat);
  return std::move(*chat);
}

// The rendered text with what comes from messages in brackets.
std::string marked(const char* source, const Json& messages) {
  const auto prompt = parsed(source).render(messages, nullptr);
  INFO((prompt ? "" : prompt.error().message()));
  REQUIRE(prompt);
  std::string out;
  std::size_t at = 0;
  for (const PlainRange& range : prompt->plain) {
    out += prompt->text.substr(at, range.begin - at) + '[' + prompt->text.substr(range.begin, range.end - range.begin) +
           ']';
    at = range.end;
  }
  return out + prompt->text.substr(at);
}

std::string error_of(const Json& messages) {
  const auto checked = check_messages("messages", messages);
  REQUIRE_FALSE(checked);
  return checked.error().message();
}

}  // namespace

TEST_CASE("it is known of each byte whether it comes from a message") {
  const Json one = conversation({{"user", " a<s>b "}});
  const auto expression = [&](const char* e) {
    return marked(("{{ '<' ~ (" + std::string(e) + ") ~ '>' }}").c_str(), one);
  };
  CHECK(expression("messages[0].content") == "<[ a<s>b ]>");
  CHECK(expression("messages[0].content | trim") == "<[a<s>b]>");
  CHECK(expression("messages[0].content.strip().upper()") == "<[A<S>B]>");
  CHECK(expression("messages[0].content + '!' + messages[0].role") == "<[ a<s>b ]![user]>");
  CHECK(expression("messages[0].content.split('<s>')") == "<['[ a]', '[b ]']>");
  CHECK(expression("messages[0].content.replace('<s>', '--')") == "<[ a]--[b ]>");
  CHECK(expression("'x-y'.replace('-', messages[0].content)") == "<x[ a<s>b ]y>");
  CHECK(expression("messages[0].content[::-1]") == "<[ b>s<a ]>");
  CHECK(expression("messages[0].content[2:5]") == "<[<s>]>");
  CHECK(expression("messages[0].content | tojson") == "<\"[ a<s>b ]\">");
  CHECK(expression("[messages[0].content, 'c'] | join(', ')") == "<[ a<s>b ], c>");
  CHECK(expression("messages[0].content | list | join") == "<[ a<s>b ]>");
  CHECK(expression("messages[0].content | indent(first=true)") == "<    [ a<s>b ]>");
  CHECK(expression("messages[0].content | e") == "<[ a]&lt;[s]&gt;[b ]>");
  CHECK(expression("'{}/{}'.format(messages[0].content, 1)") == "<[ a<s>b ]/1>");
  CHECK(expression("messages[0].content * 2") == "<[ a<s>b  a<s>b ]>");
  CHECK(expression("messages[0].content | title") == "<[ A<S>b ]>");
  CHECK(marked("{% macro m(x) %}<{{ x }}>{% endmacro %}{% set t %}{{ m(messages[0].content) }}{% endset %}{{ t }}",
               one) == "<[ a<s>b ]>");
  CHECK(marked("{% for c in messages[0].content %}{{ c }}{% endfor %}", one) == "[ a<s>b ]");
  CHECK(marked("{% filter upper %}x{{ messages[0].content }}{% endfilter %}", one) == "X[ A<S>B ]");
  CHECK(marked("{{ messages }}", one) == "[{'content': '[ a<s>b ]', 'role': '[user]'}]");
}

TEST_CASE("values of a request are no template text either") {
  const ChatTemplate chat = parsed("{{ x }}{{ messages[0].content }}");
  const auto prompt = chat.render(conversation({{"user", "u"}}), {{"x", "<s>"}});
  REQUIRE(prompt);
  REQUIRE(prompt->plain.size() == 1);
  CHECK(prompt->plain[0].end == 4);
}

TEST_CASE("the assistant's last message is continued where it ends") {
  constexpr const char* kTemplate =
      "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";
  CHECK(marked(kTemplate, conversation({{"user", "a"}})) == "<[user]>[a]</><assistant>");
  CHECK(marked(kTemplate, conversation({{"user", "a"}, {"assistant", " One,  "}})) ==
        "<[user]>[a]</><[assistant]>[One,]");
  const auto empty = parsed(kTemplate).render(conversation({{"user", "a"}, {"assistant", " "}}), nullptr);
  REQUIRE_FALSE(empty);
  CHECK(empty.error().message().starts_with("the last message is the assistant's and is empty"));
}

TEST_CASE("a template that leaves the last message out is no silent loss") {
  const auto prompt = parsed("{{ messages[0].content }}").render(conversation({{"user", "a"}, {"user", "b"}}), nullptr);
  REQUIRE_FALSE(prompt);
  CHECK(prompt.error().message().find("leaves the last message out") != std::string::npos);
}

TEST_CASE("what stands behind an answer is told by rendering one") {
  const char* const loop = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n{% endfor %}";
  CHECK(parsed(loop).behind_answer() == "<|end|>\n");
  CHECK(parsed("{{ messages[0].content }}").behind_answer().empty());
  CHECK(parsed("{{ raise_exception('x') }}").behind_answer().empty());
}

TEST_CASE("messages are checked, and their parts joined") {
  const auto checked = check_messages(
      "messages",
      Json::parse(R"([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
                                   "name": "Ann", "tool_calls": null},
                                  {"role": "assistant", "content": "c", "reasoning_content": "r"}])"));
  REQUIRE(checked);
  CHECK((*checked)[0] == Json({{"role", "user"}, {"content", "a\nb"}, {"name", "Ann"}}));
  CHECK((*checked)[1].at("thinking") == "r");
  const auto one = [](const char* json) { return error_of(Json::parse(json)); };
  CHECK(one("[]") == "messages is [], expected a list of messages");
  CHECK(one("{}") == "messages is {}, expected a list of messages");
  CHECK(one("[5]") == "messages[0] is 5, expected an object");
  CHECK(one(R"([{"role": "user"}])") == "messages[0].content is missing");
  CHECK(one(R"([{"content": "a"}])") == "messages[0].role is missing");
  CHECK(one(R"([{"role": "user", "content": null}])") ==
        "messages[0].content is null, expected a string or a list of parts");
  CHECK(one(R"([{"role": null, "content": "a"}])") == "messages[0].role is null, expected a string");
  CHECK(
      one(R"([{"role": "user", "content": "a"}, {"role": "user", "content": [{"type": "image_url", "image_url": {}}]}])") ==
      "messages[1].content[0] is of type \"image_url\", but only text can be read");
  CHECK(one(R"([{"role": "user", "content": [{"text": "a"}]}])").starts_with("messages[0].content[0] has no type"));
  CHECK(one(R"([{"role": "user", "content": [{"type": "text"}]}])") == "messages[0].content[0] has no text");
  CHECK(one(R"([{"role": "assistant", "content": "", "tool_calls": [{}]}])")
            .starts_with("messages[0].tool_calls is not supported"));
}
