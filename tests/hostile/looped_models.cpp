// Configurations and weights of networks with loops that cannot be right, or that mean what is not computed here: each is
// refused with a line that names the file, the field or tensor, and what was expected.
#include "base/json.h"
#include "catch.h"
#include "io/checkpoint.h"
#include "model/model.h"
#include "support.h"

using namespace continuo;

namespace {

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

}  // namespace

TEST_CASE("settings of loops that are not supported are refused by name") {
  const std::vector<Change> changes = {
      {"ouro", "total_ut_steps", 0, "'total_ut_steps' is 0, expected a whole number from 1 to 256"},
      {"ouro", "total_ut_steps", 1000000, "'total_ut_steps' is 1000000, expected"},
      {"ouro", "early_exit_threshold", 2, "'early_exit_threshold' is 2, expected a number from 0 to 1"},
      {"nanbeige", "num_loops", -1, "'num_loops' is -1, expected"},
      {"nanbeige", "loop_share_kv", true, "'loop_share_kv' is set, which is not supported"},
      {"nanbeige", "enable_depth_attention", true, "'enable_depth_attention' is set"},
      {"nanbeige", "insert_ngram_layer_idx", Json::array({1}), "'insert_ngram_layer_idx' is set"},
      {"hrm_text_small", "H_cycles", 0, "'H_cycles' is 0, expected"},
      {"hrm_text_small", "L_cycles", 100000, "'L_cycles' is 100000, expected"},
      {"hrm_text_small", "num_layers_per_stack", 1, "for which this hrm_text has no place"},
      {"hrm_text_small", "attention_bias", true, "biases are not supported"},
      {"dory_small", "recurrent_kv_cache_mode", "last_loop",
       "'recurrent_kv_cache_mode' is \"last_loop\", expected per_loop"},
      {"dory_small", "n_recurrent_layers", 6, "'n_recurrent_layers' is 6, expected"},
      {"dory_small", "n_recurrent_layers", "x", "'n_recurrent_layers' is \"x\", expected"},
      {"dory_small", "layer_types", Json::array({"mlp"}), "'layer_types' is a list of 1, expected 8"},
      {"huginn", "test_time_noise", 0.1, "'test_time_noise' is 0.1, expected 0"},
      {"huginn", "injection_type", "add", "'injection_type' is \"add\", expected linear"},
      {"huginn", "num_key_value_heads", 2, "'num_key_value_heads' is 2, expected as many as heads"},
      {"huginn", "mean_recurrence", 0, "'mean_recurrence' is 0, expected"},
      {"huginn", "n_layers_in_coda", 2, "coda.1"},
  };
  for (const Change& change : changes) {
    INFO(change.model << " with " << change.field);
    Checkpoint checkpoint = load(change.model);
    checkpoint.config[change.field] = change.value;
    const std::string said = refusal(std::move(checkpoint));
    INFO(said);
    CHECK(said.find(change.said) != std::string::npos);
  }
}

TEST_CASE("tensors of loops that are not there are told by name") {
  const std::pair<const char*, const char*> missing[] = {
      {"ouro", "model.early_exit_gate.weight"},
      {"ouro", "model.early_exit_gate.bias"},
      {"ouro", "model.layers.1.input_layernorm_2.weight"},
      {"hrm_text_small", "model.z_L_init"},
      {"hrm_text_small", "model.H_module.layers.1.attn.gqkv_proj.weight"},
      {"dory_small", "backbone.layers.3.lambda_2"},
      {"dory_pairs", "backbone.layers.5.mixer.suv_up"},
      {"dory_small", "lm_head.logit_scale"},
      {"huginn", "transformer.adapter.weight"},
      {"huginn", "transformer.core_block.1.attn.qk_bias"}};
  for (const auto& [model, name] : missing) {
    INFO(model << " without " << name);
    Checkpoint checkpoint = load(model);
    REQUIRE(checkpoint.tensors.erase(name) == 1);
    const std::string said = refusal(std::move(checkpoint));
    INFO(said);
    CHECK(said != "it loaded");
    CHECK(said.find("random") == std::string::npos);
  }
}
