// continuo score of long texts and of records.
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "cli/coprocess.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

const double kLikely = 4 - std::log(257 + std::exp(4.0)), kUnlikely = -std::log(257 + std::exp(4.0));

std::vector<Json> answers(const Ran& ran) {
  std::vector<Json> all;
  std::istringstream in(ran.out);
  for (std::string line; std::getline(in, line);) all.push_back(Json::parse(line));
  return all;
}

Approx near(double x) { return Approx(x).margin(1e-4); }

}  // namespace

TEST_CASE("score --stride: a text longer than the context, in windows") {
  const Folder folder({.preference = 4, .bos = false});
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>('a' + i % 26);
  const std::vector<std::string> score = {"score", "-m", folder.path(), "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), score.begin(), score.end());
    return run_program(more, text);
  };
  for (const char* stride : {"1", "10", "63"}) {
    const Json json = Json::parse(with({"--stride", stride}).out);
    REQUIRE(json["logprobs"].size() == 300);
    for (std::size_t i = 1; i < 300; ++i) REQUIRE(json["logprobs"][i].get<double>() == near(kLikely));
    CHECK(json["perplexity"].get<double>() == near(std::exp(-kLikely)));
  }
  CHECK(Json::parse(with({"--stride", "3", "--window", "5"}).out)["sum"].get<double>() == near(299 * kLikely));
  check_error(with({}), 4, "--stride scores a longer text");
  check_error(with({"--stride", "64"}), 2, "--stride is 64");
  check_error(with({"--stride", "0"}), 2, "--stride is 0");
  check_error(with({"--window", "9"}), 2, "--window needs --stride");
  check_error(with({"--stride", "1", "--window", "65"}), 2, "--window is 65");
  // What fits is scored as it is.
  text.resize(50);
  CHECK(with({"--stride", "7"}).out == with({}).out);
}

TEST_CASE("score --jsonl: texts, completions, choices") {
  const Folder folder({.preference = 4});
  const Ran ran = run_program({"score", "-m", folder.path(), "--jsonl"}, R"({"text": "ab"}
{"id": "c", "prompt": "a", "completion": "bc"}
{"prompt": "a", "completion": "xy"}
{"prompt": "a", "choices": ["x", "b", "xyzab"], "answer": 1}
{"prompt": "", "completion": "a"}
)");
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  const auto all = answers(ran);
  REQUIRE(all.size() == 5);
  CHECK(all[0]["id"] == 1);
  CHECK(all[0]["logprob"].get<double>() == near(2 * kLikely));
  CHECK(all[0]["tokens"] == 2);
  CHECK(all[1]["id"] == "c");
  CHECK(all[1]["logprob"].get<double>() == near(2 * kLikely));
  CHECK(all[1]["logprob_per_byte"].get<double>() == near(kLikely));
  CHECK(all[1]["greedy"] == true);
  CHECK(all[2]["logprob"].get<double>() == near(kUnlikely + kLikely));
  CHECK(all[2]["greedy"] == false);
  CHECK(all[3]["choices"].size() == 3);
  CHECK(all[3]["choices"][1]["unconditional"].get<double>() == near(kUnlikely));
  CHECK(all[3]["best"] == Json({{"raw", 1}, {"per_token", 1}, {"per_byte", 1}, {"unconditional", 1}}));
  CHECK(all[4]["logprob"].get<double>() == near(kLikely));
}

TEST_CASE("score --jsonl --summary: accuracy and perplexity") {
  const Folder folder({.preference = 4});
  const auto summary = [&](std::string_view input) {
    return Json::parse(run_program({"score", "-m", folder.path(), "--jsonl", "--summary"}, input).out);
  };
  const Json texts = summary("{\"prompt\":\"a\",\"completion\":\"bc\"}\n{\"prompt\":\"a\",\"completion\":\"x\"}\n");
  CHECK(texts["records"] == 2);
  CHECK(texts["greedy_accuracy"] == 0.5);
  CHECK(texts["tokens"] == 3);
  CHECK(texts["perplexity"].get<double>() == near(std::exp(-(2 * kLikely + kUnlikely) / 3)));
  CHECK(texts["perplexity_per_record"].get<double>() == near(std::exp(-(2 * kLikely + kUnlikely) / 2)));
  const Json pairs =
      summary("{\"choices\":[\"ab\",\"ax\"],\"answer\":0}\n{\"choices\":[\"ab\",\"ax\"],\"answer\":1}\n");
  CHECK(pairs["accuracy"]["raw"] == 0.5);
  CHECK(pairs["accuracy"]["unconditional"].is_null());  // there is no prompt to leave out
}

TEST_CASE("score --jsonl: a bad record is an answer, in any company the same") {
  const Folder folder({.preference = 4});
  std::string input =
      "x\n{}\n[]\n{\"text\":1}\n{\"text\":\"a\",\"prompt\":\"b\"}\n{\"choices\":[]}\n"
      "{\"choices\":[\"a\"],\"answer\":1}\n{\"prompt\":\"a\",\"completion\":\"\"}\n{\"text\":\"" +
      std::string(70, 'a') + "\"}\n";
  const std::size_t bad = lines(input);
  for (int i = 0; i < 50; ++i) {
    input += Json({{"prompt", std::string(static_cast<std::size_t>(i), 'q')},
                   {"choices", {"abc", "xyz", "qqq"}},
                   {"answer", i % 3}})
                 .dump() +
             "\n";
  }
  const Ran ran = run_program({"score", "-m", folder.path(), "--jsonl"}, input);
  CHECK(ran.code == 1);
  check_contains(ran.err, std::to_string(bad) + " of " + std::to_string(bad + 50) + " records failed");
  const auto all = answers(ran);
  REQUIRE(all.size() == bad + 50);
  for (std::size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].dump());
    CHECK(all[i]["id"] == i + 1);
    CHECK(all[i].contains("error") == (i < bad));
  }
  for (const std::vector<std::string>& how : std::vector<std::vector<std::string>>{
           {"-b", "1", "--no-sharing"}, {"--step-tokens", "3"}, {"-b", "5", "-t", "3"}}) {
    std::vector<std::string> arguments = {"score", "-m", folder.path(), "--jsonl"};
    arguments.insert(arguments.end(), how.begin(), how.end());
    CHECK(run_program(arguments, input).out == ran.out);
  }
}

TEST_CASE("score --jsonl: what a record says and is not meant is an error, null is nothing said") {
  const Folder folder({.preference = 4});
  const auto all = answers(run_program({"score", "-m", folder.path(), "--jsonl"},
                                       R"({"prompt": "a", "choices": ["b"], "anwser": 0}
{"prompt_ids": [97], "completion": "b"}
{"id": true, "text": "ab"}
{"text": "ab", "answer": 0}
{"id": null, "text": "ab", "prompt": null, "answer": null}
)"));
  REQUIRE(all.size() == 5);
  CHECK(all[0]["error"]["message"] == "unknown field \"anwser\"");
  for (std::size_t i = 0; i < 4; ++i) CHECK(all[i]["error"]["type"] == "invalid_request");
  CHECK(all[4]["tokens"] == 2);
}

TEST_CASE("score --jsonl answers a record while half of the next one is there, and ends while nobody reads") {
  const Folder folder({.preference = 4});
  Coprocess half({"score", "-m", folder.path(), "--jsonl"});
  REQUIRE(half.send("{\"text\": \"ab\"}\n{\"te"));
  CHECK(half.line());
  Coprocess stalled({"score", "-m", folder.path(), "--jsonl"});
  std::string input;
  for (int i = 0; i < 20000; ++i) input += "{\"text\": \"ab\"}\n";
  CHECK(stalled.send_what_it_takes(input, 700) < input.size());
  stalled.signal_it(SIGTERM);
  CHECK(stalled.wait() == 130);
}

TEST_CASE("score --jsonl answers a record as soon as it is scored") {
  const Folder folder({.preference = 4});
  Coprocess program({"score", "-m", folder.path(), "--jsonl"});
  for (int i = 0; i < 3; ++i) {
    REQUIRE(program.send("{\"text\": \"ab\"}\n"));
    REQUIRE(program.line());
  }
  program.close_input();
  CHECK(program.wait() == 0);
}
