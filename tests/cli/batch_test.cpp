// continuo batch as scripts use it.
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "cli/coprocess.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) all.push_back(line);
  return all;
}

std::vector<Json> answers(const Ran& ran) {
  std::vector<Json> all;
  for (const std::string& line : split(ran.out)) all.push_back(Json::parse(line));
  return all;
}

std::vector<std::string> batch(const Folder& folder, std::vector<std::string> rest = {}) {
  std::vector<std::string> arguments = {"batch", "-m", folder.path()};
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  return arguments;
}

// Requests of all kinds, that take from one token to many.
std::string mixed_requests(std::size_t n) {
  std::string lines;
  for (std::size_t i = 0; i < n; ++i) {
    Json request = {{"prompt", std::string(1, static_cast<char>('a' + i % 26)) + "xy"}, {"max_tokens", i * 7 % 50}};
    if (i % 3 == 0) request["id"] = "request " + std::to_string(i);
    if (i % 10 == 4) request["n"] = 3;
    if (i % 10 == 7) request["stop"] = {"c", "zzz"};
    lines += i % 17 == 16 ? "not JSON\n" : request.dump() + "\n";
  }
  return lines;
}

}  // namespace

TEST_CASE("batch: an answer a request, in their order") {
  const Folder folder;
  const Ran ran = run_program(batch(folder, {"--greedy", "-n", "3"}),
                              R"({"prompt": "a"}
{"id": "x", "prompt": "k", "max_tokens": 40}
{"id": 7, "prompt_ids": [97], "echo": true}
{"prompt": "!"}
{"prompt": "p", "stop": "rs", "max_tokens": 9}
{"prompt": "1", "logprobs": 1}
)");
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  const auto all = answers(ran);
  REQUIRE(all.size() == 6);
  const Json first = {{"id", 1},
                      {"text", "bcd"},
                      {"finish_reason", "length"},
                      {"prompt_tokens", 2},
                      {"completion_tokens", 3},
                      {"seed", all[0]["seed"]},
                      {"model", all[0]["model"]},
                      {"digest", all[0]["digest"]}};
  CHECK(all[0] == first);
  CHECK(all[1]["id"] == "x");
  CHECK(all[1]["text"].get<std::string>().size() == 40);
  CHECK(all[2]["text"] == "abcd");
  CHECK(all[2]["ids"] == Json({98, 99, 100}));
  CHECK(all[2]["prompt_tokens"] == 1);
  CHECK(all[3]["finish_reason"] == "eos");
  CHECK(all[4]["text"] == "q");
  CHECK(all[4]["finish_reason"] == "stop");
  CHECK(all[5]["text"] == "€");
  CHECK(all[5]["logprobs"]["token_logprobs"].size() == 3);
  check(run_program(batch(folder)), "");  // nothing asked, nothing answered
}

TEST_CASE("batch: a bad line is an answer, and the run goes on") {
  const Folder folder;
  const std::string many_stops = Json(std::vector<std::string>(10000, "stop")).dump();
  const std::pair<std::string, std::string> bad[] = {
      {"not JSON", "invalid_json"},
      {"", "invalid_json"},
      {"   ", "invalid_json"},
      {"[1]", "invalid_request"},
      {R"({"prompt": "a", "promt": 1})", "invalid_request"},
      {R"({"prompt": 1})", "invalid_request"},
      {R"({"prompt": "a", "prompt_ids": [1]})", "invalid_request"},
      {R"({"max_tokens": 1})", "invalid_request"},
      {R"({"prompt": "a", "max_tokens": -2})", "invalid_request"},
      {R"({"prompt": "a", "max_tokens": 1.5})", "invalid_request"},
      {R"({"prompt": "a", "max_tokens": 18446744073709551615})", "invalid_request"},
      {R"({"prompt": "a", "temperature": "hot"})", "invalid_request"},
      {R"({"prompt": "a", "temperature": 1e300})", "invalid_request"},
      {R"({"prompt": "a", "top_p": 2})", "invalid_request"},
      {R"({"prompt": "a", "n": 0})", "invalid_request"},
      {R"({"prompt": "a", "n": 100000})", "invalid_request"},
      {R"({"prompt": "a", "seed": -1})", "invalid_request"},
      {R"({"prompt": "a", "stop": [""]})", "invalid_request"},
      {R"({"prompt": "a", "stop": )" + many_stops + "}", "invalid_request"},
      {R"({"prompt": "a", "logit_bias": {"x": 1}})", "invalid_request"},
      {R"({"prompt": "a", "logit_bias": {"400": 1}})", "invalid_request"},
      {R"({"prompt_ids": []})", "invalid_request"},
      {R"({"prompt_ids": [258]})", "invalid_request"},
      {R"({"prompt_ids": ["a"]})", "invalid_request"},
      {R"({"prompt": ")" + std::string(64, 'a') + "\"}", "context_length_exceeded"},
      {std::string(5000, '['), "invalid_json"},
      {"{\"prompt\": \"a\xff\"}", "invalid_json"},
      {std::string("{\"prompt\": \"a\0\"}", 15), "invalid_json"},
      {std::string(200000, 'x'), "line_too_long"},
      {R"({"prompt": "good"})", ""},
  };
  std::string input;
  for (const auto& [line, type] : bad) input += line + '\n';
  const Ran ran = run_program(batch(folder, {"--max-line", "128K"}), input);
  CHECK(ran.code == 1);
  check_contains(ran.err, "29 of 30 requests failed");
  const auto all = answers(ran);
  REQUIRE(all.size() == std::size(bad));
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].dump().substr(0, 200));
    CHECK(all[i]["id"] == i + 1);
    if (bad[i].second.empty()) {
      CHECK(all[i].contains("text"));
    } else {
      CHECK(all[i]["error"]["type"] == bad[i].second);
      CHECK(all[i]["error"]["line"] == i + 1);
      CHECK(all[i]["error"]["message"].get<std::string>().size() < 200);
    }
  }
  CHECK(all[13]["error"]["message"] == "top_p is 2, expected a number above 0 and at most 1");
  // The id is the request's, wherever in the line it stands.
  CHECK(answers(run_program(batch(folder), R"({"foo": 1, "id": "mine"})")).at(0)["id"] == "mine");
}

TEST_CASE("batch --fail-fast stops at the first bad line") {
  const Folder folder;
  const Ran ran = run_program(batch(folder, {"--fail-fast", "--greedy", "-n1"}),
                              "{\"prompt\":\"a\"}\n{\"prompt\":\"b\"}\nx\n{\"prompt\":\"c\"}\n");
  CHECK(ran.code == 1);
  CHECK(answers(ran).size() == 2);
  check_contains(ran.err, "line 3: byte 0: not valid JSON");
}

TEST_CASE("batch: no answer depends on how it runs") {
  const Folder folder({.preference = 3});
  const std::string input = mixed_requests(100);
  const Ran want = run_program(batch(folder, {"-b", "1", "--no-sharing", "-t", "1"}), input);
  CHECK(want.code == 1);
  REQUIRE(lines(want.out) == 100);
  for (const std::vector<std::string>& how : std::vector<std::vector<std::string>>{{},
                                                                                   {"-b", "3"},
                                                                                   {"-b", "64", "-t", "3"},
                                                                                   {"--step-tokens", "1"},
                                                                                   {"--step-tokens", "9"},
                                                                                   {"--memory", "64K"}}) {
    INFO(Json(how).dump());
    CHECK(run_program(batch(folder, how), input).out == want.out);
  }
}

TEST_CASE("batch: a request's seed is its own, made from --seed and its id") {
  const Folder folder({.preference = 3});
  const std::string one = R"({"id": "a", "prompt": "hello", "max_tokens": 12})";
  const std::string two = R"({"id": "b", "prompt": "hello", "max_tokens": 12})";
  const auto there = answers(run_program(batch(folder), one + "\n" + two + "\n"));
  const auto back = answers(run_program(batch(folder), two + "\n" + one + "\n"));
  CHECK(there[0] == back[1]);
  CHECK(there[1] == back[0]);
  CHECK(there[0]["text"] != there[1]["text"]);
  CHECK(answers(run_program(batch(folder, {"--seed", "1"}), one))[0]["text"] != there[0]["text"]);
  CHECK(there[0]["seed"].get<std::uint64_t>() < std::uint64_t{1} << 53);
  // The seed that an answer tells draws the same text again, anywhere.
  const Ran again = run_program({"-m", folder.path(), "-n", "12", "--seed", there[0]["seed"].dump(), "hello"});
  CHECK(again.out == there[0]["text"].get<std::string>());
  const auto said =
      answers(run_program(batch(folder), R"({"prompt": "hello", "max_tokens": 12, "seed": 18446744073709551615})"));
  CHECK(said[0]["seed"] == 18446744073709551615u);
}

TEST_CASE("batch: several samples of a prompt") {
  const Folder folder({.preference = 3});
  const auto all =
      answers(run_program(batch(folder), R"({"prompt": "hello", "n": 3, "seed": 5, "max_tokens": 9, "logprobs": 0})"));
  const Json& choices = all.at(0)["choices"];
  REQUIRE(choices.size() == 3);
  CHECK(choices[2]["index"] == 2);
  CHECK(choices[0]["text"] != choices[1]["text"]);
  CHECK(choices[0]["completion_tokens"] == 9);
  CHECK(all[0]["completion_tokens"] == 27);
  const Ran first = run_program({"-m", folder.path(), "-n", "9", "--seed", "5", "hello"});
  CHECK(choices[0]["text"] == first.out);
}

TEST_CASE("batch --format text: a prompt a line, an answer a line") {
  TinyModel model;
  model.successor['q'] = '\n';
  model.successor['\n'] = '\\';
  const Folder folder(model);
  check(run_program(batch(folder, {"--format", "text", "--greedy", "-n2"}), "a\nq\n x\r\nk"),
        "bc\n\\n\\\\\n\\r\\r\nlm\n");
  const Ran bad = run_program(batch(folder, {"--format", "text", "-n1", "--greedy"}), std::string(70, 'a') + "\nb\n");
  CHECK(bad.out == "\nc\n");
  CHECK(bad.code == 1);
  check_contains(bad.err, "line 1: the prompt has 71 tokens");
}

TEST_CASE("batch --shard: the parts together are the whole") {
  const Folder folder({.preference = 3});
  const std::string input = mixed_requests(50);
  const auto whole = split(run_program(batch(folder), input).out);
  std::vector<std::string> merged(50);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto part = split(run_program(batch(folder, {"--shard", std::to_string(i + 1) + "/4"}), input).out);
    for (std::size_t at = 0; at < part.size(); ++at) merged.at(4 * at + i) = part[at];
  }
  CHECK(merged == whole);
  for (const char* bad : {"0/4", "5/4", "4", "a/b", "1/0", "-1/4"})
    check_error(run_program(batch(folder, {"--shard", bad})), 2, "--shard");
}

TEST_CASE("batch --unordered: the same answers, each with its line") {
  const Folder folder({.preference = 3});
  const std::string input = mixed_requests(60);
  auto want = answers(run_program(batch(folder), input));
  auto got = answers(run_program(batch(folder, {"--unordered"}), input));
  REQUIRE(got.size() == want.size());
  std::sort(got.begin(), got.end(), [](const Json& a, const Json& b) {
    const auto line = [](const Json& answer) {
      return answer.value("/line"_json_pointer, answer.value("/error/line"_json_pointer, 0));
    };
    return line(a) < line(b);
  });
  for (std::size_t i = 0; i < got.size(); ++i) {
    got[i].erase("line");
    CHECK(got[i] == want[i]);
  }
}

TEST_CASE("batch as a co-process: an answer comes as soon as it is ready") {
  const Folder folder;
  Coprocess program(batch(folder, {"--greedy"}));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(program.send("{\"prompt\": \"a\", \"max_tokens\": 3}\n"));
    const auto answer = program.line();
    REQUIRE(answer);
    CHECK(Json::parse(*answer)["text"] == "bcd");
  }
  REQUIRE(program.send("oops\n"));
  const auto error = program.line();
  REQUIRE(error);
  CHECK(Json::parse(*error)["error"]["line"] == 4);
  program.close_input();
  CHECK(program.wait() == 1);
}

TEST_CASE("batch: a streamed request sends what has become certain") {
  const Folder folder;
  Coprocess program(batch(folder, {"--greedy"}));
  REQUIRE(program.send("{\"id\": \"s\", \"prompt\": \"a1\", \"max_tokens\": 6, \"stream\": true}\n"));
  std::string streamed;
  std::size_t increments = 0;
  for (;;) {
    const auto line = program.line();
    REQUIRE(line);
    const Json json = Json::parse(*line);
    CHECK(json["id"] == "s");
    if (!json["finish_reason"].is_null()) {
      CHECK(json["text"] == streamed);
      break;
    }
    streamed += json["text"];
    ++increments;
  }
  CHECK(streamed == "€€");
  CHECK(increments == 2);
  program.close_input();
  CHECK(program.wait() == 0);
}

TEST_CASE("batch: with echo a stream begins with the prompt") {
  const Folder folder;
  const auto all = answers(
      run_program(batch(folder, {"--greedy"}), R"({"prompt": "a", "stream": true, "echo": true, "max_tokens": 2})"));
  REQUIRE(all.size() == 4);
  CHECK(all[0]["text"] == "a");
  CHECK(all[3]["text"] ==
        all[0]["text"].get<std::string>() + all[1]["text"].get<std::string>() + all[2]["text"].get<std::string>());
}

TEST_CASE("batch: streams do not mix where order is kept") {
  const Folder folder;
  std::string input;
  for (int i = 0; i < 8; ++i)
    input += Json({{"id", i}, {"prompt", "a"}, {"stream", true}, {"max_tokens", 20 - 2 * i}}).dump() + "\n";
  const auto all = answers(run_program(batch(folder, {"--greedy"}), input));
  int id = 0;
  for (const Json& line : all) {
    CHECK(line["id"] == id);
    if (!line["finish_reason"].is_null()) ++id;
  }
  CHECK(id == 8);
}

TEST_CASE("batch: a request that would pass --memory by itself is an error, and the run goes on") {
  const std::string large = R"({"prompt": "One day", "n": 128, "max_tokens": 400, "logprobs": 100})";
  const Ran ran = run_program({"batch", "--memory", "64M", "-n", "2"}, large + "\n{\"prompt\": \"One day\"}\n");
  CHECK(ran.code == 1);
  const auto all = answers(ran);
  REQUIRE(all.size() == 2);
  CHECK(all[0]["error"]["type"] == "invalid_request");
  CHECK(all[0]["error"]["message"].get<std::string>().find("--memory") != std::string::npos);
  CHECK(all[1]["completion_tokens"] == 2);
  CHECK(answers(run_program({"batch", "--memory", "64M", "--fail-fast"}, large + "\n")).empty());
}

TEST_CASE("batch: options that cannot be meant") {
  const Folder folder;
  check_error(run_program(batch(folder, {"--resume"})), 2, "--resume needs --output");
  check_error(run_program(batch(folder, {"a", "b"})), 2, "expected one file");
  check_error(run_program(batch(folder, {"/nowhere/in"})), 2, "/nowhere/in");
  check_error(run_program(batch(folder, {"-o", "/nowhere/out"})), 1, "/nowhere/out");
  check_error(run_program(batch(folder, {"--format", "xml"})), 2, "jsonl, text or csv");
  check_error(run_program(batch(folder, {"--format", "text", "--unordered"})), 2, "--unordered");
  check_error(run_program(batch(folder, {"--memory", "1"})), 2, "memory");
  check_error(run_program(batch(folder, {"--memory", "2X"})), 2, "--memory");
  check_error(run_program(batch(folder, {"-b", "0"})), 2, "--at-once");
  const std::string in = folder.file("in", "{\"prompt\": \"a\"}\n");
  check_error(run_program(batch(folder, {in, "-o", in, "--overwrite"})), 2, "the same file");
  CHECK(read_file(in) == "{\"prompt\": \"a\"}\n");
}

TEST_CASE("batch: progress on a terminal") {
  const Folder folder;
  const std::string in = folder.file("in", mixed_requests(3000));
  const Ran ran = run_on_terminal(batch(folder, {in, "-o", folder.path() + "/out", "-b", "2"}), "");
  check_contains(ran.out, "/3000 requests, ");
  check_contains(ran.out, " tokens/s, ");
  const Ran quiet = run_on_terminal(batch(folder, {in, "-q", "--shard", "1/30", "-o", folder.path() + "/out2"}), "");
  CHECK(quiet.out.find("tokens/s") == std::string::npos);
}
