// Text on stdin beside a PROMPT: refused where it was sent to the program, left alone where it is somebody else's.
#include <chrono>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;

namespace {

// A script of bash, with the program as $CONTINUO, a model's options as $MODEL and its folder as $FOLDER.
Ran run_script(const Folder& folder, const std::string& script, std::string_view input = {}) {
  return run_program({.arguments = {"-c", script},
                      .input = std::string(input),
                      .environment = {{"CONTINUO", CONTINUO_BINARY},
                                      {"FOLDER", folder.path()},
                                      {"MODEL", "-m " + folder.path() + " --greedy -n3"}},
                      .program = "/bin/bash"});
}

const std::string kRefused = "there is text on stdin";

}  // namespace

TEST_CASE("text on stdin beside a text is refused") {
  const Folder folder;
  const std::string file = folder.file("prompt", "a");
  check_error(run_program(folder.with({"-n3", "a"}), "text"), 2, kRefused);
  check_error(run_program(folder.with({"-n3", "-p", "a"}), "text"), 2, kRefused);
  check_error(run_program(folder.with({"-n3", "-f", file}), "text"), 2, kRefused);
  check_error(run_program(folder.with({"-n3", "--", "-"}), "text"), 2, kRefused);
  check_error(run_program({"tokenize", "-m", folder.path(), "a"}, "text"), 2, kRefused);
  check_error(run_program({"score", "-m", folder.path(), "a"}, "text"), 2, kRefused);
  check_error(run_program({"explain", "-m", folder.path(), "a"}, "text"), 2, kRefused);
  for (const char* script :
       {"echo text | $CONTINUO $MODEL a", "$CONTINUO $MODEL a <<< text", "$CONTINUO $MODEL a < $FOLDER/config.json",
        "echo text | timeout 20 $CONTINUO $MODEL a", "cat <(echo text) | $CONTINUO $MODEL a",
        "printf '\\n' | $CONTINUO $MODEL a", "echo text | $CONTINUO $MODEL a; exit ${PIPESTATUS[1]}"}) {
    CAPTURE(script);
    check_error(run_script(folder, script), 2, kRefused);
  }
}

TEST_CASE("a stdin without text is no text") {
  const Folder folder;
  check(run_program(folder.with({"-n3", "a"}), ""), "bcd");
  for (const char* script : {"$CONTINUO $MODEL a < /dev/null", "$CONTINUO $MODEL a <&-", ": | $CONTINUO $MODEL a",
                             "$CONTINUO $MODEL a < <(:)", "echo a | xargs $CONTINUO $MODEL"}) {
    CAPTURE(script);
    check(run_script(folder, script), "bcd");
  }
}

TEST_CASE("an open pipe that never says anything holds up nothing") {
  const Folder folder;
  const auto start = std::chrono::steady_clock::now();
  check(run_script(folder, "exec 3< <(exec sleep 60); $CONTINUO $MODEL a <&3; kill $!"), "bcd");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}

TEST_CASE("a stdin that is only inherited is left alone, to the last byte") {
  const Folder folder;
  const std::string list = "one\ntwo\nthree\n";
  const std::string expected = "abc bcd;abc bcd;abc bcd;";
  const std::string loop =
      "while read -r line; do $CONTINUO $MODEL z | tr 'z' '-'; printf ' '; $CONTINUO $MODEL a; printf ';'; done";
  check(run_script(folder, loop, list), expected);
  check(run_script(folder, "printf '1\\n2\\n3\\n' | " + loop), expected);
  check(run_script(folder, "printf '1\\n2\\n3\\n' > \"$(mktemp)\"; " + loop + " <<< $'1\\n2\\n3'"), expected);
  check(run_script(folder, "$CONTINUO $MODEL a; cat", "rest"), "bcdrest");
  check(run_script(folder, "timeout 20 $CONTINUO $MODEL a; cat", "rest"), "bcdrest");
}

TEST_CASE("text that comes while a prompt is continued is not silently lost") {
  const Folder folder({.context = 1 << 20});
  const Ran ran =
      run_script(folder, "{ sleep 0.1; echo text; sleep 5; } | $CONTINUO $MODEL -n 20000 --ignore-eos a > /dev/null");
  CHECK(ran.code == 2);
  check_contains(ran.err, "stdin");
}
