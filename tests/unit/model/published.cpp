// config.json as published checkpoints carry them (what the network does not need left out), resolved.
#include <cmath>

#include "base/json.h"
#include "catch.h"
#include "model/families.h"
#include "unit/io/samples.h"

using namespace continuo;
using continuo::test::message_of;

namespace {

Result<ModelSpec> resolve(const char* config) {
  const Json json = Json::parse(config);
  const Family* family = find_family(json["model_type"].get<std::string>());
  REQUIRE(family);
  return family->spec(HyperParameters(json, "c"));
}
ModelSpec spec_of(const char* config) {
  auto spec = resolve(config);
  INFO(message_of(spec));
  REQUIRE(spec);
  return std::move(*spec);
}
const AttentionSpec& attention(const ModelSpec& spec, std::size_t layer = 0) {
  return std::get<AttentionSpec>(spec.layers[layer].mixer);
}
const FeedForwardSpec& feed(const ModelSpec& spec, std::size_t layer = 0) {
  return std::get<FeedForwardSpec>(spec.layers[layer].ffn);
}
std::vector<int> windows(const ModelSpec& spec) {
  std::vector<int> out;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) out.push_back(attention(spec, i).window);
  return out;
}

}  // namespace

TEST_CASE("published: Pythia, TinyStories, GPT-J", "[model]") {
  const ModelSpec pythia = spec_of(R"({"model_type": "gpt_neox", "hidden_act": "gelu", "hidden_size": 512,
    "intermediate_size": 2048, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048, "num_attention_heads": 8,
    "num_hidden_layers": 6, "rotary_emb_base": 10000, "rotary_pct": 0.25, "tie_word_embeddings": false,
    "use_parallel_residual": true, "vocab_size": 50304, "bos_token_id": 0, "eos_token_id": 0})");
  CHECK(pythia.layers.size() == 6);
  CHECK(pythia.layers[0].order == LayerSpec::Order::parallel);
  CHECK(pythia.layers[0].ffn_norm);
  CHECK(attention(pythia).grouped_qkv);
  CHECK(attention(pythia).rope->rotary_dim == 16);
  CHECK_FALSE(attention(pythia).rope->interleaved);
  CHECK(feed(pythia).activation == Activation::gelu_erf);

  const ModelSpec stories = spec_of(R"({"model_type": "gpt_neo", "activation_function": "gelu_new",
    "attention_layers": ["global", "local", "global", "local", "global", "local", "global", "local"],
    "attention_types": [[["global", "local"], 4]], "hidden_size": 256, "intermediate_size": null,
    "layer_norm_epsilon": 1e-05, "max_position_embeddings": 2048, "num_heads": 16, "num_layers": 8,
    "vocab_size": 50257, "window_size": 256})");
  CHECK(windows(stories) == std::vector<int>{0, 256, 0, 256, 0, 256, 0, 256});
  CHECK(attention(stories).scale == 1);
  CHECK(feed(stories).d_ff == 1024);
  CHECK(stories.tied_output);

  const ModelSpec gptj = spec_of(R"({"model_type": "gptj", "activation_function": "gelu_new", "n_ctx": 2048, "n_embd":
    4096, "n_head": 16, "n_inner": null, "n_layer": 28, "n_positions": 2048, "rotary": true, "rotary_dim": 64,
    "layer_norm_epsilon": 1e-05, "tie_word_embeddings": false, "vocab_size": 50400, "scale_attn_weights": true})");
  CHECK(attention(gptj).rope->rotary_dim == 64);
  CHECK(attention(gptj).rope->interleaved);
  CHECK_FALSE(gptj.layers[0].ffn_norm);
  CHECK(gptj.output_bias);
}

TEST_CASE("published: Falcon", "[model]") {
  const ModelSpec seven = spec_of(R"({"model_type": "falcon", "alibi": false, "bias": false, "hidden_size": 4544,
    "apply_residual_connection_post_layernorm": false, "layer_norm_epsilon": 1e-05, "multi_query": true,
    "new_decoder_architecture": false, "num_attention_heads": 71, "num_hidden_layers": 32, "parallel_attn": true,
    "vocab_size": 65024, "bos_token_id": 11, "eos_token_id": 11})");
  CHECK(seven.context_length == 2048);
  CHECK(attention(seven).n_kv_heads == 1);
  CHECK(attention(seven).head_dim == 64);
  CHECK(seven.layers[0].order == LayerSpec::Order::parallel);
  CHECK_FALSE(seven.layers[0].ffn_norm);
  CHECK(seven.tied_output);

  const ModelSpec forty = spec_of(R"({"model_type": "falcon", "alibi": false, "bias": false, "hidden_size": 8192,
    "layer_norm_epsilon": 1e-05, "new_decoder_architecture": true, "num_attention_heads": 128, "num_hidden_layers": 60,
    "num_kv_heads": 8, "parallel_attn": true, "vocab_size": 65024})");
  CHECK(attention(forty).n_kv_heads == 8);
  CHECK(forty.layers[0].ffn_norm);

  const ModelSpec rw = spec_of(R"({"model_type": "falcon", "alibi": true, "bias": true, "hidden_size": 2048,
    "layer_norm_epsilon": 1e-05, "multi_query": false, "new_decoder_architecture": false, "num_attention_heads": 32,
    "num_hidden_layers": 24, "parallel_attn": false, "vocab_size": 50304})");
  CHECK(attention(rw).n_kv_heads == 32);
  CHECK_FALSE(attention(rw).rope);
  CHECK(attention(rw).alibi->slopes.size() == 32);
  CHECK(attention(rw).alibi->bf16_products);
  CHECK(attention(rw).alibi->scale == 0.125f);
  CHECK(rw.layers[0].order == LayerSpec::Order::sequential);
  CHECK(attention(rw).qkv_bias);
}

TEST_CASE("published: BLOOM, MPT, OPT", "[model]") {
  const ModelSpec bloom = spec_of(R"({"model_type": "bloom", "apply_residual_connection_post_layernorm": false,
    "attention_softmax_in_fp32": true, "bias_dropout_fusion": true, "hidden_size": 1024, "layer_norm_epsilon": 1e-05,
    "masked_softmax_fusion": true, "n_head": 16, "n_inner": null, "n_layer": 24, "offset_alibi": 100, "pretraining_tp":
    1, "seq_length": 2048, "skip_bias_add": true, "vocab_size": 250880})");
  CHECK(bloom.context_length == 2048);
  CHECK(bloom.embedding_norm);
  CHECK(attention(bloom).alibi->slopes[0] == Approx(std::exp2(-0.5)));
  CHECK(attention(bloom).alibi->slopes[15] == 1 / 256.0f);
  CHECK(feed(bloom).d_ff == 4096);

  const ModelSpec mpt = spec_of(R"({"model_type": "mpt", "attn_config": {"alibi": true, "alibi_bias_max": 8,
    "attn_impl": "torch", "attn_pdrop": 0, "attn_type": "multihead_attention", "attn_uses_sequence_id": false,
    "clip_qkv": null, "prefix_lm": false, "qk_ln": false, "softmax_scale": null}, "d_model": 4096, "emb_pdrop": 0,
    "embedding_fraction": 1.0, "expansion_ratio": 4, "init_config": {"name": "kaiming_normal_"}, "learned_pos_emb":
    true, "logit_scale": null, "max_seq_len": 2048, "n_heads": 32, "n_layers": 32, "no_bias": true, "norm_type":
    "low_precision_layernorm", "vocab_size": 50432})");
  CHECK(mpt.layers.size() == 32);
  CHECK(feed(mpt).d_ff == 16384);
  CHECK_FALSE(feed(mpt).bias);
  CHECK_FALSE(std::get<LayerNormSpec>(*mpt.final_norm).bias);
  CHECK(attention(mpt).qkv_clip == 0);

  const ModelSpec opt125 = spec_of(R"({"model_type": "opt", "activation_function": "relu", "do_layer_norm_before": true,
    "_remove_final_layer_norm": false, "ffn_dim": 3072, "hidden_size": 768, "max_position_embeddings": 2048,
    "num_attention_heads": 12, "num_hidden_layers": 12, "vocab_size": 50272, "word_embed_proj_dim": 768,
    "prefix": "</s>", "bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 1})");
  CHECK(opt125.d_embedding == 0);
  CHECK(std::get<LearnedPositions>(opt125.positions).offset == 2);
  CHECK(opt125.final_norm);
  const ModelSpec opt350 = spec_of(R"({"model_type": "opt", "activation_function": "relu", "do_layer_norm_before":
    false, "ffn_dim": 4096, "hidden_size": 1024, "max_position_embeddings": 2048, "num_attention_heads": 16,
    "num_hidden_layers": 24, "vocab_size": 50272, "word_embed_proj_dim": 512})");
  CHECK(opt350.d_embedding == 512);
  CHECK(opt350.layers[0].order == LayerSpec::Order::post_norm);
  CHECK_FALSE(opt350.final_norm);
}

TEST_CASE("published: Mistral, Mixtral, Qwen", "[model]") {
  const ModelSpec mistral = spec_of(R"({"model_type": "mistral", "hidden_act": "silu", "hidden_size": 4096,
    "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 32,
    "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096,
    "tie_word_embeddings": false, "vocab_size": 32000})");
  CHECK(windows(mistral) == std::vector<int>(32, 4096));
  const ModelSpec later = spec_of(R"({"model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336,
    "max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 2, "num_key_value_heads": 8,
    "rope_theta": 1000000.0, "sliding_window": null, "vocab_size": 32768})");
  CHECK(windows(later) == std::vector<int>(2, 0));

  const ModelSpec mixtral = spec_of(R"({"model_type": "mixtral", "hidden_act": "silu", "hidden_size": 4096,
    "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32, "num_experts_per_tok": 2,
    "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8, "output_router_logits": false,
    "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "router_aux_loss_coef": 0.02, "sliding_window": null,
    "vocab_size": 32000})");
  const auto& experts = std::get<ExpertsSpec>(mixtral.layers[0].ffn);
  CHECK(experts.n_experts == 8);
  CHECK(experts.n_active == 2);
  CHECK(experts.normalize);
  CHECK(experts.expert.d_ff == 14336);

  const ModelSpec moe = spec_of(R"({"model_type": "qwen2_moe", "decoder_sparse_step": 1, "hidden_act": "silu",
    "hidden_size": 2048, "intermediate_size": 5632, "max_position_embeddings": 8192, "max_window_layers": 21,
    "moe_intermediate_size": 1408, "norm_topk_prob": false, "num_attention_heads": 16, "num_experts": 60,
    "num_experts_per_tok": 4, "num_hidden_layers": 24, "num_key_value_heads": 16, "rms_norm_eps": 1e-06, "rope_theta":
    1000000.0, "shared_expert_intermediate_size": 5632, "sliding_window": 32768, "use_sliding_window": false,
    "vocab_size": 151936})");
  const auto& shared = std::get<ExpertsSpec>(moe.layers[0].ffn);
  CHECK_FALSE(shared.normalize);
  CHECK(shared.shared->d_ff == 5632);
  CHECK(shared.shared_gate);
  CHECK(attention(moe).qkv_bias);
  CHECK_FALSE(attention(moe).out_bias);
  CHECK(attention(moe).window == 0);
}

TEST_CASE("published: Gemma", "[model]") {
  const ModelSpec gemma = spec_of(R"({"model_type": "gemma", "attention_bias": false, "head_dim": 256, "hidden_act":
    "gelu", "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 2048, "intermediate_size": 16384,
    "max_position_embeddings": 8192, "num_attention_heads": 8, "num_hidden_layers": 18, "num_key_value_heads": 1,
    "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 10000.0, "vocab_size": 256000})");
  CHECK(gemma.tied_output);
  CHECK(gemma.embedding_scale == std::sqrt(2048.0f));
  CHECK(feed(gemma).activation == Activation::gelu_tanh);
  CHECK(std::get<RmsNormSpec>(*gemma.layers[17].ffn_norm).unit_offset);

  const ModelSpec gemma2 = spec_of(R"({"model_type": "gemma2", "attn_logit_softcapping": 50.0, "cache_implementation":
    "hybrid", "final_logit_softcapping": 30.0, "head_dim": 256, "hidden_act": "gelu_pytorch_tanh", "hidden_activation":
    "gelu_pytorch_tanh", "hidden_size": 2304, "intermediate_size": 9216, "max_position_embeddings": 8192,
    "num_attention_heads": 8, "num_hidden_layers": 4, "num_key_value_heads": 4, "query_pre_attn_scalar": 256,
    "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "sliding_window": 4096, "vocab_size": 256000})");
  CHECK(windows(gemma2) == std::vector<int>{4096, 0, 4096, 0});
  CHECK(attention(gemma2).attn_logit_softcap == 50);
  CHECK(gemma2.final_logit_softcap == 30);
  CHECK(attention(gemma2).scale == 0.0625f);

  const ModelSpec small = spec_of(R"({"model_type": "gemma3_text", "_sliding_window_pattern": 6,
    "attn_logit_softcapping": null, "final_logit_softcapping": null, "head_dim": 256, "hidden_activation":
    "gelu_pytorch_tanh", "hidden_size": 640, "intermediate_size": 2048, "layer_types": ["sliding_attention",
    "sliding_attention", "sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
    "max_position_embeddings": 32768, "num_attention_heads": 4, "num_hidden_layers": 6, "num_key_value_heads": 1,
    "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000.0, "rope_scaling": null,
    "rope_theta": 1000000.0, "sliding_window": 512, "use_bidirectional_attention": false, "vocab_size": 262144})");
  CHECK(windows(small) == std::vector<int>{512, 512, 512, 512, 512, 0});
  CHECK(attention(small, 0).rope->theta == 10000);
  CHECK(attention(small, 5).rope->theta == 1000000);
  CHECK(small.final_logit_softcap == 0);
  CHECK(attention(small).qk_norm->span == QkNormSpec::Span::head);
  CHECK(spec_of(
            R"({"model_type": "gemma3_text", "sliding_window_pattern": 6, "hidden_size": 1152, "head_dim": 256,
    "hidden_activation": "gelu_pytorch_tanh", "intermediate_size": 6912, "max_position_embeddings": 32768,
    "num_attention_heads": 4, "num_hidden_layers": 26, "num_key_value_heads": 1, "query_pre_attn_scalar": 256,
    "rope_local_base_freq": 10000, "rope_scaling": null, "rope_theta": 1000000, "sliding_window": 512,
    "vocab_size": 262144})")
            .layers.size() == 26);
}

TEST_CASE("published: Phi", "[model]") {
  const ModelSpec phi2 = spec_of(R"({"model_type": "phi", "embd_pdrop": 0.0, "hidden_act": "gelu_new", "hidden_size":
    2560, "intermediate_size": 10240, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048, "num_attention_heads":
    32, "num_hidden_layers": 32, "num_key_value_heads": 32, "partial_rotary_factor": 0.4, "qk_layernorm": false,
    "rope_scaling": null, "rope_theta": 10000.0, "tie_word_embeddings": false, "vocab_size": 51200})");
  CHECK(attention(phi2).rope->rotary_dim == 32);
  CHECK(phi2.output_bias);
  CHECK_FALSE(attention(phi2).qk_norm);

  const ModelSpec mini = spec_of(R"({"model_type": "phi3", "hidden_act": "silu", "hidden_size": 3072,
    "intermediate_size": 8192, "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 2,
    "num_key_value_heads": 32, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-05, "rope_scaling": null,
    "rope_theta": 10000.0, "sliding_window": 2047, "tie_word_embeddings": false, "vocab_size": 32064})");
  CHECK(windows(mini) == std::vector<int>{2047, 2047});

  // Heads of 4 values, so that the lists are short; the other numbers are Phi-3-mini-128k's.
  const ModelSpec long_text = spec_of(R"({"model_type": "phi3", "hidden_size": 128, "intermediate_size": 8192,
    "max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 2, "num_key_value_heads": 32,
    "original_max_position_embeddings": 4096, "rope_scaling": {"long_factor": [1.07, 64.7], "short_factor": [1.1, 2.8],
    "type": "su"}, "rope_theta": 10000.0, "sliding_window": 262144, "vocab_size": 32064})");
  const auto& factors = std::get<RopeFactors>(attention(long_text).rope->scaling);
  CHECK(factors.long_factors == std::vector<float>{1.07f, 64.7f});
  CHECK(factors.original_context == 4096);
  CHECK(factors.attention_factor == Approx(std::sqrt(1 + std::log(32.0) / std::log(4096.0))));
}

TEST_CASE("published: OLMo, StableLM, StarCoder2, SmolLM3", "[model]") {
  const ModelSpec olmo = spec_of(R"({"model_type": "olmo", "clip_qkv": null, "hidden_act": "silu", "hidden_size": 2048,
    "intermediate_size": 8192, "max_position_embeddings": 2048, "num_attention_heads": 16, "num_hidden_layers": 16,
    "num_key_value_heads": 16, "rope_theta": 10000.0, "tie_word_embeddings": true, "vocab_size": 50304})");
  CHECK_FALSE(std::get<LayerNormSpec>(*olmo.final_norm).weight);
  CHECK(attention(olmo).qkv_clip == 0);
  const ModelSpec olmo2 = spec_of(R"({"model_type": "olmo2", "hidden_size": 2048, "intermediate_size": 8192,
    "max_position_embeddings": 4096, "num_attention_heads": 16, "num_hidden_layers": 16, "num_key_value_heads": 16,
    "rms_norm_eps": 1e-06, "rope_theta": 500000, "tie_word_embeddings": false, "vocab_size": 100352})");
  CHECK_FALSE(olmo2.layers[0].mixer_norm);
  CHECK(olmo2.layers[0].post_ffn_norm);
  CHECK(attention(olmo2).qk_norm->span == QkNormSpec::Span::all_heads);

  const ModelSpec stablelm = spec_of(R"({"model_type": "stablelm", "hidden_act": "silu", "hidden_size": 2048,
    "intermediate_size": 5632, "layer_norm_eps": 1e-05, "max_position_embeddings": 4096, "num_attention_heads": 32,
    "num_hidden_layers": 24, "num_key_value_heads": 32, "partial_rotary_factor": 0.25, "rope_theta": 10000,
    "rotary_scaling_factor": 1.0, "tie_word_embeddings": false, "use_qkv_bias": true, "vocab_size": 100352})");
  CHECK(attention(stablelm).rope->rotary_dim == 16);
  CHECK(attention(stablelm).qkv_bias);
  CHECK_FALSE(attention(stablelm).out_bias);

  const ModelSpec coder = spec_of(R"({"model_type": "starcoder2", "activation_function": "gelu_pytorch_tanh",
    "hidden_act": "gelu_pytorch_tanh", "hidden_size": 3072, "intermediate_size": 12288, "layer_norm_epsilon": 1e-05,
    "max_position_embeddings": 16384, "mlp_type": "default", "norm_epsilon": 1e-05, "norm_type": "layer_norm",
    "num_attention_heads": 24, "num_hidden_layers": 30, "num_key_value_heads": 2, "rope_theta": 999999.4420358813,
    "sliding_window": 4096, "use_bias": true, "vocab_size": 49152})");
  CHECK(coder.tied_output);
  CHECK_FALSE(feed(coder).gated);
  CHECK(windows(coder) == std::vector<int>(30, 4096));

  const ModelSpec smol = spec_of(R"({"model_type": "smollm3", "hidden_act": "silu", "hidden_size": 2048,
    "intermediate_size": 11008, "layer_types": ["full_attention", "full_attention", "full_attention",
    "full_attention"], "max_position_embeddings": 65536, "max_window_layers": 28, "mlp_bias": false, "no_rope_layers":
    [1, 1, 1, 0], "no_rope_layer_interval": 4, "num_attention_heads": 16, "num_hidden_layers": 4, "num_key_value_heads":
    4, "rms_norm_eps": 1e-06, "rope_scaling": null, "rope_theta": 5000000.0, "sliding_window": null,
    "use_sliding_window": false, "vocab_size": 128256})");
  CHECK(attention(smol, 2).rope->theta == 5000000);
  CHECK_FALSE(attention(smol, 3).rope);
  CHECK(smol.tied_output);
}

TEST_CASE("published: Granite, Command R, EXAONE, MiniCPM", "[model]") {
  const ModelSpec granite = spec_of(R"({"model_type": "granite", "attention_multiplier": 0.015625,
    "embedding_multiplier": 12.0, "hidden_size": 2048, "intermediate_size": 8192, "logits_scaling": 8.0,
    "max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 40, "num_key_value_heads": 8,
    "residual_multiplier": 0.22, "rms_norm_eps": 1e-05, "rope_theta": 5000000.0, "tie_word_embeddings": true,
    "vocab_size": 49155})");
  CHECK(granite.embedding_scale == 12);
  CHECK(granite.logit_scale == 0.125f);
  CHECK(granite.layers[0].residual_scale == 0.22f);
  CHECK(attention(granite).scale == 0.015625f);

  const ModelSpec command = spec_of(R"({"model_type": "cohere", "hidden_act": "silu", "hidden_size": 8192,
    "intermediate_size": 22528, "layer_norm_eps": 1e-05, "logit_scale": 0.0625, "max_position_embeddings": 8192,
    "model_max_length": 131072, "num_attention_heads": 64, "num_hidden_layers": 40, "num_key_value_heads": 64,
    "rope_theta": 8000000.0, "use_qk_norm": false, "vocab_size": 256000})");
  CHECK(command.logit_scale == 0.0625f);
  CHECK(attention(command).rope->interleaved);
  CHECK_FALSE(command.layers[0].ffn_norm);
  CHECK(command.tied_output);

  const ModelSpec exaone = spec_of(R"({"model_type": "exaone4", "head_dim": 64, "hidden_act": "silu", "hidden_size":
    2048, "intermediate_size": 4096, "layer_types": ["full_attention", "full_attention"], "max_position_embeddings":
    65536, "num_attention_heads": 32, "num_hidden_layers": 2, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
    "rope_scaling": {"factor": 16.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192, "rope_type": "llama3"}, "rope_theta": 1000000, "sliding_window": null,
    "sliding_window_pattern": null, "tie_word_embeddings": true, "vocab_size": 102400})");
  CHECK(attention(exaone, 1).rope);
  CHECK(exaone.layers[0].post_mixer_norm);
  const ModelSpec hybrid = spec_of(R"({"model_type": "exaone4", "head_dim": 128, "hidden_size": 5120,
    "intermediate_size": 27392, "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention",
    "full_attention"], "max_position_embeddings": 131072, "num_attention_heads": 40, "num_hidden_layers": 4,
    "num_key_value_heads": 8, "sliding_window": 4096, "sliding_window_pattern": "LLLG", "vocab_size": 102400})");
  CHECK(windows(hybrid) == std::vector<int>{4096, 4096, 4096, 0});
  CHECK(attention(hybrid, 0).rope);
  CHECK_FALSE(attention(hybrid, 3).rope);

  const ModelSpec minicpm = spec_of(R"({"model_type": "minicpm", "dim_model_base": 256, "hidden_act": "silu",
    "hidden_size": 2304, "intermediate_size": 5760, "max_position_embeddings": 4096, "num_attention_heads": 36,
    "num_hidden_layers": 40, "num_key_value_heads": 36, "rms_norm_eps": 1e-05, "rope_scaling": null, "scale_depth": 1.4,
    "scale_emb": 12, "vocab_size": 122753})");
  CHECK(minicpm.embedding_scale == 12);
  CHECK(minicpm.layers[0].residual_scale == Approx(1.4 / std::sqrt(40.0)));
  CHECK(minicpm.logit_scale == Approx(1 / 9.0));
  CHECK(minicpm.tied_output);
}
