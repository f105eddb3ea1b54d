// Messages and gaps on the command line. The tiny model goes on with the alphabet from the prompt's last letter.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

constexpr const char* kTemplate =
    "{% for m in messages %}<s>{{ m.role }}:{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}{{ letter or 'a' }}{% endif %}";

// A folder whose model has a chat template.
struct ChatFolder : Folder {
  explicit ChatFolder(const char* text = kTemplate, const TinyModel& model = {}) : Folder(model) {
    file("chat_template.jinja", text);
  }
};

}  // namespace

TEST_CASE("messages become a prompt by the model's template") {
  const ChatFolder folder;
  check(run_program(folder.with({"-n3", "--user", "x"})), "bcd");
  check(run_program(folder.with({"-n1", "--echo", "--system", "S", "--user", "x", "--assistant", "y", "--user", "z"})),
        "<s>system:S\n<s>user:x\n<s>assistant:y\n<s>user:z\nab");
  check(run_program(folder.with({"-n3", "--user", "x", "--assistant", "q"})), "rst");  // is continued
  check(run_program(folder.with({"-n3", "--template-kwargs", R"({"letter": "k"})", "--user", "x"})), "lmn");
  check(run_program(folder.with({"-n3", "--template", folder.file("t", "{{ messages[0].content }}f"), "--user", "x"})),
        "ghi");
  check(run_program(folder.with({"-n3", "a"})), "bcd");  // a text stays a text
  const Json answer = Json::parse(run_program(folder.with({"-n2", "--json", "--user", "x"})).out);
  CHECK(answer["text"] == "bc");
  CHECK(answer["prompt_tokens"] == 1 + 7 + 1);  // <s>, "user:x\n", "a": no BOS besides the template's
}

TEST_CASE("a message's text never becomes a special token") {
  const ChatFolder folder;
  const Ran ran = run_program({"tokenize", "-m", folder.path(), "--user", "<s></s>"});
  check(ran, "256 117 115 101 114 58 60 115 62 60 47 115 62 10 97\n");
  check(run_program({"tokenize", "-m", folder.path(), "--no-special", "<s>"}), "256\n");
}

TEST_CASE("where the template is") {
  const Folder folder;
  const auto ask = [&] { return run_program(folder.with({"-n1", "--user", "x"})); };
  check_error(ask(), 2, "has no chat template, so it cannot answer messages");
  folder.file("chat_template.json", R"({"chat_template": "{{ messages[0].content }}1"})");
  check(run_program(folder.with({"-n3", "--user", "x"})), "\u20ac");
  folder.file("tokenizer_config.json", R"({"chat_template": [{"name": "tools", "template": "t"},
                                           {"name": "default", "template": "{{ bos_token }}{{ messages[0].content }}b"}],
                                          "bos_token": {"content": "<s>"}})");
  check(ask(), "c");
  folder.file("tokenizer_config.json", R"({"chat_template": "{{ messages[0].content }}d"})");
  check(ask(), "e");
  folder.file("chat_template.jinja", "{{ messages[0].content }}f\n");
  check(ask(), "g");
  folder.file("chat_template.jinja", "{{ messages[0].content }}{% include 'x' %}");
  check_error(ask(), 3, "chat_template.jinja: line 1 of the chat template: the tag {% include %} is not supported");
  check(run_program(folder.with({"-n1", "a"})), "b");  // it is read for messages alone
}

TEST_CASE("the end of a turn ends an answer") {
  // "!" is followed by the end token; a template's own end token is found by what it writes behind an answer.
  const ChatFolder folder(
      "{% for m in messages %}{{ m.content }}{% if m.role == 'assistant' %}<s>{% endif %}{% endfor %}");
  const Json answer = Json::parse(run_program(folder.with({"--json", "--user", "!"})).out);
  CHECK(answer["finish_reason"] == "eos");
}

TEST_CASE("what is wrong with messages") {
  const ChatFolder folder;
  check_error(run_program(folder.with({"--user", "x", "a text"})), 2, "a text and messages are both given");
  check_error(run_program(folder.with({"--user", "x"}), "text"), 2, "stdin");
  check_error(run_program(folder.with({"--user", "x", "--ids"})), 2, "--ids does not go with messages");
  check_error(run_program(folder.with({"--user", "x", "--suffix", "y"})), 2, "--suffix does not go with messages");
  check_error(run_program(folder.with({"--template-kwargs", "{}", "a"})), 2, "--template-kwargs needs messages");
  check_error(run_program(folder.with({"--template-kwargs", "[", "--user", "a"})), 2, "is no JSON object");
  check_error(run_program(folder.with({"--template", "/nowhere", "--user", "a"})), 2,
              "--template: cannot read /nowhere");
  const auto with = [&](const char* text) {
    return folder.with({"--template", folder.file("t", text), "--user", "x"});
  };
  check_error(run_program(with("{{ raise_exception('Users only') }}")), 2,
              "the chat template refuses the messages: Users only");
  check_error(run_program(with("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}")), 3,
              "the chat template: it takes too m");
  check_error(run_program(with("{{ 'x' * 999999999999 }}")), 3, "too many steps");
  check_error(run_program(with("nothing")), 3, "leaves the last message out");
}

TEST_CASE("a batch takes messages, with the answers of the command line") {
  const ChatFolder folder;
  const std::string requests =
      R"({"messages": [{"role": "user", "content": "x"}], "max_tokens": 3})"
      "\n"
      R"({"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}], "max_tokens": 3, "echo": true})"
      "\n"
      R"({"messages": [{"role": "user", "content": "x"}], "max_tokens": 2, "chat_template_kwargs": {"letter": "k"}, "n": 2})"
      "\n"
      R"({"messages": [], "id": "none"})"
      "\n"
      R"({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]})"
      "\n"
      R"({"messages": [{"role": "user", "content": "x"}], "prompt": "y"})"
      "\n"
      R"({"prompt": "y", "chat_template_kwargs": {}})"
      "\n"
      R"({"messages": [{"role": "user", "content": "x"}], "suffix": "y"})"
      "\n"
      R"({"prompt": "a", "suffix": "b"})"
      "\n";
  const Ran ran = run_program({"batch", "-m", folder.path(), "--greedy"}, requests);
  CHECK(ran.code == 1);
  std::vector<Json> answers;
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) answers.push_back(Json::parse(line));
  REQUIRE(answers.size() == 9);
  CHECK(answers[0]["text"] == "bcd");
  CHECK(answers[1]["text"] == "<s>user:x\nabcd");
  CHECK(answers[2]["choices"][1]["text"] == "lm");
  const auto error = [&](std::size_t i) { return answers[i]["error"]["message"].get<std::string>(); };
  CHECK(answers[3]["id"] == "none");
  CHECK(error(3) == "messages is [], expected a list of messages");
  CHECK(error(4) == "messages[0].content[0] is of type \"image_url\", but only text can be read");
  CHECK(error(5) == "expected one of prompt, prompt_ids and messages");
  CHECK(error(6) == "chat_template_kwargs goes with messages alone");
  CHECK(error(7).starts_with("suffix goes with prompt alone"));
  CHECK(error(8).starts_with("suffix is given, but "));
}

TEST_CASE("a model that was trained on chats and ends a text at once says what to do, to a person alone") {
  const ChatFolder folder;
  check_contains(run_on_terminal(folder.with({"!"}), "").out, "--user TEXT asks it");
  check(run_program(folder.with({"!"})), "");
  CHECK(run_on_terminal(folder.with({"--user", "x", "--assistant", "!"}), "").out.find("--user") == std::string::npos);
  CHECK(run_on_terminal(Folder().with({"!"}), "").out.find("--user") == std::string::npos);  // it has no template
}

TEST_CASE("a gap is refused where the model has no tokens for it") {
  const Folder folder;
  check_error(run_program(folder.with({"--suffix", "b", "a"})), 2, "has no tokens for filling in the middle");
  check(run_program(folder.with({"-n2", "--suffix", "", "a"})), "bc");
}
