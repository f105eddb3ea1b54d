// --state: a beginning that is computed once and continued from a file.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
namespace fs = std::filesystem;
using Json = nlohmann::json;

namespace {

const std::string kBeginning =
    "Once upon a time there was a little girl who lived in a small house near a big wood. She had a red ball and a "
    "brown dog, and every day they went out to play. One day the ball rolled down the hill and into the wood. ";

std::vector<std::string> with_state(const fs::path& file, std::vector<std::string> rest) {
  std::vector<std::string> arguments = {"-n", "20", "--seed", "7", "--state", file.string()};
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  return arguments;
}

std::string without_state(std::vector<std::string> rest) {
  std::vector<std::string> arguments = {"-n", "20", "--seed", "7"};
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  const Ran ran = run_program(arguments);
  REQUIRE(ran.code == 0);
  return ran.out;
}

}  // namespace

TEST_CASE("--state writes a file once, and every later run goes on from it with the same bytes") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "state";
  check(run_program(with_state(file, {kBeginning + "She"})), without_state({kBeginning + "She"}));
  const std::string written = read_file(file);
  REQUIRE(written.size() > 10000);
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  for (const std::string end : {"She", "Then the dog said", ""}) {
    for (const char* const more : {"--lookup", "--json", "-t1"}) {
      check(run_program(with_state(file, {more, kBeginning + end})), without_state({more, kBeginning + end}));
    }
  }
  const Ran verbose = run_program(with_state(file, {"-v", kBeginning + "Then the dog said"}));
  check_contains(verbose.err, "tokens from " + file.string());
  CHECK(read_file(file) == written);
  const Ran other = run_program(with_state(file, {"--ids", "900 901 902"}));
  CHECK(other.code == 0);
  check_contains(other.err, "not used: the prompt begins with another text");
}

TEST_CASE("--state: files that are no states, damaged, or of other options are refused, and nothing is printed") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "state";
  REQUIRE(run_program(with_state(file, {kBeginning})).code == 0);
  const std::string written = read_file(file);
  check_error(run_program(with_state(file, {"--kv-type", "f16", kBeginning})), 3,
              file.string() + ": was written with --kv-type f32, this run has f16");
  check_error(run_program(with_state(file, {"-m", "poems", kBeginning})), 3, "was written for another model");
  write_file(file, written.substr(0, written.size() / 2));
  check_error(run_program(with_state(file, {kBeginning})), 3, "the saved state is cut off or altered");
  write_file(file, "");
  check_error(run_program(with_state(file, {kBeginning})), 3, "is no saved state");
  CHECK(read_file(file) == "");
  check_error(run_program(with_state(folder.path(), {kBeginning})), 3, folder.path().string());
  const Ran nowhere = run_program(with_state(folder.path() / "no" / "state", {kBeginning}));
  CHECK(nowhere.code == 1);
  CHECK(nowhere.out == "");
  check_contains(nowhere.err, "cannot be written");
}

TEST_CASE("--state: a prompt of one token has no beginning to keep") {
  const TemporaryFolder folder;
  const Ran ran = run_program(with_state(folder.path() / "state", {"--ids", "5"}));
  CHECK(ran.code == 0);
  check_contains(ran.err, "not written: there is no beginning to keep");
  CHECK(!fs::exists(folder.path() / "state"));
}

TEST_CASE("batch --state: what the first two prompts have in common serves all of them") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "state";
  std::string input;
  for (const char* const end : {"She", "Then the dog said", "It", "\\\"Oh no!\\\""}) {
    input += R"({"prompt": ")" + kBeginning + end + "\"}\n";
  }
  const Ran plain = run_program({"batch", "-n", "12"}, input);
  REQUIRE(plain.code == 0);
  check(run_program({"batch", "-n", "12", "--state", file.string()}, input), plain.out);
  REQUIRE(fs::exists(file));
  const std::string written = read_file(file);
  check(run_program({"batch", "-n", "12", "--state", file.string()}, input), plain.out);
  CHECK(read_file(file) == written);
  check(run_program(with_state(file, {kBeginning + "It"})), without_state({kBeginning + "It"}));

  const fs::path single = folder.path() / "single";
  const std::string first = input.substr(0, input.find('\n') + 1);
  check(run_program({"batch", "-n", "12", "--state", single.string()}, first),
        plain.out.substr(0, plain.out.find('\n') + 1));
  CHECK(fs::exists(single));
  const Ran nothing = run_program({"batch", "-n", "3", "--state", (folder.path() / "none").string()},
                                  "{\"prompt\": \"One day\"}\n{\"prompt\": \"Two cats\"}\n");
  CHECK(nothing.code == 0);
  check_contains(nothing.err, "not written: the first two prompts begin with");
  CHECK(!fs::exists(folder.path() / "none"));
  check_error(run_program({"batch", "--no-sharing", "--state", file.string()}, input), 2,
              "--state does not go with --no-sharing");
}
