// continuo quantize, and models that are one GGUF file.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

std::string tales() { return (source_folder().parent_path() / "models" / "tales").string(); }

std::string quantized(const TemporaryFolder& folder, const std::string& model, const std::string& format) {
  const std::string out = (folder.path() / (format + ".gguf")).string();
  const Ran ran = run_program({"quantize", model, out, "--to", format, "-q"});
  CHECK(ran.out == "");
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  return out;
}

}  // namespace

TEST_CASE("a GGUF file of the same weights is the same model, text included") {
  const TemporaryFolder folder;
  const std::string file = quantized(folder, tales(), "f32");
  for (const std::vector<std::string>& rest : std::vector<std::vector<std::string>>{
           {"-n", "30", "--greedy", "Once upon a time"}, {"-n", "30", "--seed", "5", "The king's 12 sons"}}) {
    std::vector<std::string> from_folder = {"-m", tales()}, from_file = {"-m", file};
    from_folder.insert(from_folder.end(), rest.begin(), rest.end());
    from_file.insert(from_file.end(), rest.begin(), rest.end());
    // generation_config.json is no part of a GGUF file: what it says is typed.
    for (auto* arguments : {&from_folder, &from_file}) {
      arguments->insert(arguments->end() - 1, {"--temperature", "0.7", "--top-p", "0.9", "--top-k", "0", "--min-p", "0",
                                               "--dry-multiplier", "0"});
    }
    const Ran want = run_program(from_folder);
    REQUIRE(want.out.size() > 20);
    check(run_program(from_file), want.out);
  }
  const std::string text = "It's 3 o'clock,\n\n  said  the \xe7\x8b\x90!";
  check(run_program({"tokenize", "-m", file, text}), run_program({"tokenize", "-m", tales(), text}).out);
  check(run_program({"score", "-m", file, text}), run_program({"score", "-m", tales(), text}).out);
}

TEST_CASE("quantized files are smaller, read alike whatever they were made from, and say what they are") {
  const TemporaryFolder folder;
  const std::string f32 = quantized(folder, tales(), "f32");
  const std::string q8_0 = quantized(folder, tales(), "q8_0");
  const TemporaryFolder other;
  REQUIRE(read_file(quantized(other, f32, "q8_0")).size() == read_file(q8_0).size());
  const auto scored = [](const std::string& model) {
    return run_program({"score", "-m", model, "--ids", "--json", "0 5 100 7 300 2"}).out;
  };
  const auto logprobs = [&](const std::string& model) { return Json::parse(scored(model))["logprobs"]; };
  CHECK(logprobs(q8_0) == logprobs((other.path() / "q8_0.gguf").string()));
  CHECK(logprobs(q8_0) != logprobs(f32));
  CHECK(read_file(q8_0).size() < read_file(f32).size() / 3);
  const Json plan = Json::parse(run_program({"inspect", "-m", q8_0, "--json"}).out);
  CHECK(plan["family"] == "llama");
  CHECK(plan["formats"]["q8_0"]["tensors"] == 43);
  CHECK(plan["formats"]["f32"]["tensors"] == 13);
}

TEST_CASE("rows that are no whole blocks get a format of smaller blocks, and stderr says so") {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "q4_k.gguf").string();
  const Ran ran = run_program({"quantize", tales(), out, "--to", "q4_k"});
  CHECK(ran.code == 0);
  CHECK(ran.err ==
        "continuo: warning: 6 tensors have rows of 576 values, which are no whole blocks of q4_k: q5_0 instead\n");
}

TEST_CASE("what quantize refuses, and that it leaves nothing behind") {
  const TemporaryFolder folder;
  const std::string out = (folder.path() / "out.gguf").string();
  check_error(run_program({"quantize", tales(), "--to", "q8_0"}), 2, "expected IN OUT.gguf --to FORMAT");
  check_error(run_program({"quantize", tales(), out}), 2, "--to FORMAT is missing (one of f32, f16, bf16, q8_0,");
  check_error(run_program({"quantize", tales(), out, "--to", "q9"}), 2, "--to is \"q9\", expected one of f32, f16");
  check_error(run_program({"quantize", out, out, "--to", "q8_0"}), 3, "out.gguf: no such file");
  const std::string file = quantized(folder, tales(), "f16");
  check_error(run_program({"quantize", file, file, "--to", "q8_0"}), 2, "is both what is read and what is written");
  check_error(run_program({"quantize", tales(), (folder.path() / "none" / "x.gguf").string(), "--to", "q8_0"}), 1,
              "cannot be written: No such file or directory");
  check_error(run_program({"quantize", tales(), folder.path().string(), "--to", "q8_0"}), 1,
              "is there already and no regular file");
  CHECK_FALSE(std::filesystem::exists(out));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);  // f16.gguf alone
}

TEST_CASE("GGUF files that are no models, or of none that is known") {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "x.gguf").string();
  write_file(path, "no GGUF file, though it is long enough");
  check_error(run_program({"-m", path, "x"}), 3, "x.gguf: byte 0: the file does not begin with \"GGUF\"");
  check_error(run_program({"-m", folder.path().string(), "x"}), 3,
              "x.gguf: byte 0: the file does not begin with \"GGUF\"");
  check_error(run_program({"tokenize", "-m", (folder.path() / "none.gguf").string(), "x"}), 3,
              "none.gguf: no such file");
}
