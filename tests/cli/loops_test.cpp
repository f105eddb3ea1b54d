// --loops, --exit-when and --draft-model as a person and as a script use them.
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "cli/expect.h"
#include "support.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

std::string golden(const std::string& name) { return (source_folder() / "golden" / name).string(); }

Json answer(const std::string& model, std::vector<std::string> more) {
  std::vector<std::string> arguments = {"-m", golden(model), "--ids", "--json", "--greedy", "--ignore-eos", "-n", "6"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  arguments.push_back("5 6 7");
  const Ran ran = run_program(arguments);
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  return Json::parse(ran.out);
}

}  // namespace

TEST_CASE("--loops and --exit-when, and the loops of each token in --json") {
  CHECK(answer("ouro", {})["loops"] == Json({4, 4, 4, 4, 4, 4}));
  CHECK(answer("ouro", {"--loops", "2"})["loops"] == Json({2, 2, 2, 2, 2, 2}));
  CHECK(answer("ouro", {"--loops", "6"})["loops"] == Json({6, 6, 6, 6, 6, 6}));
  CHECK(answer("ouro", {"--exit-when", "kl<1000"})["loops"] == Json({2, 2, 2, 2, 2, 2}));
  CHECK(answer("ouro", {"--exit-when", "gate>0.0001"})["loops"] == Json({1, 1, 1, 1, 1, 1}));
  CHECK(!answer("llama", {}).contains("loops"));
  const auto error = [&](const std::string& model, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"-m", golden(model), "--ids", "5 6"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  check_error(error("llama", {"--loops", "2"}), 2, "--loops is 2, but llama goes through its layers once");
  check_error(error("llama", {"--exit-when", "stable"}), 2, "--exit-when is given, but llama");
  check_error(error("nanbeige", {"--exit-when", "gate"}), 2, "--exit-when is gate, but nanbeige has no gate");
  check_error(error("ouro", {"--exit-when", "kl"}), 2, "--exit-when is 'kl', expected kl<NUMBER");
}

TEST_CASE("loops and exit_when of requests, beside others") {
  const Ran ran = run_program({"batch", "-m", golden("ouro"), "--greedy", "--ignore-eos", "-n", "4"},
                              R"({"prompt_ids": [5, 6, 7]}
{"prompt_ids": [5, 6, 7], "loops": 2}
{"prompt_ids": [5, 6, 7], "exit_when": "kl<1000"}
{"prompt_ids": [5, 6, 7], "loops": 7, "exit_when": "none"}
{"prompt_ids": [5, 6, 7], "loops": 0}
{"prompt_ids": [5, 6, 7], "exit_when": "soon"}
)");
  CHECK(ran.code == 1);
  std::vector<Json> lines;
  std::istringstream in(ran.out);
  for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
  REQUIRE(lines.size() == 6);
  CHECK(lines[0]["loops"] == Json({4, 4, 4, 4}));
  CHECK(lines[1]["loops"] == Json({2, 2, 2, 2}));
  CHECK(lines[2]["loops"] == Json({2, 2, 2, 2}));
  CHECK(lines[3]["loops"] == Json({7, 7, 7, 7}));
  CHECK(lines[4]["error"]["message"] == "loops is 0, expected a whole number from 1 to 256");
  CHECK(lines[5]["error"]["message"].get<std::string>().starts_with("exit_when is 'soon', expected kl<NUMBER"));
}

TEST_CASE("inspect, score and explain know loops") {
  const Ran inspected = run_program({"inspect", "-m", golden("huginn"), "--json"});
  REQUIRE(inspected.code == 0);
  const Json loop = Json::parse(inspected.out)["loop"];
  CHECK(loop["loops"] == 5);
  CHECK(loop["layers_gone_through"] == 12);
  CHECK(run_program({"inspect", "-m", golden("huginn")}).out.find("5 times") != std::string::npos);
  const auto score = [](const char* loops) {
    const Ran ran = run_program({"score", "-m", golden("huginn"), "--loops", loops, "--ids", "--json", "5 6 7 8"});
    CHECK(ran.code == 0);
    return ran.out;
  };
  CHECK(score("5") != score("3"));
  const Ran explained = run_program({"explain", "-m", golden("ouro"), "--ids", "--json", "5 6 7"});
  REQUIRE(explained.code == 0);
  const Json recording = Json::parse(explained.out);
  CHECK(recording["layers"].size() == 8);
  REQUIRE(recording["loops"].size() == 4);
  CHECK(recording["loops"][0][0]["kl"].is_null());
  CHECK(recording["loops"][1][0]["kl"].get<double>() > 0);
  CHECK(recording["loops"][3][2]["exit_probability_sum"].get<double>() <= 1);
  CHECK(recording["exits"]["stable"].size() == 3);
  CHECK(recording["early_exit"]["layers"].size() == 3);
  CHECK(recording["early_exit"]["saved_at_most"].get<double>() >= 0);
  const Ran plain = run_program({"explain", "-m", golden("llama"), "--ids", "--view", "loops,exit", "5 6 7"});
  CHECK(plain.code == 0);
  CHECK(plain.out.find("goes through its layers once") != std::string::npos);
}

TEST_CASE("--draft-model changes no byte, and wants the same vocabulary") {
  const Folder folder, same, other({.preference = 1});
  const std::vector<std::vector<std::string>> all = {{"--greedy"},
                                                     {"--seed", "3", "--temperature", "2"},
                                                     {"--stop", "m"},
                                                     {"--json", "--logprobs", "2"},
                                                     {"-n", "-1"}};
  for (const std::vector<std::string>& more : all) {
    std::vector<std::string> arguments = {"-n", "40"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("abc");
    const Ran plain = run_program(folder.with(arguments));
    CHECK(plain.code == 0);
    for (const std::string& draft : {same.path(), other.path()}) {
      std::vector<std::string> with = arguments;
      with.insert(with.begin(), {"--draft-model", draft});
      const Ran drafted = run_program(folder.with(with));
      CHECK(drafted.code == 0);
      CHECK(drafted.err == "");
      if (more.front() == "--json") {
        Json a = Json::parse(drafted.out), b = Json::parse(plain.out);
        CHECK(a == b);
      } else {
        CHECK(drafted.out == plain.out);
      }
    }
  }
  check_error(run_program(folder.with({"--draft-model", golden("llama"), "a"})), 3, "tokenizer");
  check_error(run_program({"-m", golden("llama"), "--draft-model", golden("ouro"), "--ids", "5"}), 2,
              "96 tokens in place of 256");
}
