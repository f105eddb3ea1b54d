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
constexpr auto kFlags = std::to_array<const char*>(
    {"attention_bias", "mlp_bias", "use_qkv_bias", "qkv_bias", "use_bias", "bias", "enable_bias", "no_bias",
     "tie_word_embeddings", "use_parallel_residual", "parallel_attn", "new_decoder_architecture", "multi_query", "alibi",
     "qk_layernorm", "use_qk_norm", "do_layer_norm_before", "layer_norm_elementwise_affine", "_remove_final_layer_norm",
     "use_sliding_window", "norm_topk_prob", "scale_attn_weights", "scale_attn_by_inverse_layer_idx"});
constexpr auto kNumbers = std::to_array<const char*>(
    {"sliding_window", "window_size", "max_window_layers", "sliding_window_pattern", "num_key_value_heads",
     "num_kv_heads", "num_attention_heads", "head_dim", "num_ln_in_parallel_attn", "num_experts", "num_local_experts",
     "num_experts_per_tok", "decoder_sparse_step", "moe_intermediate_size", "shared_expert_intermediate_size",
     "word_embed_proj_dim", "rotary_dim", "max_position_embeddings", "no_rope_layer_interval", "intermediate_size",
     "attn_logit_softcapping", "final_logit_softcapping", "logit_scale", "clip_qkv", "partial_rotary_factor",
     "embedding_multiplier", "query_pre_attn_scalar", "dim_model_base"});

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
  }
  CHECK(ran > 5000);
  CHECK(refused > 5000);
}
