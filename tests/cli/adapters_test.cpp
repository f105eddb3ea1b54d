// --lora: adapters beside a model, by name in a batch, and merged into a GGUF file.
#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

std::string golden(const std::string& name) { return (source_folder() / "golden" / name).string(); }
std::string adapter(const std::string& name) { return golden("adapters/" + name); }
Json expected(const std::string& name) { return Json::parse(read_file(adapter(name) + "/expected.json")); }

std::string ids_of(const Json& expected) {
  std::string ids;
  for (const Json& id : expected["ids"]) ids += std::to_string(id.get<int>()) + " ";
  return ids;
}

std::vector<double> scored(const std::string& model, const std::string& ids, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"score", "-m", model, "--ids", "--json", ids});
  const Ran ran = run_program(more);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  std::vector<double> logprobs;
  const Json answer = Json::parse(ran.out);
  for (const Json& value : answer["logprobs"]) {
    if (!value.is_null()) logprobs.push_back(value.get<double>());
  }
  return logprobs;
}

void check_close(const std::vector<double>& got, const std::vector<double>& want, double most = 1e-4) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    INFO("token " << i + 1 << ": " << got[i] << " instead of " << want[i]);
    CHECK(std::fabs(got[i] - want[i]) < most);
  }
}

std::string quantized(const TemporaryFolder& folder, const std::string& in, const std::string& format,
                      std::vector<std::string> more = {}) {
  const std::string out = (folder.path() / (std::to_string(std::hash<std::string>()(in + format)) + ".gguf")).string();
  more.insert(more.begin(), {"quantize", in, out, "--to", format, "-q"});
  const Ran ran = run_program(more);
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return out;
}

}  // namespace

TEST_CASE("score with adapters, one and two") {
  const Json want = expected("llama");
  const std::string ids = ids_of(want);
  check_close(scored(golden("llama"), ids, {"--lora", adapter("llama")}), want["alone"]["logprobs"]);
  check_close(scored(golden("llama"), ids, {"--lora", adapter("llama"), "--lora", adapter("llama_rslora") + ":1"}),
              want["with llama_rslora"]["logprobs"]);
  check_close(scored(golden("llama"), ids, {"--lora", adapter("llama") + ":0"}), scored(golden("llama"), ids), 1e-12);
}

TEST_CASE("quantize merges an adapter; GGUF files take adapters too") {
  const TemporaryFolder folder;
  for (const char* const name : {"llama", "gpt2"}) {
    INFO(name);
    const Json want = expected(name);
    const std::string ids = ids_of(want);
    const std::string merged = quantized(folder, golden(name), "f32", {"--lora", adapter(name)});
    check_close(scored(merged, ids), want["alone"]["logprobs"]);
  }
  const Json want = expected("llama");
  const std::string ids = ids_of(want), with = "--lora";
  const std::string q8_0 = quantized(folder, golden("llama"), "q8_0");
  const auto beside = scored(q8_0, ids, {"--exact-math", with, adapter("llama")});
  check_close(scored(quantized(folder, q8_0, "f32", {with, adapter("llama")}), ids), beside);
  check_close(beside, want["alone"]["logprobs"], 0.1);  // the weights are rounded, the adapter is not
}

TEST_CASE("batch: requests choose adapters by name, and answers are those of a run alone") {
  const std::string input =
      "{\"prompt_ids\": [5, 77, 130], \"adapter\": \"a\"}\n{\"prompt_ids\": [5, 77, 130]}\n"
      "{\"prompt_ids\": [5, 77, 130], \"adapter\": \"b\"}\n{\"prompt_ids\": [5, 77, 130], \"adapter\": null}\n"
      "{\"prompt_ids\": [5, 77, 130], \"adapter\": \"" +
      adapter("llama") +
      "\"}\n"
      "{\"prompt_ids\": [5, 77, 130], \"adapter\": 3}\n";
  const Ran ran = run_program({"batch", "-m", golden("llama"), "--greedy", "--ignore-eos", "-n", "12", "--lora",
                               "a=" + adapter("llama"), "--lora", "b=" + adapter("llama_rslora")},
                              input);
  CHECK(ran.code == 1);
  std::vector<Json> answers;
  for (std::istringstream lines(ran.out); lines.peek() != EOF;) {
    std::string line;
    std::getline(lines, line);
    answers.push_back(Json::parse(line));
  }
  REQUIRE(answers.size() == 6);
  const auto alone = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"-m", golden("llama"), "--greedy", "--ignore-eos", "-n", "12", "--ids", "5 77 130"});
    const Ran one = run_program(more);
    REQUIRE(one.code == 0);
    return one.out;
  };
  const auto text = [](const Json& answer) {
    std::string ids;
    for (const Json& id : answer["ids"]) ids += (ids.empty() ? "" : " ") + std::to_string(id.get<int>());
    return ids + "\n";
  };
  CHECK(text(answers[0]) == alone({"--lora", adapter("llama")}));
  CHECK(text(answers[1]) == alone({}));
  CHECK(text(answers[2]) == alone({"--lora", adapter("llama_rslora")}));
  CHECK(text(answers[3]) == text(answers[1]));
  CHECK(text(answers[0]) != text(answers[1]));
  CHECK(text(answers[2]) != text(answers[1]));
  check_contains(answers[4]["error"]["message"], "expected one of: a, b");
  check_contains(answers[5]["error"]["message"], "expected the name of an adapter");
}

TEST_CASE("batch --resume refuses answers of another adapter") {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "out.jsonl").string(), in = "{\"prompt_ids\": [5, 77, 130]}\n";
  const auto run = [&](const std::string& lora, std::vector<std::string> more) {
    more.insert(more.begin(), {"batch", "-m", golden("llama"), "-n", "3", "-o", out, "--lora", lora});
    return run_program(more, in);
  };
  REQUIRE(run(adapter("llama"), {}).code == 0);
  CHECK(run(adapter("llama"), {"--resume"}).code == 0);
  check_error(run(adapter("llama_rslora"), {"--resume"}), 2, "has changed since it was answered, or an option has");
  check_error(run(adapter("llama") + ":0.5", {"--resume"}), 2, "has changed since it was answered, or an option has");
}

TEST_CASE("--lora: what is no adapter, of another model, or named twice is refused") {
  check_error(run_program({"-m", golden("llama"), "--lora", golden("llama"), "--ids", "5"}), 3,
              "has no adapter_config.json");
  check_error(run_program({"-m", golden("llama"), "--lora", adapter("gpt2"), "--ids", "5"}), 3,
              "is none of this model's layers");
  check_error(run_program({"-m", golden("llama"), "--lora", "a=" + adapter("llama"), "--ids", "5"}), 2,
              "names are for the requests of batch and serve");
  check_error(run_program({"batch", "-m", golden("llama"), "--lora", "a=" + adapter("llama"), "--lora",
                           "a=" + adapter("llama_rslora")},
                          "\n"),
              2, "two adapters are called a");
}
