// gpt-oss's experts in MXFP4: blocks and scales in tensors of their own, gates and ups taking turns.
#include <cmath>
#include <cstring>

#include "catch.h"
#include "quant/format.h"
#include "unit/model/samples.h"

using namespace continuo;
using test::Sample;
using test::TinyModel;

namespace {

constexpr std::size_t kExperts = 2, kWidth = 32, kFf = 32;
constexpr float kValues[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, 0, -0.5f, -1, -1.5f, -2, -3, -4, -6};

std::string bytes(std::size_t n, unsigned seed) {
  std::string out(n, '\0');
  for (char& c : out) c = static_cast<char>((seed = seed * 1664525u + 1013904223u) >> 24);
  return out;
}

// Exponents near 127, so that scales are near 1.
std::string scales(std::size_t n) {
  std::string out(n, '\0');
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<char>(125 + i % 5);
  return out;
}

TinyModel gpt_oss() {
  TinyModel tiny;
  tiny.config = Json::parse(R"({"model_type": "gpt_oss", "vocab_size": 5, "hidden_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 16, "intermediate_size": 32, "num_local_experts": 2,
    "num_experts_per_tok": 1, "max_position_embeddings": 64, "rope_parameters": {"rope_type": "default"},
    "attention_bias": false, "quantization_config": {"quant_method": "mxfp4"}})");
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape) {
    tiny.tensors[name] = test::numbered(std::move(shape));
  };
  add("model.embed_tokens.weight", {5, kWidth});
  add("model.norm.weight", {kWidth});
  add("lm_head.weight", {5, kWidth});
  const std::string layer = "model.layers.0.";
  add(layer + "input_layernorm.weight", {kWidth});
  add(layer + "post_attention_layernorm.weight", {kWidth});
  add(layer + "self_attn.q_proj.weight", {32, kWidth});
  add(layer + "self_attn.k_proj.weight", {16, kWidth});
  add(layer + "self_attn.v_proj.weight", {16, kWidth});
  add(layer + "self_attn.o_proj.weight", {kWidth, 32});
  add(layer + "self_attn.sinks", {2});
  add(layer + "mlp.router.weight", {kExperts, kWidth});
  add(layer + "mlp.router.bias", {kExperts});
  const std::string experts = layer + "mlp.experts.";
  add(experts + "gate_up_proj_bias", {kExperts, 2 * kFf});
  add(experts + "down_proj_bias", {kExperts, kWidth});
  tiny.tensors[experts + "gate_up_proj_blocks"] =
      Sample{"U8", {kExperts, 2 * kFf, 1, 16}, bytes(kExperts * 2 * kFf * 16, 1)};
  tiny.tensors[experts + "gate_up_proj_scales"] = Sample{"U8", {kExperts, 2 * kFf, 1}, scales(kExperts * 2 * kFf)};
  tiny.tensors[experts + "down_proj_blocks"] =
      Sample{"U8", {kExperts, kWidth, 1, 16}, bytes(kExperts * kWidth * 16, 2)};
  tiny.tensors[experts + "down_proj_scales"] = Sample{"U8", {kExperts, kWidth, 1}, scales(kExperts * kWidth)};
  return tiny;
}

// Value `i` of a row of 32 as the OCP's format has it: two to a byte, the first in the low half.
float value(const TinyModel& tiny, const std::string& name, std::size_t row, std::size_t i) {
  const std::string prefix = "model.layers.0.mlp.experts." + name;
  const auto byte = static_cast<unsigned char>(tiny.tensors.at(prefix + "_blocks").bytes[row * 16 + i / 2]);
  const int exponent = static_cast<unsigned char>(tiny.tensors.at(prefix + "_scales").bytes[row]) - 127;
  return std::ldexp(kValues[i % 2 == 0 ? byte & 15 : byte >> 4], exponent);
}

std::vector<float> row_of(const Matrix& w, std::size_t row) {
  std::vector<float> out(w.cols);
  format_info(w.format).to_float(w.data + stored_bytes(w.format, row * w.stride), out.data(), w.cols);
  return out;
}

}  // namespace

TEST_CASE("experts in MXFP4 are the values that their blocks and scales stand for", "[model]") {
  const TinyModel tiny = gpt_oss();
  const auto model = tiny.build();
  INFO(test::message_of(model));
  REQUIRE(model);
  const auto& experts = std::get<ExpertsWeights>(model->weights.layers[0].ffn).experts;
  REQUIRE(experts.size() == kExperts);
  for (std::size_t e = 0; e < kExperts; ++e) {
    CHECK(experts[e].gate.weight.format == Format::mxfp4);
    for (std::size_t r = 0; r < kFf; ++r) {
      const auto gate = row_of(experts[e].gate.weight, r), up = row_of(experts[e].up.weight, r),
                 down = row_of(experts[e].down.weight, r);
      for (std::size_t i = 0; i < kWidth; ++i) {
        REQUIRE(gate[i] == value(tiny, "gate_up_proj", e * 2 * kFf + 2 * r, i));
        REQUIRE(up[i] == value(tiny, "gate_up_proj", e * 2 * kFf + 2 * r + 1, i));
        REQUIRE(down[i] == value(tiny, "down_proj", e * kWidth + r, i));
      }
      CHECK(experts[e].gate.bias[r] == 0.5f * static_cast<float>(1 + e * 2 * kFf + 2 * r));
      CHECK(experts[e].up.bias[r] == 0.5f * static_cast<float>(2 + e * 2 * kFf + 2 * r));
    }
  }
}

TEST_CASE("experts in MXFP4: what is refused", "[model]") {
  const std::string experts = "model.layers.0.mlp.experts.";
  TinyModel bad = gpt_oss();
  bad.tensors[experts + "gate_up_proj_scales"].shape = {kExperts, kFf, 2};
  CHECK(bad.refusal() ==
        "tiny/model.safetensors: tensor 'model.layers.0.mlp.experts.gate_up_proj_scales' (layer 0 expert gate and up "
        "scales) is U8 [2, 32, 2], expected U8 [2, 64, 1]");
  bad = gpt_oss();
  bad.tensors.erase(experts + "down_proj_scales");
  CHECK(bad.refusal() ==
        "tiny: tensor 'model.layers.0.mlp.experts.down_proj_scales' (layer 0 expert down scales) is missing");
  bad = gpt_oss();
  bad.config["quantization_config"]["quant_method"] = "awq";
  CHECK(bad.refusal() == "tiny/config.json: the weights are quantized by awq (use the model they were made from)");
}
