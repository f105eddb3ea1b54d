// Weights in 8-bit floats with scales.
#include <bit>
#include <cmath>
#include <cstring>

#include "catch.h"
#include "model/fp8.h"
#include "unit/model/samples.h"

using namespace continuo;
using test::Sample;
using test::TinyModel;

namespace {

constexpr const char* kName = "model.layers.0.self_attn.q_proj.weight";  // 8 x 8

// Byte i of the matrix is i; the scales are as given.
TinyModel with_fp8(const std::string& scale_name, const std::vector<std::size_t>& shape, const Json& block,
                   const std::string& dtype = "F8_E4M3") {
  TinyModel tiny = test::tiny_llama();
  std::string bytes(64, '\0');
  for (int i = 0; i < 64; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<char>(i);
  tiny.tensors[kName] = Sample{dtype, {8, 8}, bytes};
  if (!scale_name.empty()) tiny.tensors[scale_name] = test::numbered(shape);
  tiny.config["quantization_config"] = {{"quant_method", "fp8"}, {"weight_block_size", block}};
  return tiny;
}

std::vector<float> weights(const TinyModel& tiny) {
  Checkpoint checkpoint = tiny.checkpoint();
  const auto done = unpack_fp8(checkpoint);
  INFO(test::message_of(done));
  REQUIRE(done);
  const TensorView& tensor = checkpoint.tensors.at(kName);
  REQUIRE(tensor.format == Format::f32);
  std::vector<float> values(64);
  std::memcpy(values.data(), tensor.bytes.data(), 256);
  return values;
}

// 1 sign, 4 exponent and 3 fraction bits.
float e4m3(int byte) {
  const int exponent = byte >> 3 & 15, fraction = byte & 7;
  const double value = exponent == 0 ? std::ldexp(fraction, -9) : std::ldexp(8 + fraction, exponent - 10);
  return static_cast<float>(byte & 128 ? -value : value);
}

std::string refusal(const TinyModel& tiny) {
  Checkpoint checkpoint = tiny.checkpoint();
  return test::message_of(unpack_fp8(checkpoint));
}

}  // namespace

TEST_CASE("8-bit floats with one scale, a scale a row, a scale a block", "[model]") {
  const std::string scale = std::string(kName) + "_scale_inv";
  const auto one = weights(with_fp8(scale, {}, nullptr));
  const auto rows = weights(with_fp8(std::string(kName) + "_scale", {8, 1}, nullptr));
  const auto blocks = weights(with_fp8(scale, {2, 3}, {4, 3}));  // the last block of columns holds two
  for (int i = 0; i < 64; ++i) {
    const auto at = static_cast<std::size_t>(i);
    CHECK(one[at] == 0.5f * e4m3(i));
    CHECK(rows[at] == 0.5f * static_cast<float>(1 + i / 8) * e4m3(i));
    CHECK(blocks[at] == 0.5f * static_cast<float>(1 + i / 8 / 4 * 3 + i % 8 / 3) * e4m3(i));
  }
  CHECK(weights(with_fp8(scale, {}, nullptr, "F8_E5M2"))[0x3c] == 0.5f);  // 1 in E5M2
}

TEST_CASE("a model in 8-bit floats runs, and its scales of activations are dropped", "[model]") {
  TinyModel tiny = with_fp8(std::string(kName) + "_scale_inv", {1, 1}, {128, 128});
  tiny.tensors["model.layers.0.self_attn.q_proj.input_scale"] = test::numbered({1});
  const auto model = tiny.build();
  INFO(test::message_of(model));
  CHECK(model);
}

TEST_CASE("8-bit floats: what is refused", "[model]") {
  CHECK(refusal(with_fp8("", {}, nullptr)) ==
        "tiny/model.safetensors: tensor 'model.layers.0.self_attn.q_proj.weight' is stored as F8_E4M3, and there is no "
        "'model.layers.0.self_attn.q_proj.weight_scale_inv'");
  CHECK(
      refusal(with_fp8(std::string(kName) + "_scale", {5}, nullptr)) ==
      "tiny/model.safetensors: tensor 'model.layers.0.self_attn.q_proj.weight_scale' holds 5 scales, expected one, one a row, or "
      "one a block");
  TinyModel other = with_fp8(std::string(kName) + "_scale", {}, nullptr);
  other.config["quantization_config"]["quant_method"] = "gptq";
  CHECK(other.refusal() == "tiny/config.json: the weights are quantized by gptq (use the model they were made from)");
}
