// Checkpoints of tiny models, complete and easy to spoil.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "io/checkpoint.h"
#include "model/model.h"
#include "unit/io/samples.h"

namespace continuo::test {

struct TinyModel {
  Json config;
  std::map<std::string, Sample> tensors;

  Checkpoint checkpoint() const {
    Checkpoint checkpoint{.name = "tiny",
                          .config_file = "tiny/config.json",
                          .config = config,
                          .generation_config = Json::object(),
                          .tensors = {},
                          .others = {},
                          .storage = {},
                          .owned = {}};
    const auto file = std::make_shared<const std::string>(safetensors(tensors));
    const Blob blob(std::as_bytes(std::span<const char>(*file)), file, "tiny/model.safetensors");
    const auto read = read_safetensors(blob, checkpoint);
    CONTINUO_CHECK(read, "the sample is broken");
    return checkpoint;
  }
  Result<Model> build() const { return build_model(checkpoint()); }
  std::string refusal() const { return message_of(build()); }
};

// d_model 8, 2 layers, 2 heads of 4 values, 1 head of keys and values, d_ff 12, 5 tokens, untied.
inline TinyModel tiny_llama() {
  TinyModel tiny;
  tiny.config = Json::parse(R"({"model_type": "llama", "vocab_size": 5, "hidden_size": 8, "num_hidden_layers": 2,
    "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 12, "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "bos_token_id": 1, "eos_token_id": 2})");
  float first = 1;
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape) {
    tiny.tensors[name] = numbered(std::move(shape), first);
    first += 1000;
  };
  add("model.embed_tokens.weight", {5, 8});
  for (int i = 0; i < 2; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    add(layer + "input_layernorm.weight", {8});
    add(layer + "self_attn.q_proj.weight", {8, 8});
    add(layer + "self_attn.k_proj.weight", {4, 8});
    add(layer + "self_attn.v_proj.weight", {4, 8});
    add(layer + "self_attn.o_proj.weight", {8, 8});
    add(layer + "post_attention_layernorm.weight", {8});
    add(layer + "mlp.gate_proj.weight", {12, 8});
    add(layer + "mlp.up_proj.weight", {12, 8});
    add(layer + "mlp.down_proj.weight", {8, 12});
  }
  add("model.norm.weight", {8});
  add("lm_head.weight", {5, 8});
  return tiny;
}

// d_model 8, 2 layers, 2 heads of 4 values, d_ff 32, 5 tokens, 6 positions, tied.
inline TinyModel tiny_gpt2(const std::string& prefix = "transformer.") {
  TinyModel tiny;
  tiny.config = Json::parse(R"({"model_type": "gpt2", "vocab_size": 5, "n_embd": 8, "n_layer": 2, "n_head": 2,
    "n_positions": 6, "n_inner": null, "eos_token_id": 4})");
  float first = 1;
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape) {
    tiny.tensors[prefix + name] = numbered(std::move(shape), first);
    first += 1000;
  };
  add("wte.weight", {5, 8});
  add("wpe.weight", {6, 8});
  for (int i = 0; i < 2; ++i) {
    const std::string layer = "h." + std::to_string(i) + ".";
    for (const char* norm : {"ln_1", "ln_2"}) {
      add(layer + norm + ".weight", {8});
      add(layer + norm + ".bias", {8});
    }
    add(layer + "attn.c_attn.weight", {8, 24});
    add(layer + "attn.c_attn.bias", {24});
    add(layer + "attn.c_proj.weight", {8, 8});
    add(layer + "attn.c_proj.bias", {8});
    add(layer + "mlp.c_fc.weight", {8, 32});
    add(layer + "mlp.c_fc.bias", {32});
    add(layer + "mlp.c_proj.weight", {32, 8});
    add(layer + "mlp.c_proj.bias", {8});
  }
  add("ln_f.weight", {8});
  add("ln_f.bias", {8});
  return tiny;
}

}  // namespace continuo::test
