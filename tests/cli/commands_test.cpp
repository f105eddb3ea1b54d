// continuo tokenize, score, inspect and bench.
#include <cmath>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"
#include "support.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

Json json_of(const std::vector<std::string>& arguments) {
  const Ran ran = run_program(arguments);
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  CHECK(lines(ran.out) == 1);
  return Json::parse(ran.out);
}

}  // namespace

TEST_CASE("tokenize and back") {
  const Folder folder({.weights = false});
  std::filesystem::remove(folder.path() + "/config.json");  // tokenizer.json alone will do
  const std::string model = folder.path();
  check(run_program({"tokenize", "-m", model, "a b"}), "256 97 32 98\n");
  check(run_program({"tokenize", "-m", model, "--no-special"}, "a b\n"), "97 32 98\n");
  check(run_program({"tokenize", "-m", model, "--no-special", "--exact"}, "a\n"), "97 10\n");
  check(run_program({"tokenize", "-m", model, "--no-special", ""}), "\n");
  check(run_program({"tokenize", "-m", model, "--pieces", "a b"}), "256\t<s>\n97\ta\n32\tĠ\n98\tb\n");
  check(run_program({"tokenize", "-m", model, "--decode", "256 97,32", "98"}), "<s>a b");
  check(run_program({"tokenize", "-m", model, "--decode", "--no-special", "256 97,32", "98"}), "a b");
  CHECK(json_of({"tokenize", "-m", model, "--json", "a "}) ==
        Json({{"ids", {256, 97, 32}}, {"pieces", {"<s>", "a", "Ġ"}}}));
  CHECK(json_of({"tokenize", "-m", model, "--decode", "--json", "97 255"}) ==
        Json({{"ids", {97, 255}}, {"text", "a\uFFFD"}}));
  check_error(run_program({"tokenize", "-m", model, "--decode", "258"}), 2, "token id 258");
  check_error(run_program({"tokenize", "-m", model, "--decode", "x"}), 2, "'x'");
  check_error(run_program({"tokenize", "-m", model, "--decode", "--pieces", "1"}), 2, "--decode");
  check_error(run_program({"tokenize", "-m", model, "--greedy", "1"}), 2, "unknown option --greedy");

  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  const Ran ids = run_program({"tokenize", "-m", model, "--exact"}, bytes);
  check(run_program({"tokenize", "-m", model, "--decode", "--no-special"}, ids.out), bytes);
}

TEST_CASE("score tells the log-probability of each token") {
  const Folder folder({.preference = 4});
  const std::string model = folder.path();
  const double likely = 4 - std::log(257 + std::exp(4.0)), unlikely = -std::log(257 + std::exp(4.0));

  const Json ids = json_of({"score", "-m", model, "--ids", "--json", "97 98 120"});
  CHECK(ids["ids"] == Json({97, 98, 120}));
  CHECK(ids["logprobs"][0].is_null());
  CHECK(ids["logprobs"][1].get<double>() == Approx(likely).margin(1e-4));
  CHECK(ids["logprobs"][2].get<double>() == Approx(unlikely).margin(1e-4));
  CHECK(ids["sum"].get<double>() == Approx(likely + unlikely).margin(1e-4));
  CHECK(ids["perplexity"].get<double>() == Approx(std::exp(-(likely + unlikely) / 2)).epsilon(1e-4));
  CHECK(!ids.contains("bits_per_byte"));
  CHECK(!ids.contains("last_logits"));

  const Json text = json_of({"score", "-m", model, "--json", "--last-logits", "ab"});
  CHECK(text["ids"] == Json({256, 97, 98}));
  CHECK(text["bits_per_byte"].get<double>() == Approx(-2 * likely / std::log(2.0) / 2).epsilon(1e-4));
  REQUIRE(text["last_logits"].size() == 258);
  CHECK(text["last_logits"]['c'].get<double>() == Approx(4).margin(1e-3));

  const Ran plain = run_program({"score", "-m", model}, "ab\n");
  CHECK(plain.code == 0);
  CHECK(lines(plain.out) == 4);
  CHECK(plain.out.starts_with("256\t<s>\t-\n97\ta\t-1.7"));
  check_contains(plain.out, "# 2 tokens scored, log-probability -3.");

  CHECK(json_of({"score", "-m", model, "--json", "--ids", "97"})["perplexity"].is_null());
  check_error(run_program({"score", "-m", model, "--ids", "--json", "97 300"}), 2, "token id 300");
  check_error(run_program({"score", "-m", model, std::string(64, 'a')}), 4,
              "65 tokens and the model's context holds 64");
  check_error(run_program({"score", "-m", model, "--last-logits", "a"}), 2, "--json");
  check_error(run_program({"score", "-m", Folder({.bos = false}).path(), ""}), 2, "nothing to score");
}

TEST_CASE("score of a text without BOS counts the bytes that were scored") {
  const Folder folder({.preference = 4, .bos = false});
  const double likely = 4 - std::log(257 + std::exp(4.0));
  const Json score = json_of({"score", "-m", folder.path(), "--json", "abc"});
  CHECK(score["bits_per_byte"].get<double>() == Approx(-likely / std::log(2.0)).epsilon(1e-4));
}

TEST_CASE("inspect shows the plan") {
  const Folder folder({.generation_config = {{"top_k", 7}}});
  const Json plan = json_of({"inspect", "-m", folder.path(), "--json", "--tensors"});
  CHECK(plan["supported"] == true);
  CHECK(plan["family"] == "llama");
  CHECK(plan["embedding_scale"] == 1);
  CHECK(plan["logit_cap"].is_null());
  CHECK(plan["vocab_size"] == 258);
  CHECK(plan["context_length"] == 64);
  CHECK(plan["layers"].size() == 1);
  CHECK(plan["layers"][0]["mixer"]["head_dim"] == 2);
  CHECK(plan["layers"][0]["feed"]["gated"] == true);
  CHECK(plan["end_tokens"] == Json({256, 257}));
  CHECK(plan["sampling"]["top_k"] == 7);
  CHECK(plan["sampling"]["temperature"] == 0.8);
  CHECK(plan["formats"]["f32"]["tensors"] == plan["tensors"].size());
  CHECK(plan["kv_bytes_per_token"] >= 16);
  const Ran text = run_program({"inspect", "-m", folder.path(), "--tensors"});
  CHECK(text.code == 0);
  for (const char* part : {"llama", "attention", "rope", "silu", "top-k 7", "model.norm.weight"})
    check_contains(text.out, part);
  check_error(run_program({"inspect", "-m", folder.path(), "word"}), 2, "'word'");
}

TEST_CASE("inspect lists the kinds of models that run") {
  const Json listed = json_of({"inspect", "--families", "--json"});
  std::map<std::string, Json> by_type;
  for (const Json& row : listed["families"]) by_type[row["model_type"].get<std::string>()] = row;
  CHECK(by_type.size() == listed["families"].size());
  REQUIRE(by_type.count("llama"));
  CHECK(by_type["llama"]["gguf"] == Json::array({"llama"}));
  CHECK(by_type["llama"]["text_only"] == false);
  REQUIRE(by_type.count("gemma3"));
  CHECK(by_type["gemma3"]["text_only"] == true);
  const Ran text = run_program({"inspect", "--families"});
  CHECK(text.code == 0);
  check_contains(text.out, "  gguf qwen2, qwen2vl\n");
}

TEST_CASE("inspect tells what a sequence remembers, and what a batch's memory holds") {
  const std::string mamba = (source_folder() / "golden/mamba").string(),
                    jamba = (source_folder() / "golden/jamba").string();
  const auto bytes = [](const Json& plan, std::size_t i) {
    return plan["sequence_bytes"][i]["bytes"].get<std::size_t>();
  };
  const Json recurrent = json_of({"inspect", "-m", mamba, "--json"});
  CHECK(recurrent["sequence_bytes"][0]["tokens"] == 1000);
  CHECK(recurrent["sequence_bytes"][1]["tokens"] == 100000);
  CHECK(bytes(recurrent, 0) == bytes(recurrent, 1));
  const auto state = recurrent["recurrent_state_bytes"].get<std::size_t>();
  CHECK(bytes(recurrent, 0) >= state);
  CHECK(bytes(recurrent, 0) <= state + 128);  // with what its block needs to be found
  const Json mixed = json_of({"inspect", "-m", jamba, "--json", "--memory", "16M"});
  CHECK(bytes(mixed, 0) < bytes(mixed, 1));
  CHECK(mixed["memory"]["bytes"] == 16 << 20);
  CHECK(mixed["memory"]["recurrent_states"].get<std::size_t>() >=
        mixed["memory"]["sequences_at_once"].get<std::size_t>());
  check_contains(run_program({"inspect", "-m", jamba}).out, "recurrent states");
}

TEST_CASE("inspect tells what is known of a model that cannot be run") {
  const Folder folder;
  Json config = Json::parse(read_file(folder.path() + "/config.json"));
  config["model_type"] = "t5";
  folder.file("config.json", config.dump());
  const Ran text = run_program({"inspect", "-m", folder.path()});
  CHECK(text.code == 3);
  for (const char* part : {"cannot run", "this kind of model is not supported", "vocab_size 258", "tensors)"})
    check_contains(text.out, part);
  check_contains(text.err, "'model_type' is \"t5\"");
  CHECK(text.out.find("model.norm.weight") == std::string::npos);
  check_contains(run_program({"inspect", "-m", folder.path(), "--tensors"}).out, "model.norm.weight\tf32\t");
  const Ran ran = run_program({"inspect", "-m", folder.path(), "--json", "--tensors"});
  CHECK(ran.code == 3);
  const Json plan = Json::parse(ran.out);
  CHECK(plan["supported"] == false);
  CHECK(plan["family"] == "t5");
  CHECK(plan["config"]["vocab_size"] == 258);
  CHECK(plan["formats"]["f32"]["tensors"] == plan["tensors"].size());
  check_contains(plan["reason"].get<std::string>(), "not supported");
}

TEST_CASE("bench measures") {
  const Folder folder;
  const Json bench =
      json_of({"bench", "-m", folder.path(), "-p", "8", "-n", "4", "--repeat", "1", "-t", "1", "--json"});
  CHECK(bench["prompt_tokens"] == 8);
  CHECK(bench["generated_tokens"] == 4);
  CHECK(bench["threads"] == 1);
  for (const char* field : {"prompt_tokens_per_second", "generated_tokens_per_second", "gigabytes_per_second",
                            "bandwidth_gigabytes_per_second", "bandwidth_share", "prompt_share",
                            "prompt_gigaoperations_per_second", "fma_gigaoperations_per_second"}) {
    CAPTURE(field);
    CHECK(bench[field].get<double>() > 0);
  }
  check_error(run_program({"bench", "-m", folder.path(), "-p", "60", "-n", "5"}), 4,
              "exceed the model's context of 64");
  check_error(run_program({"bench", "-m", folder.path(), "-n", "1"}), 2, "--max-tokens is 1");
}

TEST_CASE("commands write to a closed or full stdout as they should") {
  const Folder folder;
  for (const char* command : {"tokenize", "score", "inspect"}) {
    CAPTURE(command);
    std::vector<std::string> arguments = {command, "-m", folder.path()};
    CHECK(run_program({.arguments = arguments, .input = "abc", .stdout_path = ""}).code == 0);
    check_error(run_program({.arguments = arguments, .input = "abc", .stdout_path = "/dev/full"}), 1,
                "cannot write to stdout");
  }
}
