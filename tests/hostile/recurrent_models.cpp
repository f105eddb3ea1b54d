// Configurations and weights of recurrent networks that do not fit together: each is refused with a line that names the
// file, the field or tensor, and what was expected; a state that overflows ends the text with an error.
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/json.h"
#include "catch.h"
#include "generate/engine.h"
#include "io/checkpoint.h"
#include "model/model.h"
#include "support.h"

using namespace continuo;

namespace {

const std::atomic<bool> kNotInterrupted{false};

Checkpoint load(const char* name) {
  const auto files = ModelFiles::folder((test::source_folder() / "golden" / name).string());
  REQUIRE(files);
  auto checkpoint = load_checkpoint(*files);
  REQUIRE(checkpoint);
  return std::move(*checkpoint);
}

std::string refusal(Checkpoint checkpoint) {
  const auto model = build_model(std::move(checkpoint));
  if (model) return "it loaded";
  CHECK(model.error().message().find('\n') == std::string::npos);
  return model.error().message();
}

struct Change {
  const char* model;
  const char* field;
  Json value;
  const char* said;  // part of the message
};

// The values of a tensor, changed in memory that the checkpoint then refers to.
class ChangedTensor {
 public:
  ChangedTensor(Checkpoint& checkpoint, const std::string& name, float value) {
    TensorView& tensor = checkpoint.tensors.at(name);
    REQUIRE(tensor.format == Format::f32);
    bytes_.assign(tensor.bytes.begin(), tensor.bytes.end());
    std::memcpy(bytes_.data() + sizeof(float), &value, sizeof value);
    tensor.bytes = bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace

TEST_CASE("recurrent networks whose sizes do not fit are refused by name") {
  const Change changes[] = {
      {"mamba", "state_size", 0, "'state_size' is 0"},
      {"mamba", "conv_kernel", -4, "'conv_kernel' is -4"},
      {"mamba", "conv_kernel", 1000, "'conv_kernel' is 1000"},
      {"mamba", "time_step_rank", 0, "'time_step_rank' is 0"},
      {"mamba", "intermediate_size", 96, "mixer.in_proj.weight"},
      {"mamba2", "n_groups", 0, "'n_groups' is 0"},
      {"mamba2", "n_groups", -2, "'n_groups' is -2"},
      {"mamba2", "n_groups", 3, "3 groups of Mamba heads, expected a divisor of the 8 heads"},
      {"mamba2", "head_dim", 12, "8 Mamba heads of 12 values make no width of 128"},
      {"mamba2", "num_heads", 7, "make no width of 128"},
      {"mamba2", "time_step_limit", Json::array({0.1}), "time_step_limit"},
      {"bamba", "mamba_n_groups", -1, "'mamba_n_groups' is -1"},
      {"bamba", "attn_layer_indices", Json::array({9}), "attn_layer_indices"},
      {"bamba", "attn_layer_indices", Json::array({-1}), "attn_layer_indices"},
      {"falcon_h1", "ssm_multipliers", Json::array({1, 1, 1}), "ssm_multipliers"},
      {"falcon_h1", "mamba_d_ssm", 60, "make no width of 60"},
      {"nemotron_h", "layers_block_type", Json::array(), "layers_block_type"},
      {"nemotron_h", "layers_block_type", Json::array({"linear_attention", "moe"}),
       "blocks of experts are not supported"},
      {"granite4_hybrid", "layer_types", Json::array({"linear_attention", "full_attention"}), "layer_types"},
      {"jamba", "attn_layer_period", 0, "'attn_layer_period' is 0"},
      {"jamba", "mamba_dt_rank", -3, "'mamba_dt_rank' is -3"},
      {"qwen3_next", "linear_num_value_heads", 3, "3 heads of values for 2 heads of keys, expected a multiple"},
      {"qwen3_next", "linear_num_key_heads", 0, "'linear_num_key_heads' is 0"},
      {"qwen3_5_text", "layer_types", Json::array({"linear_attention"}), "layer_types"},
      {"olmo_hybrid", "linear_key_head_dim", -8, "'linear_key_head_dim' is -8"},
      {"recurrent_gemma", "lru_width", 63, "lru_width"},
      {"recurrent_gemma", "block_types", Json::array({"recurrent", "other"}), "block_types"},
      {"lfm2", "conv_L_cache", 0, "'conv_L_cache' is 0"},
      {"lfm2", "layer_types", Json::array({"conv", "conv"}), "layer_types"},
      {"rwkv", "attention_hidden_size", -1, "'attention_hidden_size' is -1"},
      {"rwkv5", "head_size", 7, "'head_size' is 7, expected a divisor of the model's width 32"},
      {"rwkv6", "time_mix_extra_dim", 0, "'time_mix_extra_dim' is 0"},
      {"rwkv7", "head_dim", 0, "'head_dim' is 0"},
      {"rwkv7", "value_dim", 33, "'value_dim' is 33, expected a multiple of the 4 heads"},
      {"rwkv7", "value_dim", Json::array({32, 64, 32}), "value_dim[1]"},
      {"rwkv7", "value_dim", Json::array({32, 32}), "value_dim"},
      {"rwkv7_attention", "attn", {{"layers", {0}}, {"num_heads", 4}}, "attn.layers[0]"},
      {"rwkv7_attention", "attn", {{"layers", {9}}, {"num_heads", 4}}, "attn.layers[0]"},
      {"rwkv7_attention", "attn", {{"layers", {1}}, {"num_heads", 5}}, "attn.num_heads"},
      {"rwkv7_attention", "attn", {{"layers", {1}}, {"num_heads", 4}, {"num_kv_heads", 3}}, "attn.num_kv_heads"},
      {"rwkv7_attention", "attn", 3, "attn"},
      {"zamba2_adapters", "num_mem_blocks", 0, "'num_mem_blocks' is 0"},
      {"zamba2_adapters", "num_mem_blocks", 3, "shared_transformer"},
      {"zamba2_adapters", "adapter_rank", -5, "'adapter_rank' is -5"},
      {"zamba2_adapters", "mamba_ngroups", 4, "expected a divisor of the 6 heads"},
      {"zamba2_adapters", "n_mamba_heads", 5, "'n_mamba_heads' is 5, expected a divisor of the inner width 48"},
      {"zamba2_adapters", "num_attention_heads", 7, "expected a divisor of the 7 heads"},
      {"zamba2_adapters", "layers_block_type", Json::array({"mamba"}), "layers_block_type"},
      {"zamba2_adapters", "add_bias_linear", true, "add_bias_linear"},
  };
  for (const Change& change : changes) {
    INFO(change.model << ": " << change.field << " = " << change.value.dump());
    Checkpoint checkpoint = load(change.model);
    checkpoint.config[change.field] = change.value;
    const std::string message = refusal(std::move(checkpoint));
    INFO(message);
    CHECK(message.find(change.said) != std::string::npos);
  }
}

TEST_CASE("a decay that is no number is refused by its tensor's name") {
  struct Decay {
    const char *model, *tensor;
    float value;
  };
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  const Decay decays[] = {
      {"mamba", "backbone.layers.1.mixer.A_log", nan},
      {"mamba", "backbone.layers.0.mixer.A_log", 1000},  // e^1000 is too large for a float
      {"mamba2", "backbone.layers.0.mixer.A_log", infinity},
      {"mamba2", "backbone.layers.0.mixer.dt_bias", nan},
      {"qwen3_5_text", "model.layers.0.linear_attn.A_log", nan},
      {"qwen3_5_text", "model.layers.0.linear_attn.dt_bias", infinity},
      {"recurrent_gemma", "model.layers.0.temporal_block.rg_lru.recurrent_param", nan},
      {"rwkv", "rwkv.blocks.0.attention.time_decay", nan},
      {"rwkv5", "rwkv.blocks.0.attention.time_decay", nan},
      {"rwkv6", "rwkv.blocks.0.attention.time_decay", infinity},
      {"rwkv7", "model.layers.0.attn.w_lora.lora.2.bias", nan},
  };
  for (const Decay& decay : decays) {
    INFO(decay.model << ": " << decay.tensor << " holds " << decay.value);
    Checkpoint checkpoint = load(decay.model);
    REQUIRE(checkpoint.tensors.count(decay.tensor) == 1);
    const ChangedTensor changed(checkpoint, decay.tensor, decay.value);
    const std::string message = refusal(std::move(checkpoint));
    INFO(message);
    CHECK(message.find(std::string("tensor '") + decay.tensor + "'") != std::string::npos);
    CHECK(message.find("which makes no decay") != std::string::npos);
  }
}

TEST_CASE("a state that overflows is an error, not a text") {
  struct Growth {
    const char *model, *tensor;
  };
  for (const Growth& growth :
       {Growth{"mamba2", "backbone.layers.0.mixer.D"}, Growth{"mamba", "backbone.layers.0.mixer.D"},
        Growth{"rwkv7", "model.layers.0.attn.k_k"}}) {
    INFO(growth.model << ": " << growth.tensor);
    Checkpoint checkpoint = load(growth.model);
    REQUIRE(checkpoint.tensors.count(growth.tensor) == 1);
    const ChangedTensor changed(checkpoint, growth.tensor, std::numeric_limits<float>::infinity());
    const auto model = build_model(std::move(checkpoint));
    REQUIRE(model);
    auto engine = Engine::create(*model, nullptr, {.threads = 1});
    REQUIRE(engine);
    const auto completion = engine->complete({.prompt = {5, 6, 7}, .max_tokens = 4}, {}, kNotInterrupted);
    REQUIRE(!completion);
    CHECK(completion.error().kind == ErrorKind::model);
    CHECK(completion.error().message().find("did a state overflow?") != std::string::npos);
    const auto score = engine->score(std::vector<TokenId>{5, 6, 7}, kNotInterrupted);
    REQUIRE(!score);
    CHECK(score.error().message().find("is not a number") != std::string::npos);
  }
}
