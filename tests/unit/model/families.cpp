#include "base/json.h"
#include "io/checkpoint.h"
#include "model/families.h"

#include <cmath>
#include <set>

#include "catch.h"
#include "model/family_parts.h"
#include "support.h"
#include "unit/model/samples.h"

using namespace continuo;
using continuo::test::tiny_gpt2;
using continuo::test::tiny_llama;
using continuo::test::TinyModel;

namespace {

const AttentionSpec& attention(const Model& model, std::size_t layer = 0) {
  return std::get<AttentionSpec>(model.spec.layers[layer].mixer);
}
const FeedForwardSpec& feed(const Model& model) { return std::get<FeedForwardSpec>(model.spec.layers[0].ffn); }

TinyModel with(TinyModel tiny, const std::string& field, Json value) {
  tiny.config[field] = std::move(value);
  return tiny;
}
TinyModel without(TinyModel tiny, const std::string& field) {
  tiny.config.erase(field);
  return tiny;
}

}  // namespace

TEST_CASE("llama: the spec", "[model]") {
  const auto model = tiny_llama().build();
  REQUIRE(test::message_of(model).empty());
  CHECK(model->spec.family == "llama");
  CHECK(model->spec.d_model == 8);
  CHECK(model->spec.vocab_size == 5);
  CHECK(model->spec.context_length == 64);
  CHECK(model->spec.layers.size() == 2);
  CHECK(std::holds_alternative<std::monostate>(model->spec.positions));
  CHECK_FALSE(model->spec.tied_output);
  CHECK(std::get<RmsNormSpec>(*model->spec.final_norm).eps == 1e-5f);
  CHECK(attention(*model).n_heads == 2);
  CHECK(attention(*model).n_kv_heads == 1);
  CHECK(attention(*model).head_dim == 4);
  CHECK(attention(*model).scale == 0.5f);
  CHECK(attention(*model).rope->rotary_dim == 4);
  CHECK_FALSE(attention(*model).qkv_bias);
  CHECK(feed(*model).d_ff == 12);
  CHECK(feed(*model).gated);
  CHECK(feed(*model).activation == Activation::silu);
}

TEST_CASE("llama: biases, where the file says so", "[model]") {
  TinyModel tiny = with(with(tiny_llama(), "attention_bias", true), "mlp_bias", true);
  CHECK(tiny.refusal() ==
        "tiny: tensor 'model.layers.0.self_attn.q_proj.bias' (layer 0 attention q bias) is missing "
        "(config.json says "
        "that there is one)");
  for (const std::string layer : {"model.layers.0.", "model.layers.1."}) {
    tiny.tensors[layer + "self_attn.q_proj.bias"] = test::numbered({8}, 7);
    tiny.tensors[layer + "self_attn.k_proj.bias"] = test::numbered({4});
    tiny.tensors[layer + "self_attn.v_proj.bias"] = test::numbered({4});
    tiny.tensors[layer + "self_attn.o_proj.bias"] = test::numbered({8});
    tiny.tensors[layer + "mlp.gate_proj.bias"] = test::numbered({12});
    tiny.tensors[layer + "mlp.up_proj.bias"] = test::numbered({12});
    tiny.tensors[layer + "mlp.down_proj.bias"] = test::numbered({8});
  }
  const auto model = tiny.build();
  REQUIRE(test::message_of(model).empty());
  CHECK(attention(*model).qkv_bias);
  CHECK(attention(*model).out_bias);
  CHECK(feed(*model).bias);
  const auto& q = std::get<AttentionWeights>(model->weights.layers[1].mixer).q;
  CHECK(q.bias == std::vector<float>{7, 7.5, 8, 8.5, 9, 9.5, 10, 10.5});
}

TEST_CASE("llama: heads", "[model]") {
  CHECK(with(tiny_llama(), "num_key_value_heads", 3).refusal() ==
        "tiny/config.json: 'num_key_value_heads' is 3, expected a divisor of 2");
  CHECK(with(tiny_llama(), "num_attention_heads", 3).refusal() ==
        "tiny/config.json: 'num_attention_heads' is 3, expected a divisor of the model's width 8");
  CHECK(with(tiny_llama(), "head_dim", 6).refusal() ==
        "tiny/model.safetensors: tensor 'model.layers.0.self_attn.q_proj.weight' (layer 0 attention q) has "
        "shape [8, "
        "8], expected [12, 8] (do config.json and the weights belong together?)");
  // Without the number of key heads every head has its own.
  CHECK(without(tiny_llama(), "num_key_value_heads").refusal() ==
        "tiny/model.safetensors: tensor 'model.layers.0.self_attn.k_proj.weight' (layer 0 attention k) has "
        "shape [4, "
        "8], expected [8, 8] (do config.json and the weights belong together?)");
  TinyModel wide = with(tiny_llama(), "head_dim", 16);
  for (const std::string layer : {"model.layers.0.self_attn.", "model.layers.1.self_attn."}) {
    wide.tensors[layer + "q_proj.weight"] = test::numbered({32, 8});
    wide.tensors[layer + "k_proj.weight"] = test::numbered({16, 8});
    wide.tensors[layer + "v_proj.weight"] = test::numbered({16, 8});
    wide.tensors[layer + "o_proj.weight"] = test::numbered({8, 32});
  }
  const auto model = wide.build();
  REQUIRE(test::message_of(model).empty());
  CHECK(attention(*model).scale == 0.25f);
}

TEST_CASE("activations go by what they compute", "[model]") {
  const auto resolved = [](const char* name) {
    return feed(*with(tiny_llama(), "hidden_act", name).build()).activation;
  };
  CHECK(resolved("silu") == Activation::silu);
  CHECK(resolved("swish") == Activation::silu);
  CHECK(resolved("gelu") == Activation::gelu_erf);
  CHECK(resolved("gelu_new") == Activation::gelu_tanh);
  CHECK(resolved("gelu_pytorch_tanh") == Activation::gelu_tanh);
  CHECK(resolved("relu") == Activation::relu);
  CHECK(resolved("relu2") == Activation::relu_squared);
  CHECK(resolved("quick_gelu") == Activation::gelu_quick);
  CHECK(with(tiny_llama(), "hidden_act", "mish").refusal() ==
        "tiny/config.json: 'hidden_act' is \"mish\", expected one of silu, swish, gelu, gelu_python, gelu_new, "
        "gelu_fast, gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh, quick_gelu, relu, relu2");
}

TEST_CASE("llama: what a config must say", "[model]") {
  for (const auto& [field, message] : std::map<std::string, std::string>{
           {"vocab_size", "'vocab_size' is missing"},
           {"hidden_size", "'hidden_size' or 'n_embd' is missing"},
           {"num_hidden_layers", "'num_hidden_layers' or 'n_layer' is missing"},
           {"num_attention_heads", "'num_attention_heads' or 'n_head' is missing"},
           {"intermediate_size", "'intermediate_size' or 'n_inner' is missing"},
           {"max_position_embeddings", "'max_position_embeddings' or 'n_positions' is missing"},
           {"model_type", "'model_type' is missing"}}) {
    const std::string hint = field == "model_type" ? "" : " (models of the kind llama have one)";
    CHECK(without(tiny_llama(), field).refusal() == "tiny/config.json: " + message + hint);
  }
  CHECK(std::get<RmsNormSpec>(*without(tiny_llama(), "rms_norm_eps").build()->spec.final_norm).eps == 1e-6f);
  CHECK(without(tiny_llama(), "rope_theta").refusal().empty());
}

TEST_CASE("a number of layers is not believed", "[model]") {
  CHECK(with(tiny_llama(), "num_hidden_layers", 2147483648).refusal() ==
        "tiny/config.json: 'num_hidden_layers' is 2147483648, expected a whole number from 1 to 4096");
  CHECK(with(tiny_llama(), "num_hidden_layers", 4096).refusal() ==
        "tiny: tensor 'model.layers.2.input_layernorm.weight' (layer 2 mixer norm) is missing (config.json "
        "says that "
        "there is one)");
  CHECK(with(tiny_gpt2(), "n_layer", 4097).refusal() ==
        "tiny/config.json: 'n_layer' is 4097, expected a whole number from 1 to 4096");
}

TEST_CASE("families that are not supported are named", "[model]") {
  for (const char* type : {"t5", "reformer", "mamba3", "LLAMA"}) {
    const std::string refusal = with(tiny_llama(), "model_type", type).refusal();
    CHECK(refusal.find("tiny/config.json: 'model_type' is \"" + std::string(type) +
                       "\", expected one that 'continuo inspect --families' lists") == 0);
    CHECK(refusal.ends_with(" (this kind of model is not supported)"));
  }
  CHECK(with(tiny_llama(), "quantization_config", {{"quant_method", "gptq"}}).refusal() ==
        "tiny/config.json: the weights are quantized by gptq (use the model they were made from)");
}

TEST_CASE("gpt2: the spec", "[model]") {
  const auto model = tiny_gpt2().build();
  REQUIRE(test::message_of(model).empty());
  CHECK(model->spec.tied_output);
  CHECK(model->spec.context_length == 6);
  CHECK(std::get<LearnedPositions>(model->spec.positions).count == 6);
  CHECK(std::get<LayerNormSpec>(*model->spec.final_norm).eps == 1e-5f);
  CHECK(attention(*model).qkv_bias);
  CHECK(attention(*model).out_bias);
  CHECK_FALSE(attention(*model).rope);
  CHECK(attention(*model).n_kv_heads == 2);
  CHECK(feed(*model).d_ff == 32);
  CHECK_FALSE(feed(*model).gated);
  CHECK(feed(*model).activation == Activation::gelu_tanh);
}

TEST_CASE("gpt2: scales", "[model]") {
  CHECK(attention(*tiny_gpt2().build()).scale == 0.5f);
  CHECK(attention(*with(tiny_gpt2(), "scale_attn_weights", false).build()).scale == 1.0f);
  const auto model = with(tiny_gpt2(), "scale_attn_by_inverse_layer_idx", true).build();
  CHECK(attention(*model, 0).scale == 0.5f);
  CHECK(attention(*model, 1).scale == 0.25f);
  CHECK(attention(*with(tiny_gpt2(), "reorder_and_upcast_attn", true).build()).scale == 0.5f);
}

TEST_CASE("gpt2: what is refused", "[model]") {
  CHECK(with(tiny_gpt2(), "add_cross_attention", true).refusal() ==
        "tiny/config.json: 'add_cross_attention' is true, expected false: there is no encoder to attend to");
  CHECK(with(tiny_gpt2(), "n_head", 3).refusal() ==
        "tiny/config.json: 'n_head' is 3, expected a divisor of the model's width 8");
  CHECK(with(tiny_gpt2(), "n_ctx", 7).refusal() ==
        "tiny/config.json: 'n_positions' is 6, but 'n_ctx' is 7 (two names of the same thing; which is "
        "meant?)");
  CHECK(with(tiny_gpt2(), "n_ctx", 6).refusal().empty());
  CHECK(with(tiny_gpt2(), "n_inner", 16)
            .refusal()
            .find("(layer 0 feed-forward up) has shape [8, 32], expected [8, 16]") != std::string::npos);
}

TEST_CASE("end tokens are those of both files, and the one that begins a text", "[model]") {
  const auto ends = [](const TinyModel& tiny) { return tiny.build()->spec.eos_tokens; };
  const TinyModel plain = without(tiny_llama(), "bos_token_id");
  CHECK(ends(plain) == std::vector<TokenId>{2});
  CHECK(ends(tiny_llama()) == std::vector<TokenId>{1, 2});
  CHECK(tiny_llama().build()->spec.bos_token == 1);
  CHECK(ends(without(plain, "eos_token_id")).empty());
  CHECK_FALSE(with(plain, "bos_token_id", nullptr).build()->spec.bos_token);
  Checkpoint both = with(plain, "eos_token_id", {2, 0}).checkpoint();
  both.generation_config = {{"eos_token_id", {4, 2}}};
  CHECK(build_model(std::move(both))->spec.eos_tokens == std::vector<TokenId>{0, 2, 4});
  // Ids that can never be drawn are left out.
  CHECK(ends(with(plain, "eos_token_id", {5, -1, 3})) == std::vector<TokenId>{3});
  CHECK(with(plain, "eos_token_id", "2").refusal() ==
        "tiny/config.json: 'eos_token_id' holds string, expected token ids");
  Checkpoint broken = plain.checkpoint();
  broken.generation_config = {{"eos_token_id", {2.5}}};
  CHECK(test::message_of(build_model(std::move(broken))) ==
        "tiny/generation_config.json: 'eos_token_id' holds number, expected token ids");
}

TEST_CASE("every family's list holds together", "[model]") {
  for (const Family* family : families()) {
    INFO(family->model_type);
    CHECK(find_family(family->model_type) == family);
    CHECK_FALSE(family->names.prefixes.empty());
    std::set<Role> roles;
    std::set<std::pair<Role, std::string_view>> names;
    for (const TensorName& tensor : family->names.tensors) {
      roles.insert(tensor.role);
      CHECK(names.insert({tensor.role, tensor.name}).second);
      CHECK((tensor.name.find('*') == 0 || tensor.name.find('*') == tensor.name.npos));
    }
    CHECK(roles.count(Role::embedding));
    CHECK(roles.count(Role::output));
    std::size_t mixer_outputs = 0;
    CHECK_FALSE(family->known_as.empty());
    for (const Role out : {Role::attention_out, Role::conv_out, Role::mamba_out, Role::rwkv_out})
      mixer_outputs += roles.count(out);
    CHECK(mixer_outputs > 0);
  }
  CHECK(find_family("LLAMA") == nullptr);
}

TEST_CASE("windows: what the files must say", "[model]") {
  const TinyModel mistral = with(tiny_llama(), "model_type", "mistral");
  CHECK(attention(*mistral.build()).window == 4096);
  CHECK(attention(*with(mistral, "sliding_window", nullptr).build()).window == 0);
  CHECK(attention(*with(mistral, "sliding_window", 3).build()).window == 3);
  const auto listed = with(with(mistral, "sliding_window", 3), "layer_types", {"full_attention", "sliding_attention"});
  CHECK(attention(*listed.build(), 0).window == 0);
  CHECK(attention(*listed.build(), 1).window == 3);
  CHECK(with(listed, "sliding_window", nullptr).refusal() ==
        "tiny/config.json: layer 1 has sliding attention, but there is no 'sliding_window'");
  CHECK(with(listed, "layer_types", {"full_attention"}).refusal() ==
        "tiny/config.json: 'layer_types' is a list of 1, expected 2");
  CHECK(with(listed, "layer_types", {"full_attention", "chunked_attention"}).refusal() ==
        "tiny/config.json: 'layer_types[1]' is \"chunked_attention\", expected full_attention or "
        "sliding_attention");
  CHECK(with(listed, "layer_types", {1, 2}).refusal() == "tiny/config.json: 'layer_types' is 1, expected a string");
  CHECK(with(listed, "layer_types", "full_attention").refusal() ==
        "tiny/config.json: 'layer_types' is \"full_attention\", expected a list");
  CHECK(with(mistral, "sliding_window", 0).refusal() ==
        "tiny/config.json: 'sliding_window' is 0, expected a whole number from 1 to 16777216");
}

TEST_CASE("ALiBi's slopes", "[model]") {
  CHECK(alibi_slopes(1) == std::vector<float>{1 / 256.0f});
  CHECK(alibi_slopes(8) ==
        std::vector<float>{1 / 2.0f, 1 / 4.0f, 1 / 8.0f, 1 / 16.0f, 1 / 32.0f, 1 / 64.0f, 1 / 128.0f, 1 / 256.0f});
  // Six heads: those of four, then every other one of eight.
  CHECK(alibi_slopes(6) == std::vector<float>{1 / 4.0f, 1 / 16.0f, 1 / 64.0f, 1 / 256.0f, 1 / 2.0f, 1 / 8.0f});
  CHECK(alibi_slopes(2, 16) == std::vector<float>{1 / 256.0f, 1 / 65536.0f});
}

TEST_CASE("what a family does not cover is refused by name", "[model]") {
  // The spec is made before any tensor is looked at.
  const auto refusal = [](const char* config) {
    Json json = Json::parse(config);
    for (const char* size : {"hidden_size", "num_hidden_layers", "num_attention_heads"}) {
      if (!json.contains(size)) json[size] = 4;
    }
    for (const char* size : {"vocab_size", "max_position_embeddings", "intermediate_size"}) json[size] = 8;
    return test::message_of(find_family(json["model_type"].get<std::string>())->spec(HyperParameters(json, "c")));
  };
  for (
      const auto& [config, message] : std::map<const char*, std::string>{
          {R"({"model_type": "bloom", "apply_residual_connection_post_layernorm": true})",
           "c: 'apply_residual_connection_post_layernorm' is true, expected false: residuals of normalized "
           "states are "
           "not supported"},
          {R"({"model_type": "falcon", "head_dim": 4, "new_decoder_architecture": true, "parallel_attn": false})",
           "c: 'parallel_attn' is false, expected true with new_decoder_architecture"},
          {R"({"model_type": "falcon", "head_dim": 4, "num_ln_in_parallel_attn": 2})",
           "c: 'num_ln_in_parallel_attn' is 2, expected 1 without new_decoder_architecture"},
          {R"({"model_type": "falcon", "head_dim": 4, "num_ln_in_parallel_attn": 3})",
           "c: 'num_ln_in_parallel_attn' is 3, expected a whole number from 1 to 2"},
          {R"({"model_type": "mpt", "attn_config": {"alibi": false}})",
           "c: 'attn_config.alibi' is false, expected true: other positions are not supported for this kind "
           "of model"},
          {R"({"model_type": "mpt", "attn_config": {"qk_ln": true}})",
           "c: 'attn_config.qk_ln' is true, expected false: norms of queries and keys are not supported for "
           "it"},
          {R"({"model_type": "mpt", "attn_config": {"attn_type": "grouped_query_attention"}})",
           "c: 'attn_config.attn_type' is \"grouped_query_attention\", expected multihead_attention"},
          {R"({"model_type": "mpt", "no_bias": false})",
           "c: 'no_bias' is false, expected true: biases are not supported for this kind of model"},
          {R"({"model_type": "mpt", "logit_scale": "inv_sqrt_d_model"})",
           "c: 'logit_scale' is \"inv_sqrt_d_model\", expected null"},
          {R"({"model_type": "mpt", "norm_type": "rmsnorm"})",
           "c: 'norm_type' is \"rmsnorm\", expected low_precision_layernorm or layernorm"},
          {R"({"model_type": "gptj", "rotary_dim": 2, "num_attention_heads": 4})",
           "c: heads of 1 values, of which 'rotary_dim' turns 2, expected an even part"},
          {R"({"model_type": "gemma", "use_bidirectional_attention": true})",
           "c: 'use_bidirectional_attention' is true, expected false: attention to later tokens is not "
           "supported"},
          {R"({"model_type": "phi3", "head_dim": 4, "rope_scaling": {"type": "yarn", "factor": 2}})",
           "c: 'rope_scaling.type' is \"yarn\", expected one of default, longrope, su"},
          {R"({"model_type": "starcoder2", "mlp_type": "glu"})", "c: 'mlp_type' is \"glu\", expected default"},
          {R"({"model_type": "starcoder2", "norm_type": "rms"})", "c: 'norm_type' is \"rms\", expected layer_norm"},
          {R"({"model_type": "minicpm", "num_experts": 8})",
           "c: 'num_experts' is 8, expected none: experts are not supported for this kind of model"},
          {R"({"model_type": "mixtral", "head_dim": 4, "num_local_experts": 8, "num_experts_per_tok": 9})",
           "c: 'num_experts_per_tok' is 9, expected a whole number from 1 to 8"},
          {R"({"model_type": "smollm3", "head_dim": 4, "no_rope_layers": [1, 1, 0]})",
           "c: 'no_rope_layers' is a list, expected a list of 4 numbers"},
          {R"({"model_type": "exaone4", "head_dim": 4, "sliding_window_pattern": "LLLG"})",
           "c: 'sliding_window_pattern' is \"LLLG\", expected a whole number from 1 to 16777216"},
          {R"({"model_type": "gpt_neo", "attention_types": [[["global"], 3]]})",
           "c: 'attention_types' is not a list of [[\"global\", \"local\"], times] for 4 layers"},
          {R"({"model_type": "gpt_neo", "attention_types": [[[], 1000000000000]]})",
           "c: 'attention_types' is not a list of [[\"global\", \"local\"], times] for 4 layers"},
          {R"({"model_type": "gpt_neo", "attention_types": [[["global", "wide"], 2]]})",
           "c: 'attention_types' is not a list of [[\"global\", \"local\"], times] for 4 layers"},
          {R"({"model_type": "olmoe", "num_experts": 4, "num_experts_per_tok": 2, "clip_qkv": 8.0})",
           "c: 'clip_qkv' is 8.0, expected null: clipping what is normalized is not supported for this kind of model"},
          {R"({"model_type": "codegen", "n_positions": 8, "num_attention_heads": 2})",
           "c: 'num_attention_heads' is 2, expected a multiple of 4"},
          {R"({"model_type": "openai-gpt", "afn": "tanh", "n_positions": 8})",
           "c: 'afn' is \"tanh\", expected one of gelu, relu, silu, swish"},
          {R"({"model_type": "xglm", "add_cross_attention": true})",
           "c: 'add_cross_attention' is true, expected false: there is no encoder to attend to"},
          {R"({"model_type": "phimoe", "head_dim": 4, "num_local_experts": 4, "num_experts_per_tok": 3})",
           "c: 'num_experts_per_tok' is 3, expected 2: its router chooses two"},
          {R"({"model_type": "apertus", "hidden_act": "silu", "rope_parameters": {}})",
           "c: 'hidden_act' is \"silu\", expected xielu"},
          {R"({"model_type": "gemma4_text", "use_bidirectional_attention": "all"})",
           "c: 'use_bidirectional_attention' is \"all\", expected vision or null: attention to later tokens is not supported"},
          {R"({"model_type": "gemma4_text", "enable_moe_block": true})",
           "c: 'enable_moe_block' is true, expected false: experts are not supported for this kind of model"},
          {R"({"model_type": "gemma4_text", "num_kv_shared_layers": 4, "hidden_size_per_layer_input": 0})",
           "c: 'num_kv_shared_layers' is 4, expected less than the 4 layers"},
          {R"({"model_type": "deepseek_v2", "num_experts_per_tok": 2, "topk_method": "noaux_tc"})",
           "c: 'topk_method' is \"noaux_tc\", expected one of greedy, group_limited_greedy"},
          {R"({"model_type": "gpt_oss"})", "c: 'rope_parameters' or 'rope_scaling' is missing"},
          {R"({"model_type": "openelm", "model_dim": 8, "ffn_with_glu": false})",
           "c: 'ffn_with_glu' is false, expected true: ungated networks are not supported for this kind of model"},
          {R"({"model_type": "bloom", "num_attention_heads": 5000, "hidden_size": 5000})",
           "c: 'num_attention_heads' is 5000, expected a whole number from 1 to 4096"}}) {
    INFO(config);
    CHECK(refusal(config) == message);
  }
}
