// What the system and others do to a run: files that may not grow or are deleted, signals that are ignored,
// names with control characters, threads that cannot start.
#include <signal.h>

#include <filesystem>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
namespace fs = std::filesystem;

namespace {

std::string many_requests(int n) {
  std::string input;
  for (int i = 0; i < n; ++i) input += "{\"prompt\": \"a" + std::to_string(i) + "\", \"max_tokens\": 12}\n";
  return input;
}

// The binary as a shell starts it after some words of its own.
Run in_shell(const std::string& first, std::vector<std::string> arguments) {
  Run run{.arguments = {"-c", first + "; exec \"$0\" \"$@\"", CONTINUO_BINARY}, .program = "/bin/sh"};
  run.arguments.insert(run.arguments.end(), arguments.begin(), arguments.end());
  return run;
}

}  // namespace

TEST_CASE("answers that somebody deletes are missed") {
  const Folder folder;
  const std::string in = folder.file("in.jsonl", many_requests(3000)), out = folder.path() + "/out";
  const Ran ran = run_program({.arguments = {"batch", "-v", "-m", folder.path(), in, "-o", out, "-b", "2", "-t", "1"},
                               .on_first_message = [&](int) { fs::remove(out); }});
  CHECK(ran.code == 1);
  check_contains(ran.err, "the file was deleted while its answers were written");
}

TEST_CASE("a file that may not grow is an error of write") {
  const Folder folder;
  const std::string in = folder.file("in.jsonl", many_requests(200));
  const Ran ran =
      run_program(in_shell("ulimit -f 8", {"batch", "-q", "-m", folder.path(), in, "-o", folder.path() + "/out"}));
  CHECK(ran.code == 1);
  check_contains(ran.err, "cannot write the answers: File too large");
  const Folder weights({.tokenizer = false});
  const Ran quantized = run_program(
      in_shell("ulimit -f 8", {"quantize", "-q", weights.path(), weights.path() + "/q.gguf", "--to", "q8_0"}));
  CHECK(quantized.code == 1);
  check_contains(quantized.err, "File too large");
  for (const auto& entry : fs::directory_iterator(weights.path()))
    CHECK(entry.path().filename().string().find("gguf") == std::string::npos);
}

TEST_CASE("a signal that was ignored before stays ignored") {
  const Folder folder;
  const std::string in = folder.file("in.jsonl", many_requests(300));
  Run run = in_shell("trap '' INT", {"batch", "-v", "-m", folder.path(), in, "-b", "2", "-t", "1"});
  run.on_first_message = [](int process) { kill(process, SIGINT); };
  const Ran ran = run_program(run);
  CHECK(ran.code == 0);
  CHECK(lines(ran.out) == 300);
}

TEST_CASE("names do not reach a terminal as control sequences") {
  const TemporaryFolder place;
  const std::string folder = (place.path() / "f\x1b]0;x\x07\xc2\x9b\xe2\x80\xae").string();
  TinyModel().write(folder);
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"inspect", "-m", folder},
        {"-v", "-m", folder, "-n", "1", "a"},
        {"-m", folder + "/no", "a"},
        {"bench", "-m", folder, "--prompt-tokens", "4", "--max-tokens", "2", "--repeat", "1"}}) {
    const Ran ran = run_program(arguments);
    INFO(ran.out << ran.err);
    for (const char* sequence : {"\x1b", "\x07", "\xc2\x9b", "\xe2\x80\xae"}) {
      CHECK(ran.out.find(sequence) == std::string::npos);
      CHECK(ran.err.find(sequence) == std::string::npos);
    }
  }
}
