// Nanbeige 4.2: Llama whose layers are gone through twice, with the last norm between. Nanbeige lab 2026,
// arXiv:2607.22083.
#include "model/families/llama.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

Result<ModelSpec> nanbeige(const HyperParameters& p) {
  CONTINUO_TRY_VOID(
      refuse_fields(p, {"qk_layernorm", "emb_neighbor_num", "insert_ngram_layer_idx", "ngram_insert_all_layers",
                        "enable_double_loop_split", "loop_middle_layers", "loop_share_kv", "enable_hyper_connection",
                        "enable_mhc", "enable_h_res_identity", "enable_depth_attention"}));
  CONTINUO_TRY(const int kv_channels, p.count_or("kv_channels", kMaxHeads));
  CONTINUO_TRY(const bool wide, p.has("kv_channels"));
  CONTINUO_TRY(ModelSpec spec, llama_spec(p, {.head_dim = wide ? kv_channels : 0, .feed_bias = true}));
  CONTINUO_TRY(const int window, window_or(p, 0));
  CONTINUO_TRY_VOID(set_windows(p, spec, window, [](int) { return false; }));
  CONTINUO_TRY(const bool skips_norm, p.flag_or("skip_loop_norm", false));
  CONTINUO_TRY(spec.loop, plain_loop(p, spec, 1, !skips_norm));
  return spec;
}

Result<void> adapt_gguf(const Checkpoint& file, Json& config) {
  CONTINUO_TRY_VOID(gguf_copy(file, "num_loops", config, "num_loops"));
  return gguf_copy(file, "skip_loop_final_norm", config, "skip_loop_final_norm");
}

}  // namespace

extern const Family kNanbeige;  // the list's
const Family kNanbeige = {
    .model_type = "nanbeige",
    .known_as = "Nanbeige 4.2",
    .spec = nanbeige,
    .names = llama_names(kLlamaTensors),
    .gguf = {.architecture = "nanbeige", .paired_heads = true, .adapt = adapt_gguf},
};

}  // namespace continuo
