// What people publish and write, and what other tools take for granted: null and absent, JSON and more than JSON,
// broken defaults, older indices, numbers that are none, names with variables.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

Ran batch(const Folder& folder, std::string_view input, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments = {"batch", "-m", folder.path(), "--greedy", "-n", "2"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_program(arguments, input);
}

Json answer(const Ran& ran) { return Json::parse(ran.out.substr(0, ran.out.find('\n'))); }

std::string error_type(const Ran& ran) {
  CHECK(ran.code == 1);
  const Json json = answer(ran);
  return json.contains("error") ? json["error"]["type"].get<std::string>() : "none";
}

}  // namespace

TEST_CASE("fields that are null are not there") {
  const Folder folder;
  CHECK(error_type(batch(folder, R"({"prompt": null})")) == "invalid_request");
  CHECK(error_type(batch(folder, R"({"prompt": null, "prompt_ids": null})")) == "invalid_request");
  CHECK(answer(batch(folder, R"({"prompt": null, "prompt_ids": [97]})"))["ids"] == Json({98, 99}));
  CHECK(answer(batch(folder, R"({"prompt": "a", "prompt_ids": null})"))["text"] == "bc");
  Json all = {{"prompt", "a"}};
  for (const char* field :
       {"id", "max_tokens", "stop", "ignore_eos", "n", "seed", "logprobs", "echo", "stream", "temperature", "top_k",
        "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty", "logit_bias"}) {
    all[field] = nullptr;
  }
  const Json whole = answer(batch(folder, all.dump()));
  CHECK(whole["text"] == "bc");
  CHECK(whole["id"] == 1);
  CHECK_FALSE(whole.contains("logprobs"));
}

TEST_CASE("more than JSON is refused by what it is") {
  const Folder folder;
  const auto message = [&](std::string_view line) {
    const Ran ran = batch(folder, line);
    CHECK(error_type(ran) == "invalid_json");
    return answer(ran)["error"]["message"].get<std::string>();
  };
  using namespace std::string_view_literals;
  CHECK(message("{\"prompt\": \"a\"}\0{\"prompt\": \"b\"}\0"sv) ==
        "byte 15: not valid JSON: a zero byte stands behind the value");
  CHECK(message(R"({"prompt": "a"} {"prompt": "b"})") == "byte 16: not valid JSON: more stands behind the value");
  CHECK(message(R"({"prompt": "a", "temperature": NaN})") == "byte 31: not valid JSON: NaN is no number in JSON");
  CHECK(message(R"({"prompt": "a", "temperature": -Infinity})") ==
        "byte 31: not valid JSON: -Infinity is no number in JSON");
  CHECK(message(R"({"prompt": "a", "seed": 1e400})") == "byte 24: a number out of range: 1e400");
  CHECK(message(R"({"prompt": "a", "prompt": "b"})") == "the key 'prompt' stands twice");
  const Ran scored = run_program({"score", "-m", folder.path(), "--jsonl"}, "{\"text\":\"ab\"}\0junk\n"sv);
  CHECK(error_type(scored) == "invalid_json");
}

TEST_CASE("ids come back as they were written") {
  const Folder folder;
  for (const char* id : {"12345678901234567890123", "-9223372036854775809", "1e5", "1.50", "-0", "18446744073709551615",
                         "0.1", "\"x\\u00e9\"", "-7"}) {
    INFO(id);
    const std::string written = std::string(id) == "\"x\\u00e9\"" ? "\"x\xc3\xa9\"" : id;
    const Ran ran = batch(folder, "{\"id\": " + std::string(id) + ", \"prompt\": \"a\"}\n{\"id\": " + id + "}\n");
    CHECK(ran.out.starts_with("{\"id\":" + written + ",\"text\":\"bc\""));
    check_contains(ran.out, "\n{\"id\":" + written + ",\"error\"");
    const Ran scored =
        run_program({"score", "-m", folder.path(), "--jsonl"}, "{\"id\": " + std::string(id) + ", \"text\": \"ab\"}");
    CHECK(scored.out.starts_with("{\"id\":" + written + ",\"logprob\""));
  }
}

TEST_CASE("tables are UTF-8") {
  const Folder folder;
  const Ran ran = batch(folder, "id,prompt\nx,caf\xe9\n\xe9,a\ny,a\n", {"--format", "csv"});
  CHECK(ran.code == 1);
  CHECK(lines(ran.out) == 4);
  check_contains(ran.out, "1,1,0,1,,,,,,,,");
  check_contains(ran.out, "invalid_csv,the row is not UTF-8 from its byte 5 on (save the table as UTF-8)");
  check_contains(ran.out, "y,3,0,1,bc,length");
  CHECK(ran.out.find('\xe9') == std::string::npos);
}

TEST_CASE("DRY finds its breakers with the tokenizer, also where ids go in and out") {
  const std::vector<std::string> ids = {"--ids", "-n", "2", "97"};
  const Folder plain, asks({.generation_config = {{"dry_multiplier", 1.0}, {"temperature", 0.5}}}),
      no_tokenizer({.tokenizer = false, .generation_config = {{"dry_multiplier", 1.0}, {"temperature", 0.5}}});
  const std::string want = run_program(plain.with(ids)).out;
  REQUIRE(!want.empty());
  check(run_program(plain.with({"--dry-multiplier", "1", "--ids", "-n", "2", "97"})), want);
  check(run_program({"-m", asks.path(), "--ids", "-n", "2", "97"}),
        want);  // not greedy, where the file's DRY has no part
  const Ran left_out = run_program({"-m", no_tokenizer.path(), "--ids", "-n", "2", "97"});
  CHECK(left_out.code == 0);
  CHECK(left_out.out == want);
  check_contains(left_out.err, "'dry_multiplier' is left out, because the model has no tokenizer");
}

TEST_CASE("defaults that something typed replaces need not be sound") {
  for (const Json& file :
       {Json{{"top_p", 0.0}}, Json{{"top_k", -1}}, Json{{"temperature", "0.7"}}, Json{{"top_k", 50.0}},
        Json{{"min_p", 7}}, Json{{"repetition_penalty", -1}}, Json{{"typical_p", {1}}}, Json{{"dry_multiplier", -1}}}) {
    INFO(file.dump());
    const Folder folder({.generation_config = file});
    check(run_program({"-m", folder.path(), "--temperature", "0", "--top-p", "0.9", "--top-k", "5", "--min-p", "0",
                       "--typical-p", "1", "--repeat-penalty", "1", "--dry-multiplier", "0", "-n", "2", "a"}),
          "bc");
    const Ran plain = run_program({"-m", folder.path(), "-n", "2", "a"});
    check_error(plain, 3, "generation_config.json: '" + file.begin().key() + "' is ");
    check_contains(plain.err, "replaces it)");
  }
  // What only a draw needs does not matter where nothing is drawn.
  const Folder folder({.generation_config = {{"top_p", 0.0}, {"top_k", -1}}});
  check(run_program(folder.with({"-n", "2", "a"})), "bc");
}

TEST_CASE("a configuration as Python writes it") {
  const TinyModel model;
  const Folder folder(model);
  std::string config = model.config().dump();
  config.back() = ',';
  folder.file("config.json", config + R"("time_limit": [0.0, Infinity, -Infinity, 1e400], "unused": NaN})");
  check(run_program(folder.with({"-n", "2", "a"})), "bc");
  folder.file("config.json", config + R"("attention_bias": NaN})");
  check_error(run_program(folder.with({"a"})), 3, "'attention_bias' is NaN, expected true or false");
  folder.file("config.json", config + R"("initializer": 1})" + std::string("\0{\"x\": 7", 8));
  check_error(run_program(folder.with({"a"})), 3, "a zero byte stands behind the value");
}

TEST_CASE("an index may name tensors that nobody needs") {
  const TinyModel model;
  const Folder folder(model);
  fs::rename(folder.path() + "/model.safetensors", folder.path() + "/model-00001-of-00001.safetensors");
  Json map;
  for (const char* name :
       {"model.embed_tokens.weight", "lm_head.weight", "model.norm.weight", "model.layers.0.input_layernorm.weight",
        "model.layers.0.post_attention_layernorm.weight", "model.layers.0.self_attn.q_proj.weight",
        "model.layers.0.self_attn.k_proj.weight", "model.layers.0.self_attn.v_proj.weight",
        "model.layers.0.self_attn.o_proj.weight", "model.layers.0.mlp.gate_proj.weight",
        "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.down_proj.weight"}) {
    map[name] = "model-00001-of-00001.safetensors";
  }
  const auto run = [&](const std::string& more) {
    Json index = map;
    if (!more.empty()) index[more] = "model-00001-of-00001.safetensors";
    folder.file("model.safetensors.index.json", Json{{"metadata", nullptr}, {"weight_map", index}}.dump());
    return run_program(folder.with({"-n", "2", "a"}));
  };
  check(run(""), "bc");
  check(run("model.layers.0.self_attn.rotary_emb.inv_freq"), "bc");
  check_error(run("model.layers.1.mlp.down_proj.weight"), 3,
              "tensor 'model.layers.1.mlp.down_proj.weight' should be in ");
}

TEST_CASE("scores that are no numbers are no results") {
  const Folder folder({.norm = std::numeric_limits<float>::quiet_NaN()});
  check_error(run_program({"score", "-m", folder.path(), "abc"}), 3, "a score is not a number");
  const Json record = {{"prompt", "a"}, {"choices", {"b", "c"}}, {"answer", 0}};
  const auto scored = run_program({"score", "-m", folder.path(), "--jsonl", "--summary"}, record.dump());
  CHECK(scored.code == 1);
  const Json summary = Json::parse(scored.out.substr(scored.out.find('\n') + 1));  // behind the record's own line
  CHECK(summary["errors"] == 1);
  CHECK_FALSE(summary.contains("accuracy"));
  check_error(run_program(folder.with({"a"})), 3, "no score of the next token is a number");
}

TEST_CASE("bytes are those that the scored tokens spell, whatever flag the first token has") {
  const TinyModel model;
  for (const bool special : {true, false}) {
    const Folder folder(model);
    Json tokenizer = model.tokenizer_json();
    tokenizer["added_tokens"][0]["special"] = special;
    folder.file("tokenizer.json", tokenizer.dump());
    const Ran ran = run_program({"score", "-m", folder.path(), "--jsonl"}, Json{{"text", "abcde"}}.dump());
    CHECK(Json::parse(ran.out)["bytes"] == 5);
  }
  const Folder without({.bos = false});  // the first token is the text's own, and is not scored
  const auto bytes = [&](const std::string& text) {
    const Ran ran = run_program({"score", "-m", without.path(), "--jsonl"}, Json{{"text", text}}.dump());
    return Json::parse(ran.out)["bytes"].get<int>();
  };
  CHECK(bytes("abcde") == 4);
  CHECK(bytes("\xe2\x82\xac") == 2);
  CHECK(bytes("</s>ab") == 2);
}

TEST_CASE("where the hub's cache is, as no shell expanded it") {
  TemporaryFolder place;
  const fs::path snapshot = place.path() / "hh/hub/models--org--m/snapshots/0123";
  TinyModel().write(snapshot);
  fs::create_directories(place.path() / "hh/hub/models--org--m/refs");
  write_file(place.path() / "hh/hub/models--org--m/refs/main", "0123");
  const std::string home = place.path().string();
  const auto run = [&](std::map<std::string, std::string> variables) {
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_HOME"})
      variables.try_emplace(name, "");
    variables.try_emplace("HOME", home);
    return run_program({.arguments = {"-m", "org/m", "--greedy", "-n2", "a"}, .environment = variables});
  };
  check(run({{"HF_HOME", "~/hh"}}), "bc");
  check(run({{"HF_HOME", "$HOME/hh"}}), "bc");
  check(run({{"HF_HUB_CACHE", "${HOME}/hh/hub"}}), "bc");
  check(run({{"HF_HUB_CACHE", "~/hh/hub"}}), "bc");
  check(run({{"HUGGINGFACE_HUB_CACHE", "$PLACE/hh/hub"}, {"PLACE", home}}), "bc");
  check_error(run({{"HF_HOME", "$NO_SUCH_VARIABLE/hh"}}), 3, "in whose name a variable is not set");
  check_error(run({{"HF_HOME", "/no/such/folder"}}), 3, "there is no Hugging Face cache /no/such/folder/hub");
  fs::remove_all(snapshot);
  check_error(run({{"HF_HOME", "~/hh"}}), 3, "is the commit 0123, of which it has no snapshot");
}

TEST_CASE("a batch does not read its own answers") {
  const Folder folder;
  const std::string file = folder.file("in.jsonl", "{\"prompt\": \"a\"}\n");
  const int out = open(file.c_str(), O_WRONLY | O_APPEND);
  REQUIRE(out >= 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(out, STDOUT_FILENO);
    const std::string model = folder.path();
    execl(CONTINUO_BINARY, "continuo", "batch", "-q", "-m", model.c_str(), file.c_str(), nullptr);
    _exit(99);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  close(out);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 2);
  CHECK(read_file(file) == "{\"prompt\": \"a\"}\n");
}

TEST_CASE("increments of several samples come one sample after the other") {
  const Folder folder;
  std::string input;
  for (int i = 0; i < 6; ++i)
    input += R"({"prompt": "a", "max_tokens": 4, "stream": true, "n": 3})"
             "\n";
  const Ran alone = batch(folder, input, {"-b", "1"});
  CHECK(alone.code == 0);
  CHECK(lines(alone.out) == 6 * (3 * 4 + 1));
  for (const std::vector<std::string>& how :
       {std::vector<std::string>{"-b", "32"}, {"-b", "5", "--lookup"}, {"--step-tokens", "3"}}) {
    CHECK(batch(folder, input, how).out == alone.out);
  }
}

TEST_CASE("a run is not resumed with answers of other requests") {
  const Folder folder;
  const std::string in = "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n";
  const auto run = [&](const std::string& input, std::vector<std::string> more) {
    const std::string file = folder.file("in.jsonl", input);
    more.insert(more.end(), {"-o", folder.path() + "/out", file});
    return batch(folder, "", more);
  };
  CHECK(run(in, {}).code == 0);
  const std::string whole = read_file(folder.path() + "/out");
  const std::string first_two = whole.substr(0, whole.find('\n', whole.find('\n') + 1) + 1);
  const auto resume = [&](const std::string& input, std::vector<std::string> more = {}) {
    folder.file("out", first_two);
    more.push_back("--resume");
    return run(input, more);
  };
  CHECK(resume(in).code == 0);
  CHECK(read_file(folder.path() + "/out") == whole);
  const auto refused = [&](const std::string& input, std::vector<std::string> more = {}) {
    const Ran ran = resume(input, more);
    CHECK(ran.code == 2);
    check_contains(ran.err, "has changed since it was answered");
  };
  refused("{\"prompt\": \"a\"}\n{\"prompt\": \"x\"}\n{\"prompt\": \"c\"}\n");
  refused("{\"prompt\": \"a\", \"max_tokens\": 1}\n{\"prompt\": \"b\"}\n{\"prompt\": \"c\"}\n");
  refused("{\"prompt\": \"b\"}\n{\"prompt\": \"a\"}\n{\"prompt\": \"c\"}\n");
  refused(in, {"--repeat-penalty", "1.5"});
  refused(in, {"-n", "5"});
  for (const auto& [option, value] : std::map<std::string, std::string>{{"--repeat-last-n", "3"},
                                                                        {"--no-repeat-ngram", "2"},
                                                                        {"--dry-multiplier", "1"},
                                                                        {"--dry-base", "2"},
                                                                        {"--dry-allowed-length", "3"},
                                                                        {"--dry-penalty-last-n", "9"},
                                                                        {"--min-tokens", "2"},
                                                                        {"--top-n-sigma", "2"},
                                                                        {"--dynatemp-range", "0.1"},
                                                                        {"--dynatemp-exponent", "2"},
                                                                        {"--top-h", "0.5"},
                                                                        {"--epsilon-cutoff", "0.1"},
                                                                        {"--eta-cutoff", "0.1"},
                                                                        {"--xtc-probability", "0.5"},
                                                                        {"--xtc-threshold", "0.2"},
                                                                        {"--mirostat", "2"},
                                                                        {"--mirostat-tau", "4"},
                                                                        {"--mirostat-eta", "0.2"},
                                                                        {"--adaptive-target", "0.5"},
                                                                        {"--adaptive-decay", "0.5"},
                                                                        {"--dry-sequence-breaker", "x"},
                                                                        {"--samplers", "top_k"},
                                                                        {"--exponential-decay-length-penalty", "3:1.1"},
                                                                        {"--banned-string", "x"},
                                                                        {"--allowed-token-id", "98"},
                                                                        {"--stop-token-id", "98"},
                                                                        {"--choice", "b"},
                                                                        {"--stop", "c"}}) {
    INFO(option);
    refused(in, {option, value});
  }
}
