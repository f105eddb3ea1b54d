// continuo fill and continuo embed.
#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"
#include "support.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

std::string golden(const char* name) { return (source_folder() / "golden" / name).string(); }

Json fill(const std::string& model, std::vector<std::string> more) {
  std::vector<std::string> arguments = {"fill", "-m", model, "--ids", "--mask-id", "3", "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const Ran ran = run_program(arguments);
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  return Json::parse(ran.out);
}

}  // namespace

TEST_CASE("fill prints the reference's likeliest pieces of every mask") {
  for (const char* name : {"encoders/bert", "encoders/roberta", "encoders/modernbert"}) {
    const Json expected = Json::parse(read_file(source_folder() / "golden" / name / "expected.json"));
    for (const Json& prompt : expected["prompts"]) {
      std::string ids, types;
      for (const Json& id : prompt["ids"]) ids += id.dump() + " ";
      for (const Json& type : prompt["token_types"]) types += type.dump() + " ";
      const Json answer = fill(golden(name), {"--token-types", types, ids});
      REQUIRE(answer["masks"].size() == prompt["masks"].size());
      for (std::size_t i = 0; i < prompt["masks"].size(); ++i) {
        const Json& mask = answer["masks"][i];
        CHECK(mask["position"] == prompt["masks"][i]);
        CHECK(mask["ids"] == prompt["top"][i]);
        double largest = -1e9, sum = 0;
        for (const Json& logit : prompt["logits"][i]) largest = std::max(largest, logit.get<double>());
        for (const Json& logit : prompt["logits"][i]) sum += std::exp(logit.get<double>() - largest);
        CHECK(std::fabs(mask["logprobs"][0].get<double>() + std::log(sum)) < 1e-4);
      }
    }
  }
}

TEST_CASE("masks one after the other, each seen by the next") {
  const Json at_once = fill(golden("encoders/bert"), {"243 3 3 17 3", "--top", "2"});
  const Json in_turn = fill(golden("encoders/bert"), {"243 3 3 17 3", "--top", "2", "--one-by-one"});
  REQUIRE(at_once["masks"].size() == 3);
  REQUIRE(in_turn["masks"].size() == 3);
  CHECK(in_turn["masks"][0]["ids"].size() == 2);
  // The first is the surest of those that are guessed at once.
  double surest = -1e9;
  for (const Json& mask : at_once["masks"]) surest = std::max(surest, mask["logprobs"][0].get<double>());
  CHECK(in_turn["masks"][0]["logprobs"][0].get<double>() == surest);
}

TEST_CASE("what fill cannot do is said") {
  const std::string bert = golden("encoders/bert");
  check_error(run_program({"fill", "-m", golden("llama"), "--ids", "--mask-id", "3", "3"}), 2, "guesses no masks");
  check_error(run_program({"fill", "-m", bert, "--ids", "5 3"}), 2, "--mask-id gives its id");
  check_error(run_program({"fill", "-m", bert, "--ids", "--mask-id", "3", "5 6"}), 2, "there is no mask in the text");
  check_error(run_program({"fill", "-m", bert, "--ids", "--mask-id", "3", "300 3"}), 2, "token id 300");
  check_error(run_program({"fill", "-m", bert, "--ids", "--mask-id", "3", "--token-types", "0", "5 3"}), 2,
              "1 token types for 2 tokens");
  check_error(run_program({"fill", "-m", bert, "--ids", "--mask-id", "3", "--token-types", "0 2", "5 3"}), 2,
              "token type 2");
  check_error(run_program({"-m", bert, "--ids", "5"}), 2, "cannot continue a text");
  check_error(run_program({"batch", "-m", bert}, "{\"prompt_ids\": [5]}\n"), 2, "cannot continue a text");
  check_error(run_program({"bench", "-m", bert}), 2, "cannot continue a text");
}

TEST_CASE("embed gives the reference's hidden states, pooled") {
  for (const char* name : {"encoders/bert", "encoders/xlm_roberta", "encoders/modernbert", "encoders/electra"}) {
    const Json expected = Json::parse(read_file(source_folder() / "golden" / name / "expected.json"));
    const Json& prompt = expected["prompts"][1];
    std::string ids;
    for (const Json& id : prompt["ids"]) ids += id.dump() + " ";
    for (const auto& [pooling, field] : {std::pair("mean", "mean"), std::pair("cls", "hidden_last")}) {
      const Ran ran = run_program({"embed", "-m", golden(name), "--ids", "--json", "--pooling", pooling, ids});
      REQUIRE(ran.code == 0);
      const Json vector = Json::parse(ran.out)["embedding"];
      REQUIRE(vector.size() == prompt[field].size());
      for (std::size_t i = 0; i < vector.size(); ++i) {
        CHECK(std::fabs(vector[i].get<double>() - prompt[field][i].get<double>()) < 5e-5);
      }
    }
  }
}

TEST_CASE("embed answers records in order, and bad ones with an error") {
  const Folder folder;
  const auto run = [&](std::vector<std::string> more, const std::string& input) {
    std::vector<std::string> arguments = {"embed", "-m", folder.path(), "--jsonl", "--normalize"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments, input);
  };
  const Ran ran = run({}, "{\"text\": \"ab\", \"id\": 7}\n{\"text\": 3}\n{\"text\": \"ab\"}\n");
  CHECK(ran.code == 1);
  CHECK(lines(ran.out) == 3);
  const Json first = Json::parse(ran.out.substr(0, ran.out.find('\n')));
  CHECK(first["id"] == 7);
  double square = 0;
  for (const Json& value : first["embedding"]) square += value.get<double>() * value.get<double>();
  CHECK(std::fabs(square - 1) < 1e-5);
  check_contains(ran.out, "\"line\":2");
  const Ran ids = run({}, "{\"text\": \"a\", \"id\": 12345678901234567890123}\n{\"text\": \"a\", \"id\": [1]}\n");
  CHECK(ids.out.starts_with("{\"id\":12345678901234567890123,\"embedding\""));
  check_contains(ids.out, "id is [1], expected a string or a number");
  const Json last = Json::parse(ran.out.substr(ran.out.rfind('\n', ran.out.size() - 2) + 1));
  CHECK(last["embedding"] == first["embedding"]);
  check_error(run_program({"embed", "-m", folder.path(), "--pooling", "max", "a"}), 2, "--pooling is 'max'");
  check_error(run({"a"}, ""), 2, "--jsonl reads a file or stdin");
}
