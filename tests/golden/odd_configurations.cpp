// Any configuration of any family is refused with a message or runs: one field of a case's config.json is changed, and
// what still loads computes a few tokens.
#include <algorithm>
#include <atomic>
#include <filesystem>

#include "base/json.h"
#include "catch.h"
#include "generate/engine.h"
#include "io/checkpoint.h"
#include "model/model.h"
#include "support.h"

using namespace continuo;
namespace fs = std::filesystem;

namespace {

const std::atomic<bool> kNotInterrupted{false};

// Fields that some family reads; others get them as surprises.
constexpr auto kFlags = std::to_array<const char*>({"attention_bias",
                                                    "mlp_bias",
                                                    "use_qkv_bias",
                                                    "qkv_bias",
                                                    "use_bias",
                                                    "bias",
                                                    "enable_bias",
                                                    "no_bias",
                                                    "tie_word_embeddings",
                                                    "use_parallel_residual",
                                                    "parallel_attn",
                                                    "new_decoder_architecture",
                                                    "multi_query",
                                                    "alibi",
                                                    "qk_layernorm",
                                                    "use_qk_norm",
                                                    "do_layer_norm_before",
                                                    "layer_norm_elementwise_affine",
                                                    "_remove_final_layer_norm",
                                                    "use_sliding_window",
                                                    "norm_topk_prob",
                                                    "scale_attn_weights",
                                                    "scale_attn_by_inverse_layer_idx"});
constexpr auto kNumbers = std::to_array<const char*>({"sliding_window",
                                                      "window_size",
                                                      "max_window_layers",
                                                      "sliding_window_pattern",
                                                      "num_key_value_heads",
                                                      "num_kv_heads",
                                                      "num_attention_heads",
                                                      "head_dim",
                                                      "num_ln_in_parallel_attn",
                                                      "num_experts",
                                                      "num_local_experts",
                                                      "num_experts_per_tok",
                                                      "decoder_sparse_step",
                                                      "moe_intermediate_size",
                                                      "shared_expert_intermediate_size",
                                                      "word_embed_proj_dim",
                                                      "rotary_dim",
                                                      "max_position_embeddings",
                                                      "no_rope_layer_interval",
                                                      "intermediate_size",
                                                      "attn_logit_softcapping",
                                                      "final_logit_softcapping",
                                                      "logit_scale",
                                                      "clip_qkv",
                                                      "partial_rotary_factor",
                                                      "embedding_multiplier",
                                                      "query_pre_attn_scalar",
                                                      "dim_model_base"});

// Fields of recurrent networks, changed where a configuration has them.
constexpr auto kRecurrent = std::to_array<const char*>({"conv_kernel",
                                                        "conv_L_cache",
                                                        "mamba_d_conv",
                                                        "linear_conv_kernel_dim",
                                                        "conv1d_width",
                                                        "state_size",
                                                        "ssm_state_size",
                                                        "mamba_d_state",
                                                        "expand",
                                                        "mamba_expand",
                                                        "mamba_d_ssm",
                                                        "mamba_n_heads",
                                                        "mamba_num_heads",
                                                        "n_mamba_heads",
                                                        "num_heads",
                                                        "mamba_d_head",
                                                        "mamba_head_dim",
                                                        "n_groups",
                                                        "mamba_n_groups",
                                                        "mamba_ngroups",
                                                        "time_step_rank",
                                                        "mamba_dt_rank",
                                                        "time_step_min",
                                                        "time_step_limit",
                                                        "linear_num_key_heads",
                                                        "linear_num_value_heads",
                                                        "linear_key_head_dim",
                                                        "linear_value_head_dim",
                                                        "lru_width",
                                                        "attention_hidden_size",
                                                        "head_size",
                                                        "head_size_divisor",
                                                        "rescale_every",
                                                        "time_mix_extra_dim",
                                                        "time_decay_extra_dim",
                                                        "decay_low_rank_dim",
                                                        "a_low_rank_dim",
                                                        "v_low_rank_dim",
                                                        "gate_low_rank_dim",
                                                        "hidden_ratio",
                                                        "value_dim",
                                                        "attn",
                                                        "num_mem_blocks",
                                                        "adapter_rank",
                                                        "layer_types",
                                                        "layers_block_type",
                                                        "block_types",
                                                        "attn_layer_indices",
                                                        "full_attn_idxs",
                                                        "full_attention_interval",
                                                        "hybrid_override_pattern",
                                                        "attn_layer_period",
                                                        "attn_layer_offset",
                                                        "expert_layer_period",
                                                        "expert_layer_offset",
                                                        "ssm_multipliers",
                                                        "ssm_in_multiplier",
                                                        "mlp_multipliers",
                                                        "key_multiplier",
                                                        "block_multiple_of",
                                                        "block_ffn_dim_multiplier",
                                                        "num_hidden_layers",
                                                        "hidden_size"});

// A list with an item more, less, or one that is none of its kind; other values as of numbers.
std::vector<Json> values_beside(const Json& stated) {
  std::vector<Json> values = {
      0, 1, 2, 3, 7, 0.5, -1, 64, 16777216, 4294967296, 1e300, nullptr, "x", Json::array(), Json::object()};
  if (!stated.is_array() || stated.empty()) return values;
  Json more = stated, less = stated, odd = stated, negative = stated;
  more.push_back(stated.front());
  less.erase(less.size() - 1);
  odd.front() = "no such layer";
  negative.back() = -1;
  values.insert(values.end(), {more, less, odd, negative});
  return values;
}

std::vector<Json> values_of(bool flag) {
  if (flag) return {true, false, nullptr, 1};
  return {0, 1, 2, 3, 7, 0.5, -1, 16777216, 4294967296, 1e300, nullptr, "x", Json::array({1})};
}

// Whether the changed model loaded and ran; the error otherwise must say something.
bool runs(const Checkpoint& checkpoint, const std::string& field, const Json& value) {
  Checkpoint changed = checkpoint;
  changed.config[field] = value;
  const auto model = build_model(std::move(changed));
  if (!model) {
    CHECK(model.error().message().size() > 10);
    return false;
  }
  auto engine = Engine::create(*model, nullptr, {.threads = 1});
  if (!engine) return false;
  const auto score = engine->score(std::vector<TokenId>{1, 2, 3, 4, 5}, kNotInterrupted);
  return score && score->logprobs.size() == 4;
}

}  // namespace

TEST_CASE("one odd field is refused or runs") {
  std::size_t ran = 0, refused = 0;
  for (const auto& entry : fs::directory_iterator(test::source_folder() / "golden")) {
    if (!fs::exists(entry.path() / "expected.json")) continue;
    const auto files = ModelFiles::folder(entry.path().string());
    REQUIRE(files);
    const auto checkpoint = load_checkpoint(*files);
    REQUIRE(checkpoint);
    const auto change = [&](const char* field, bool flag) {
      for (const Json& value : values_of(flag)) {
        INFO(entry.path().filename().string() << ": " << field << " = " << value.dump());
        ++(runs(*checkpoint, field, value) ? ran : refused);
      }
    };
    for (const char* field : kFlags) change(field, true);
    for (const char* field : kNumbers) change(field, false);
    for (const char* field : kRecurrent) {
      if (!checkpoint->config.contains(field)) continue;
      for (const Json& value : values_beside(checkpoint->config[field])) {
        INFO(entry.path().filename().string() << ": " << field << " = " << value.dump());
        ++(runs(*checkpoint, field, value) ? ran : refused);
      }
    }
  }
  CHECK(ran > 5000);
  CHECK(refused > 5000);
}
