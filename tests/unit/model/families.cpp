#include "model/families.h"

#include <cmath>
#include <set>

#include "catch.h"
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
const FeedForwardSpec& feed(const Model& model) {
  return std::get<FeedForwardSpec>(model.spec.layers[0].feed);
}

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
  CHECK(with(tiny_llama(), "hidden_act", "quick_gelu").refusal() ==
        "tiny/config.json: 'hidden_act' is \"quick_gelu\", expected one of silu, swish, gelu, gelu_python, "
        "gelu_new, "
        "gelu_fast, gelu_accurate, gelu_pytorch_tanh, gelu_python_tanh, relu");
}

TEST_CASE("llama: what a config must say", "[model]") {
  for (const auto& [field, message] : std::map<std::string, std::string>{
           {"vocab_size", "'vocab_size' is missing"},
           {"hidden_size", "'hidden_size' or 'n_embd' is missing"},
           {"num_hidden_layers", "'num_hidden_layers' or 'n_layer' is missing"},
           {"num_attention_heads", "'num_attention_heads' or 'n_head' is missing"},
           {"intermediate_size", "'intermediate_size' or 'n_inner' is missing"},
           {"max_position_embeddings", "'max_position_embeddings' or 'n_positions' or 'n_ctx' is missing"},
           {"model_type", "'model_type' is missing"}}) {
    CHECK(without(tiny_llama(), field).refusal() == "tiny/config.json: " + message);
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
  CHECK(with(tiny_llama(), "model_type", "mamba").refusal() ==
        "tiny/config.json: 'model_type' is \"mamba\", expected one of gpt2, llama, qwen2 (this kind of model is not "
        "supported)");
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
  const auto ends = [](const TinyModel& tiny) { return tiny.build()->spec.end_tokens; };
  const TinyModel plain = without(tiny_llama(), "bos_token_id");
  CHECK(ends(plain) == std::vector<TokenId>{2});
  CHECK(ends(tiny_llama()) == std::vector<TokenId>{1, 2});
  CHECK(tiny_llama().build()->spec.bos_token == 1);
  CHECK(ends(without(plain, "eos_token_id")).empty());
  CHECK_FALSE(with(plain, "bos_token_id", nullptr).build()->spec.bos_token);
  Checkpoint both = with(plain, "eos_token_id", {2, 0}).checkpoint();
  both.generation_config = {{"eos_token_id", {4, 2}}};
  CHECK(build_model(std::move(both))->spec.end_tokens == std::vector<TokenId>{0, 2, 4});
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
    CHECK_FALSE(family->prefixes.empty());
    std::set<Role> roles;
    for (const TensorName& tensor : family->tensors) {
      CHECK(roles.insert(tensor.role).second);
      CHECK((tensor.name.find('*') == 0 || tensor.name.find('*') == tensor.name.npos));
    }
    CHECK(roles.count(Role::embedding));
    CHECK(roles.count(Role::output));
  }
  CHECK(find_family("LLAMA") == nullptr);
}
