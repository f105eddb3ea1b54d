#include "catch.h"
#include "io/checkpoint.h"
#include "support.h"
#include "unit/io/samples.h"

using namespace continuo;
using continuo::test::blob_of;
using continuo::test::message_of;
using continuo::test::numbered;
using continuo::test::safetensors_of;

namespace {

// The error of reading `file`, without the name before it.
std::string refusal(const std::string& file) {
  Checkpoint into;
  const std::string message = message_of(read_safetensors(blob_of(file, "m"), into));
  return message.starts_with("m: ") ? message.substr(3) : message;
}

std::string refusal(const std::string& header, const std::string& data) {
  return refusal(safetensors_of(header, data));
}

// A header of one tensor.
std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
}

}  // namespace

TEST_CASE("safetensors: tensors are found where they stand", "[io]") {
  const std::string file = test::safetensors({{"a", numbered({2, 3})},
                                              {"b", {"F16", {3}, "abcdef"}},
                                              {"c", {"BF16", {1, 1, 2}, "wxyz"}},
                                              {"d", {"F32", {0, 4}, ""}},
                                              {"mask", {"U8", {2}, "\1\1"}},
                                              {"scalar", numbered({})}});
  Checkpoint into;
  REQUIRE(message_of(read_safetensors(blob_of(file, "m"), into)).empty());
  REQUIRE(into.tensors.size() == 5);
  const TensorView& a = into.tensors.at("a");
  CHECK(a.format == Format::f32);
  CHECK(a.shape == std::vector<std::size_t>{2, 3});
  CHECK(a.file == "m");
  CHECK(a.bytes.size() == 24);
  float value = 0;
  std::memcpy(&value, a.bytes.data() + 4, 4);
  CHECK(value == 1.0f);
  CHECK(file.substr(into.tensors.at("b").offset, 6) == "abcdef");
  CHECK(into.tensors.at("b").format == Format::f16);
  CHECK(into.tensors.at("c").format == Format::bf16);
  CHECK(into.tensors.at("c").shape == std::vector<std::size_t>{1, 1, 2});
  CHECK(into.tensors.at("d").bytes.empty());
  CHECK(into.tensors.at("scalar").shape.empty());
  CHECK(into.others.at("mask").format == "U8");
  CHECK(into.storage.size() == 1);
}

TEST_CASE("safetensors: data may be unaligned, the order of names and bytes may differ", "[io]") {
  const std::string header =
      R"({"z":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}, "a":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}} )";
  Checkpoint into;
  const std::string file = safetensors_of(header, "zzaaaa");
  REQUIRE(message_of(read_safetensors(blob_of(file, "m"), into)).empty());
  CHECK(into.tensors.at("a").offset == 8 + header.size() + 2);
}

TEST_CASE("safetensors: a file cut anywhere is refused", "[io]") {
  const std::string file = test::safetensors({{"a", numbered({2, 2})}, {"b", numbered({3})}});
  for (std::size_t length = 0; length < file.size(); ++length) {
    const std::string cut = file.substr(0, length);
    INFO("cut to " << length << " bytes");
    CHECK_FALSE(refusal(cut).empty());
  }
  CHECK(refusal(file).empty());
  CHECK(refusal(file + "x") == "the tensors end at byte 28 of the data, the file at 29");
  CHECK(refusal("1234567") == "7 bytes are too few for a safetensors file (was the download finished?)");
  CHECK(refusal(file.substr(0, 60)).find("in a file of 60 bytes (was the file cut short?)") != std::string::npos);
  CHECK(refusal(file.substr(0, file.size() - 1)) ==
        "tensor 'b': data_offsets end at 28, the file's data at 27 (was the file cut short?)");
}

TEST_CASE("safetensors: any single byte may be broken", "[io]") {
  const std::string file = test::safetensors({{"a", numbered({2, 2})}, {"b", {"BF16", {3}, "abcdef"}}});
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (const int change : {0x01, 0x20, 0x80, 0xff}) {
      std::string broken = file;
      broken[i] = static_cast<char>(broken[i] ^ change);
      Checkpoint into;
      if (!read_safetensors(blob_of(broken, "m"), into)) continue;
      for (const auto& [name, view] : into.tensors) {
        CHECK(view.offset + view.bytes.size() <= broken.size());
      }
    }
  }
}

TEST_CASE("safetensors: the header's length is not believed", "[io]") {
  CHECK(refusal(safetensors_of("{}", "", std::uint64_t{1} << 63)) ==
        "a header of 9223372036854775808 bytes, at most 100000000 can be (is it a safetensors file at all?)");
  CHECK(refusal(safetensors_of("{}", "", ~std::uint64_t{0})) ==
        "a header of 18446744073709551615 bytes, at most 100000000 can be (is it a safetensors file at all?)");
  CHECK(refusal(safetensors_of("{}", "", 3)) == "a header of 3 bytes in a file of 10 bytes (was the file cut short?)");
  CHECK(refusal(safetensors_of("{}", "", 0)) ==
        "byte 8: the header is not a JSON object (is it a safetensors file at all?)");
  CHECK(refusal("{}", "").empty());
}

TEST_CASE("safetensors: a header that is not what it should be", "[io]") {
  CHECK(refusal("[]", "") == "byte 8: the header is not a JSON object (is it a safetensors file at all?)");
  CHECK(refusal(" {}", "") == "byte 8: the header is not a JSON object (is it a safetensors file at all?)");
  CHECK(refusal("{\"a\":", "") == "byte 13: not valid JSON in tensor 'a' (was the file cut short or edited by hand?)");
  CHECK(refusal("{}{}", "") == "byte 10: not valid JSON: more stands behind the value");
  CHECK(refusal("{\"a\":3}", "") == "tensor 'a': unexpected 3");
  CHECK(refusal("{\"a\":null}", "") == "tensor 'a': unexpected null");
  CHECK(refusal("{\"a\":[1]}", "") == "tensor 'a': unexpected an array");
  CHECK(refusal("{\"a\":{}}", "") == "tensor 'a': 'dtype' is missing");
  CHECK(refusal(R"({"a":{"dtype":"F32","shape":[]}})", "") == "tensor 'a': 'data_offsets' is missing");
  CHECK(refusal(R"({"a":{"dtype":4}})", "") == "tensor 'a' dtype: unexpected 4");
  CHECK(refusal(R"({"a":{"shape":"x"}})", "") == "tensor 'a' shape: unexpected a string");
  CHECK(refusal(R"({"a":{"shape":[[1]]}})", "") == "tensor 'a' shape: unexpected an array");
  CHECK(refusal(R"({"a":{"zip":true}})", "") ==
        "tensor 'a' zip: an unknown field (expected dtype, shape and data_offsets)");
  CHECK(refusal(R"({"a":{"dtype":"F32","dtype":"F32"}})", "") == "tensor 'a' dtype: stands twice");
  CHECK(refusal("{\"__metadata__\":{\"a\":" + std::string(100, '[') + std::string(100, ']') + "}}", "") ==
        "byte 91: JSON nests deeper than 64 levels");
  CHECK(refusal(std::string("{}\0", 3), "") == "byte 10: not valid JSON: a zero byte stands behind the value");
  CHECK(refusal(R"({"__metadata__":null})", "") == "");
  CHECK(refusal("{\"a\\u0007b\":3}", "") == "tensor 'a\\x07b': unexpected 3");
}

TEST_CASE("safetensors: names stand once", "[io]") {
  const std::string one = R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  CHECK(refusal("{\"a\":" + one + ",\"a\":" + one + "}", "aaaa") == "tensor 'a': stands twice in the header");
  Checkpoint into;
  const std::string file = test::safetensors({{"a", numbered({1})}});
  REQUIRE(message_of(read_safetensors(blob_of(file, "first"), into)).empty());
  CHECK(message_of(read_safetensors(blob_of(file, "second"), into)) == "second: tensor 'a' is in first as well");
}

TEST_CASE("safetensors: metadata is passed over, whatever it holds", "[io]") {
  CHECK(refusal(R"({"__metadata__":{"a":{"b":[1,-2,3.5,null,true,"x",{}]}}})", "").empty());
  CHECK(refusal(R"({"__metadata__":{}, "__metadata__":{}})", "") ==
        "tensor '__metadata__': stands twice in the header");
  CHECK(refusal(R"({"__metadata__":{},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "aaaa").empty());
}

TEST_CASE("safetensors: sizes that lie", "[io]") {
  CHECK(refusal(tensor("F32", "[2]", "[0,4]"), "aaaa") == "tensor 'a': 4 bytes, F32 of shape [2] takes 8");
  CHECK(refusal(tensor("F32", "[4294967296,4294967296]", "[0,4]"), "aaaa") ==
        "tensor 'a': shape [4294967296, 4294967296] overflows");
  CHECK(refusal(tensor("F32", "[4611686018427387905]", "[0,4]"), "aaaa") ==
        "tensor 'a': shape [4611686018427387905] overflows");
  CHECK(refusal(tensor("F32", "[1000000000]", "[0,4000000000]"), "aaaa") ==
        "tensor 'a': data_offsets end at 4000000000, the file's data at 4 (was the file cut short?)");
  CHECK(refusal(tensor("F32", "[1]", "[4,0]"), "aaaa") == "tensor 'a': data_offsets begin at 4 and end at 0");
  CHECK(refusal(tensor("F32", "[1]", "[18446744073709551612,0]"), "aaaa") ==
        "tensor 'a': data_offsets begin at 18446744073709551612 and end at 0");
  CHECK(refusal(tensor("F32", "[1]", "[0]"), "aaaa") ==
        "tensor 'a' data_offsets: 1 numbers, expected two: begin and end");
  CHECK(refusal(tensor("F32", "[1]", "[0,4,4]"), "aaaa") ==
        "tensor 'a' data_offsets: 3 numbers, expected two: begin and end");
  CHECK(refusal(tensor("F32", "[-1]", "[0,4]"), "aaaa") == "tensor 'a' shape: -1 is negative");
  CHECK(refusal(tensor("F32", "[1.0]", "[0,4]"), "aaaa") ==
        "tensor 'a' shape: 1.0 is not a whole number that 64 bits can hold");
  CHECK(refusal(tensor("F32", "[18446744073709551616]", "[0,4]"), "aaaa") ==
        "tensor 'a' shape: 18446744073709551616 is not a whole number that 64 bits can hold");
  CHECK(refusal(tensor("F32", "[1,1,1,1,1,1,1,1]", "[0,4]"), "aaaa").empty());
  CHECK(refusal(tensor("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), "aaaa") == "tensor 'a' shape: more than 8 numbers");
}

TEST_CASE("safetensors: formats", "[io]") {
  CHECK(refusal(tensor("F4", "[2]", "[0,1]"), "a") == "tensor 'a': unknown dtype 'F4' (F32, F16 and BF16 can be run)");
  CHECK(refusal(tensor("I64", "[1]", "[0,8]"), "aaaaaaaa").empty());
  CHECK(refusal(tensor("I64", "[1]", "[0,4]"), "aaaa") == "tensor 'a': 4 bytes, I64 of shape [1] takes 8");
}

TEST_CASE("safetensors: tensors cover the data, each byte once", "[io]") {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":{"dtype":"F16","shape":[2],"data_offsets":)" + first +
           R"(},"b":{"dtype":"F16","shape":[2],"data_offsets":)" + second + "}}";
  };
  CHECK(refusal(two("[0,4]", "[4,8]"), "aaaabbbb").empty());
  CHECK(refusal(two("[4,8]", "[0,4]"), "bbbbaaaa").empty());
  CHECK(refusal(two("[0,4]", "[0,4]"), "aaaa") == "tensors 'a' and 'b' overlap");
  CHECK(refusal(two("[0,4]", "[3,7]"), "aaaabbb") == "tensors 'a' and 'b' overlap");
  CHECK(refusal(two("[0,4]", "[5,9]"), "aaaa-bbbb") == "no tensor covers bytes 4 to 5 of the data, before tensor 'b'");
  CHECK(refusal(two("[1,5]", "[5,9]"), "-aaaabbbb") == "no tensor covers bytes 0 to 1 of the data, before tensor 'a'");
  CHECK(refusal(two("[0,4]", "[4,8]"), "aaaabbbb-") == "the tensors end at byte 8 of the data, the file at 9");
}
