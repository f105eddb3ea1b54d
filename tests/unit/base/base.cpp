#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/error.h"
#include "base/json.h"
#include "catch.h"

using namespace continuo;

TEST_CASE("a message is one line: file, offset, what, hint") {
  const Error error{.kind = ErrorKind::model, .what = "bad\nname", .file = "a/b", .offset = 7, .hint = "cut?"};
  REQUIRE(error.message() == "a/b: byte 7: bad\\x0aname (cut?)");
  REQUIRE(usage_error("no").message() == "no");
}

TEST_CASE("exit codes") {
  REQUIRE(exit_code(ErrorKind::usage) == 2);
  REQUIRE(exit_code(ErrorKind::model) == 3);
  REQUIRE(exit_code(ErrorKind::context) == 4);
  REQUIRE(exit_code(ErrorKind::output) == 1);
  REQUIRE(exit_code(ErrorKind::interrupted) == 130);
}

namespace {
Result<int> half(int n) {
  if (n % 2 != 0) return usage_error("odd");
  return n / 2;
}
Result<int> quarter(int n) {
  CONTINUO_TRY(const int h, half(n));
  CONTINUO_TRY(const int q, half(h));
  return q;
}
}  // namespace

TEST_CASE("CONTINUO_TRY hands values on and errors up") {
  REQUIRE(*quarter(8) == 2);
  REQUIRE(quarter(6).error().what == "odd");
}

TEST_CASE("a failed check ends the process with 70, in release too") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    close(STDERR_FILENO);
    CONTINUO_CHECK(1 + 1 == 3, "arithmetic");
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 70);
}

TEST_CASE("JSON: depth, trailing text, emptiness, offsets") {
  REQUIRE((*parse_json(R"({"a":[1,2]})", "f"))["a"][1] == 2);
  const std::string deep = std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']');
  REQUIRE(parse_json(deep, "f").error().message() == "f: byte 64: JSON nests deeper than 64 levels");
  REQUIRE(parse_json(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']'), "f"));
  REQUIRE(parse_json("", "f").error().hint == "the file is empty");
  REQUIRE(parse_json("[1] x", "f").error().offset == 4);
  REQUIRE(parse_json("\"[[[\\\"[[\"", "f"));  // brackets inside a string do not nest
  REQUIRE_FALSE(parse_json("{\"a\":\"\xff\"}", "f"));
}
