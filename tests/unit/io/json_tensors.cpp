#include <cstring>

#include "catch.h"
#include "io/checkpoint.h"
#include "unit/io/samples.h"

using namespace continuo;
using continuo::test::blob_of;
using continuo::test::message_of;

namespace {

std::string refusal(const std::string& text) {
  Checkpoint into;
  const std::string message = message_of(read_json_tensors(blob_of(text, "m"), into));
  return message.starts_with("m: ") ? message.substr(3) : message;
}

}  // namespace

TEST_CASE("model.json: nested arrays become tensors", "[io]") {
  const std::string text = R"({
    "_": ["remarks", "of two lines"],
    "matrix": [[1, -2.5, 3e2], [4, 5, 6]],
    "_matrix": "a remark",
    "vector": [0.1, 18446744073709551615],
    "cube": [[[1], [2]], [[3], [4]]]
  })";
  Checkpoint into;
  REQUIRE(message_of(read_json_tensors(blob_of(text, "m"), into)).empty());
  REQUIRE(into.tensors.size() == 3);
  const TensorView& matrix = into.tensors.at("matrix");
  CHECK(matrix.shape == std::vector<std::size_t>{2, 3});
  CHECK(matrix.format == Format::f32);
  REQUIRE(matrix.bytes.size() == 24);
  float values[6];
  std::memcpy(values, matrix.bytes.data(), 24);
  CHECK(values[1] == -2.5f);
  CHECK(values[2] == 300.0f);
  CHECK(values[5] == 6.0f);
  std::memcpy(values, into.tensors.at("vector").bytes.data(), 8);
  CHECK(values[0] == 0.1f);
  CHECK(values[1] == 0x1p64f);
  CHECK(into.tensors.at("cube").shape == std::vector<std::size_t>{2, 2, 1});
  CHECK(into.owned.size() == 3);
}

TEST_CASE("model.json: errors name the tensor and the place in it", "[io]") {
  CHECK(refusal(R"({"w": [[1, 2], [3]]})") == "w[1]: 1 long, those before it 2");
  CHECK(refusal(R"({"w": [[1, 2], [3, 4, 5]]})") == "w[1]: 3 long, those before it 2");
  CHECK(refusal(R"({"w": [[[1]], [[2], [3]]]})") == "w[1]: 2 long, those before it 1");
  CHECK(refusal(R"({"w": [[1, 2], 3]})") == "w[1]: a number where the values before it are arrays");
  CHECK(refusal(R"({"w": [1, [2]]})") == "w[1]: an array where the values before it are numbers");
  CHECK(refusal(R"({"w": []})") == "w: an empty array");
  CHECK(refusal(R"({"w": [[]]})") == "w[0]: an empty array");
  CHECK(refusal(R"({"w": [[1], []]})") == "w[1]: an empty array");
  CHECK(refusal(R"({"w": [[1, "x"]]})") == "w[0][1]: 'x' is not a number");
  CHECK(refusal(R"({"w": [[1, null]]})") == "w[0][1]: unexpected null");
  CHECK(refusal(R"({"w": [true]})") == "w[0]: unexpected true or false");
  CHECK(refusal(R"({"w": [{}]})") == "w[0]: unexpected an object");
  CHECK(refusal(R"({"w": {"x": [1]}})") == "w: unexpected an object");
  CHECK(refusal(R"({"w": 3})") == "w: a number, expected an array");
  CHECK(refusal(R"({"w": "text"})") == "w: 'text' is not a number");
  CHECK(refusal(R"({"w": [1e39]})") == "w[0]: 1e+39 is out of float32's range");
  CHECK(refusal(R"({"w": [[0, -3.5e38]]})") == "w[0][1]: -3.5e+38 is out of float32's range");
  CHECK(refusal(R"({"w": [0, 1e999]})") == "byte 10: a number out of range in w[1]: 1e999");
  CHECK(refusal(R"({"w": [0, NaN]})") == "byte 10: not valid JSON in w[1]: NaN is no number in JSON");
  CHECK(refusal(R"({"w": [1], "w": [1]})") == "w: stands twice");
  CHECK(refusal(R"({"w": [[[[[[[[[1]]]]]]]]]})") == "w[0][0][0][0][0][0][0][0]: more than 8 dimensions");
  CHECK(refusal(R"({"w": [)" + std::string(100, '[') + "]}") == "w[0][0][0][0][0][0][0][0]: more than 8 dimensions");
  CHECK(refusal(R"({"_w": )" + std::string(100, '[') + "}") == "byte 70: JSON nests deeper than 64 levels");
}

TEST_CASE("model.json: the file is one object", "[io]") {
  CHECK(refusal("{}").empty());
  CHECK(refusal("[1]") == "unexpected an array");
  CHECK(refusal("3") == "unexpected number");
  CHECK(refusal("\"x\"") == "unexpected a string");
  CHECK(refusal("null") == "unexpected null");
  CHECK_FALSE(refusal("").empty());
  CHECK(refusal(R"({"_": 3})") == "_: unexpected number");
  CHECK(refusal(R"({"_": {}})") == "_: unexpected an object");
}

TEST_CASE("model.json: a file cut anywhere is refused", "[io]") {
  const std::string text = R"({"_": "r", "a": [[1, 2], [3, 4]], "b": [5]})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    INFO("cut to " << length << " bytes");
    CHECK_FALSE(refusal(text.substr(0, length)).empty());
  }
}
