#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "base/json.h"
#include "base/printable.h"
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

TEST_CASE("JSON: what stands behind the value, twice, or outside of JSON") {
  const auto error = [](std::string_view text) {
    const auto json = parse_json(text, "f");
    return json ? std::string() : json.error().message();
  };
  CHECK(error(std::string_view("{}\0junk", 7)) == "f: byte 2: not valid JSON: a zero byte stands behind the value");
  CHECK(error("1 2") == "f: byte 2: not valid JSON: more stands behind the value");
  CHECK(error(R"({"a": 1, "a": 1})") == "f: the key 'a' stands twice");
  CHECK(error(R"([{"b": {"a": 1, "a": 1}}])") == "f: the key 'a' stands twice");
  for (const char* number : {"NaN", "Infinity", "-Infinity"}) {
    CHECK(error(std::string("[") + number + "]") ==
          "f: byte 1: not valid JSON: " + std::string(number) + " is no number in JSON");
  }
  CHECK(error("[1e400]") == "f: byte 1: a number out of range: 1e400");
  for (const char* text : {"[01]",
                           "[1.]",
                           "[.5]",
                           "[+1]",
                           "[1e]",
                           "[-]",
                           "[nul]",
                           "[1,]",
                           "{,}",
                           "{\"a\"}",
                           "{1:2}",
                           "[",
                           "\"a",
                           "\"\\x\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\u12g4\"",
                           "\"\n\"",
                           "'a'",
                           "\"\xed\xa0\x80\"",
                           "\"\xc0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "",
                           " ",
                           "nan",
                           "-NaN",
                           "inf"}) {
    INFO(text);
    CHECK_FALSE(parse_json(text, "f"));
  }
  CHECK(*parse_json(
            "\xef\xbb\xbf \t{\"a\": [true, null, -7, 18446744073709551615, 0.5e1, \"\\u00e9\\ud83d\\ude00\\/\"]}\r\n",
            "f") == Json({{"a", {true, nullptr, -7, 18446744073709551615u, 5.0, "\xc3\xa9\xf0\x9f\x98\x80/"}}}));
  CHECK(*parse_json("1e-400", "f") == 0.0);
  CHECK(parse_json("-9223372036854775808", "f")->is_number_integer());
  CHECK(parse_json("123456789012345678901234567890", "f")->is_number_float());
}

TEST_CASE("JSON as Python writes it") {
  const auto json =
      parse_json(R"({"a": [0.0, Infinity, -Infinity, 1e400, -1e400], "b": NaN})", "f", JsonDialect::python);
  REQUIRE(json);
  CHECK((*json)["a"][1].get<double>() == INFINITY);
  CHECK((*json)["a"][2].get<double>() == -INFINITY);
  CHECK((*json)["a"][3].get<double>() == INFINITY);
  CHECK((*json)["a"][4].get<double>() == -INFINITY);
  CHECK(std::isnan((*json)["b"].get<double>()));
  CHECK(shown_json((*json)["a"][2]) == "-Infinity");
  CHECK(shown_json((*json)["b"]) == "NaN");
  CHECK_FALSE(parse_json("[-NaN]", "f", JsonDialect::python));
  CHECK_FALSE(parse_json("[Infinit]", "f", JsonDialect::python));
}

TEST_CASE("numbers as they are written") {
  CHECK(number_as_written(R"({"x": {"id": 1e5}, "id": 1.50e2, "y": [2.5]})", "id") == "1.50e2");
  CHECK(number_as_written(R"({"id": "a"})", "id") == std::nullopt);
  CHECK(number_as_written(R"({"id": 12345678901234567890123})", "id") == "12345678901234567890123");
}

TEST_CASE("messages are one line that a terminal shows as it is") {
  CHECK(printable("a\tb\x1b[0m\x7f \xc2\x9b \xe2\x80\xae \xe2\x80\xa8 \xff \xc3\xa9") ==
        "a\\x09b\\x1b[0m\\x7f \\xc2\\x9b \\xe2\\x80\\xae \\xe2\\x80\\xa8 \\xff \xc3\xa9");
  Error error = usage_error(std::string(20'000, 'b') + " is wrong", "the hint");
  error.file = "FILE";
  const std::string message = error.message();
  CHECK(message.size() <= 1000);
  CHECK(message.starts_with("FILE: bbb"));
  CHECK(message.ends_with("b is wrong (the hint)"));
  for (int shift = 0; shift < 4; ++shift) {  // whole characters are left out
    const std::string cut = message_line(std::string(static_cast<std::size_t>(shift), 'a') + [] {
      std::string text;
      for (int i = 0; i < 1000; ++i) text += "\xe2\x82\xac";
      return text;
    }());
    CHECK(printable(cut) == cut);
  }
}
