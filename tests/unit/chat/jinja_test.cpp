// The language of chat templates, against Jinja's own (scripts/make_chat_goldens.py), and its bounds.
#include <ctime>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "catch.h"
#include "chat/chat_template.h"

using namespace continuo;

namespace {

Json read(const char* name) {
  std::ifstream file(std::string(CONTINUO_TESTS_FOLDER "/data/chat/") + name);
  REQUIRE(file);
  return Json::parse(file);
}

std::string source_of(const std::string& name) {
  std::ifstream file(CONTINUO_TESTS_FOLDER "/data/chat/" + name + ".jinja", std::ios::binary);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

Json message(const char* role, const std::string& content) { return {{"role", role}, {"content", content}}; }

Result<std::string> render(const std::string& source, const Json& messages, const Json& values = nullptr,
                           std::vector<std::pair<std::string, std::string>> variables = {}) {
  CONTINUO_TRY(const ChatTemplate chat, ChatTemplate::parse(source, "file", std::move(variables)));
  CONTINUO_TRY(const Json checked, check_messages("messages", messages));
  CONTINUO_TRY(ChatPrompt prompt, chat.render(checked, values));
  return std::move(prompt.text);
}

// Of a template that shows no message: a blank one may stay out.
Result<std::string> snippet(const std::string& source, const Json& values = nullptr) {
  return render(source, Json::array({message("user", "")}), values);
}

std::string error_of(const std::string& source) {
  const auto text = snippet(source);
  REQUIRE_FALSE(text);
  return text.error().message();
}

}  // namespace

TEST_CASE("features of the language render as Jinja renders them") {
  const Json goldens = read("snippets.json");
  REQUIRE(goldens.at("snippets").size() > 100);
  for (const Json& pair : goldens.at("snippets")) {
    INFO(pair[0].get<std::string>());
    const auto text = snippet(pair[0].get<std::string>(), goldens.at("values"));
    if (pair[1].is_null()) {
      CHECK_FALSE(text);
    } else {
      INFO((text ? "" : text.error().message()));
      REQUIRE(text);
      CHECK(*text == pair[1].get<std::string>());
    }
  }
}

TEST_CASE("chats render as transformers renders them") {
  const Json goldens = read("chats.json");
  std::vector<std::pair<std::string, std::string>> variables;
  for (const auto& [name, value] : goldens.at("variables").items())
    variables.emplace_back(name, value.get<std::string>());
  REQUIRE(goldens.at("chats").size() > 100);
  for (const Json& chat : goldens.at("chats")) {
    const std::string name = chat.at("template").get<std::string>();
    INFO(name << " " << chat.at("messages").dump());
    const auto text = render(source_of(name), chat.at("messages"), chat.at("values"), variables);
    // Where a template wants the parts of a message, it gets them; transformers renders it without the text.
    if (name == "parts") continue;
    CHECK(bool(text) == !chat.at("text").is_null());
    if (text && chat.at("text").is_string()) CHECK(*text == chat.at("text").get<std::string>());
  }
}

TEST_CASE("a template that goes through the parts of messages gets parts") {
  const Json messages = Json::array({message("system", "S"), message("user", "Hello")});
  const auto text = render(source_of("parts"), messages);
  REQUIRE(text);
  CHECK(*text == "SYSTEM: S<end>\nUSER: Hello<end>\nASSISTANT:");
}

TEST_CASE("what is not supported is refused by its name, with the line") {
  CHECK(error_of("{% include 'x' %}") == "file: line 1 of the chat template: the tag {% include %} is not supported");
  CHECK(error_of("a\n\n{{ 1 | groupby('x') }}") ==
        "file: line 3 of the chat template: the filter 'groupby' is not supported");
  CHECK(error_of("\n{{ 1 is strange }}") == "file: line 2 of the chat template: the test 'strange' is not supported");
  CHECK(error_of("{{ 'a'.zfill(3) }}").find("the method zfill() of a string is not supported") != std::string::npos);
  CHECK(error_of("{{ [].append(1) }}").find("the method append() of a list is not supported") != std::string::npos);
  CHECK(error_of("{% for x in [] recursive %}{% endfor %}").find("a recursive loop") != std::string::npos);
  CHECK(error_of("{{ f(*[1]) }}").find("* before an argument") != std::string::npos);
  CHECK(error_of("{{ '%s' % 1 }}").find("the operator % of a string") != std::string::npos);
  CHECK(error_of("{{ raise_exception('No such role') }}") == "the chat template refuses the messages: No such role");
}

TEST_CASE("templates that do not end, or grow, are stopped soon") {
  const std::clock_t start = std::clock();
  for (
      const char* source : {
          "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
          "{% for a in range(9999) %}{% for b in range(999) %}{{ a * b }}{% endfor %}{% endfor %}",
          "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
          "{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
          "{% set x = 'x' * 100000 %}{% for a in range(9999) %}{{ x }}{% endfor %}",
          "{% set x = 'a' * 100000 %}{% for a in range(9999) %}{% if 'ab' in x %}{% endif %}{% endfor %}",
          "{% set x = 'a' * 900000 %}{{ (x[1:] + 'b') in x }}",
          "{{ 'x' * 99999999999 }}",
          "{{ 'abcdefgh'.replace('', 'x' * 1000000) }}{{ 'a' * 9000000 }}",
          "{{ [0] * 99999999 }}",
          "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
          "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(0) }}",
          "{% set ns = namespace(a=[]) %}{% set ns.a = [ns.a, ns.a] %}{% for i in range(9) %}{{ ns.a }}{% endfor %}"
          "{% for i in range(99) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a }}",
          "{% set ns = namespace(a=[1]) %}{% for i in range(300) %}{% set ns.a = [ns.a] %}{% endfor %}{{ ns.a | tojson }}",
          "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(99) %}{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}"
          "{% endfor %}{{ ns.a == ns.b }}",
          "{% for i in range(10 ** 9) %}{% endfor %}",
      }) {
    INFO(source);
    const std::string error = error_of(source);
    INFO(error);
    const bool bound = error.find("too many steps") != error.npos || error.find("too much memory") != error.npos ||
                       error.find("too deep") != error.npos || error.find("more than 100000 numbers") != error.npos;
    CHECK(bound);
  }
  std::string deep(5000, '(');
  CHECK_FALSE(snippet("{{ " + deep));
  CHECK_FALSE(snippet("{{ " + std::string(5000, '-') + "1 }}"));
  std::string nested, sum = "{{ 1";
  for (int i = 0; i < 5000; ++i) {
    nested += "{% if 1 %}";
    sum += " + 1";
  }
  std::string names;
  for (int i = 0; i < 50000; ++i) names += "{%set a" + std::to_string(i) + "=1%}";
  CHECK_FALSE(snippet(names));
  CHECK_FALSE(snippet(nested));
  CHECK_FALSE(snippet(sum + " }}"));
  CHECK((std::clock() - start) / CLOCKS_PER_SEC < 100);  // of this process alone
}

TEST_CASE("a long conversation is within the bounds") {
  Json messages = Json::array();
  for (int i = 0; i < 1000; ++i) {
    messages.push_back(message("user", "question " + std::string(200, 'q')));
    messages.push_back(message("assistant", "<think>\nhm\n</think>\n\nanswer " + std::string(200, 'a')));
  }
  messages.push_back(message("user", std::string(1 << 20, 'x')));
  for (const char* name : {"chatml", "thinking", "turns", "instructions", "sentences", "headers"}) {
    INFO(name);
    const auto text = render(source_of(name), messages, nullptr, {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
    INFO((text ? "" : text.error().message()));
    CHECK(text);
  }
}
