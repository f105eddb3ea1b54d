// Small models with random weights, made in memory, for tests that need a network and no particular one.
#pragma once

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "catch.h"
#include "io/checkpoint.h"
#include "model/model.h"

namespace continuo::test {

class RandomCheckpoint {
 public:
  explicit RandomCheckpoint(unsigned seed, Format format = Format::f32) : random_(seed), format_(format) {
    checkpoint_.name = "random";
    checkpoint_.config_file = "random/config.json";
    checkpoint_.generation_config = Json::object();
  }

  // Through text, as a file would give it.
  void config(const Json& json) { checkpoint_.config = Json::parse(json.dump()); }

  // A tensor of normal values: around `centre`, spread so that a row's dot product stays near 1.
  void tensor(const std::string& name, std::vector<std::size_t> shape, float centre = 0) {
    std::size_t n = 1;
    for (const std::size_t extent : shape) n *= extent;
    std::normal_distribution<float> normal(centre, shape.size() > 1 ? 1.5f / std::sqrt(float(shape.back())) : 0.2f);
    auto values = std::make_shared<std::vector<float>>(n);
    for (float& value : *values) value = normal(random_);
    // Half formats are kept in the same vector, cut to the upper sixteen bits.
    if (format_ == Format::bf16) {
      auto* out = reinterpret_cast<unsigned char*>(values->data());
      for (std::size_t i = 0; i < n; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>((*values)[i]);
        out[2 * i] = static_cast<unsigned char>(bits >> 16);
        out[2 * i + 1] = static_cast<unsigned char>(bits >> 24);
      }
    }
    // Blocks too, of matrices alone: vectors stay float32.
    const bool blocks = !format_is_plain(format_);
    const Format format = blocks && shape.size() == 1 ? Format::f32 : format_;
    if (blocks && shape.size() > 1) {
      std::vector<std::byte> stored(stored_bytes(format, n));
      format_info(format).from_float(values->data(), stored.data(), n);
      std::memcpy(values->data(), stored.data(), stored.size());
    }
    checkpoint_.tensors[name] = {.format = format,
                                 .shape = std::move(shape),
                                 .bytes = std::as_bytes(std::span(*values)).first(stored_bytes(format, n)),
                                 .file = "random"};
    checkpoint_.owned.push_back(std::move(values));
  }

  Model build() {
    auto model = build_model(std::move(checkpoint_));
    if (!model) FAIL(model.error().message());
    return std::move(*model);
  }

 private:
  std::mt19937 random_;
  Format format_;
  Checkpoint checkpoint_;
};

struct RandomShape {
  std::size_t d_model = 48, d_ff = 100, n_layers = 3, n_heads = 6, n_kv_heads = 2, head_dim = 12, vocab = 70;
  std::size_t context = 512;
};

// Wide enough that the work is shared among threads.
inline constexpr RandomShape kWideShape{
    .d_model = 256, .d_ff = 700, .n_layers = 2, .n_heads = 8, .n_kv_heads = 4, .head_dim = 32, .vocab = 1000};

inline Model random_llama(unsigned seed, const RandomShape& s = {}, Format format = Format::f32, Json extra = {}) {
  RandomCheckpoint c(seed, format);
  Json config = {{"model_type", "llama"},
                 {"hidden_size", s.d_model},
                 {"intermediate_size", s.d_ff},
                 {"num_hidden_layers", s.n_layers},
                 {"num_attention_heads", s.n_heads},
                 {"num_key_value_heads", s.n_kv_heads},
                 {"head_dim", s.head_dim},
                 {"vocab_size", s.vocab},
                 {"max_position_embeddings", s.context},
                 {"rms_norm_eps", 1e-5},
                 {"hidden_act", "silu"},
                 {"tie_word_embeddings", false},
                 {"bos_token_id", 1},
                 {"eos_token_id", 2}};
  if (extra.is_object()) config.update(extra);
  c.config(config);
  c.tensor("model.embed_tokens.weight", {s.vocab, s.d_model});
  c.tensor("model.norm.weight", {s.d_model}, 1);
  c.tensor("lm_head.weight", {s.vocab, s.d_model});
  for (std::size_t i = 0; i < s.n_layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    c.tensor(layer + "input_layernorm.weight", {s.d_model}, 1);
    c.tensor(layer + "post_attention_layernorm.weight", {s.d_model}, 1);
    c.tensor(layer + "self_attn.q_proj.weight", {s.n_heads * s.head_dim, s.d_model});
    c.tensor(layer + "self_attn.k_proj.weight", {s.n_kv_heads * s.head_dim, s.d_model});
    c.tensor(layer + "self_attn.v_proj.weight", {s.n_kv_heads * s.head_dim, s.d_model});
    c.tensor(layer + "self_attn.o_proj.weight", {s.d_model, s.n_heads * s.head_dim});
    if (config.value("attention_bias", false)) {
      c.tensor(layer + "self_attn.q_proj.bias", {s.n_heads * s.head_dim});
      c.tensor(layer + "self_attn.k_proj.bias", {s.n_kv_heads * s.head_dim});
      c.tensor(layer + "self_attn.v_proj.bias", {s.n_kv_heads * s.head_dim});
      c.tensor(layer + "self_attn.o_proj.bias", {s.d_model});
    }
    c.tensor(layer + "mlp.gate_proj.weight", {s.d_ff, s.d_model});
    c.tensor(layer + "mlp.up_proj.weight", {s.d_ff, s.d_model});
    c.tensor(layer + "mlp.down_proj.weight", {s.d_model, s.d_ff});
  }
  return c.build();
}

inline Model random_gpt2(unsigned seed, const RandomShape& s = {}) {
  RandomCheckpoint c(seed);
  c.config({{"model_type", "gpt2"},
            {"n_embd", s.d_model},
            {"n_inner", s.d_ff},
            {"n_layer", s.n_layers},
            {"n_head", s.n_heads},
            {"n_positions", s.context},
            {"vocab_size", s.vocab},
            {"bos_token_id", 1},
            {"eos_token_id", 2}});
  c.tensor("wte.weight", {s.vocab, s.d_model});
  c.tensor("wpe.weight", {s.context, s.d_model});
  for (std::size_t i = 0; i < s.n_layers; ++i) {
    const std::string layer = "h." + std::to_string(i) + ".";
    for (const char* norm : {"ln_1", "ln_2"}) {
      c.tensor(layer + norm + ".weight", {s.d_model}, 1);
      c.tensor(layer + norm + ".bias", {s.d_model});
    }
    const auto linear = [&](const char* name, std::size_t in, std::size_t out) {
      c.tensor(layer + name + ".weight", {in, out});
      c.tensor(layer + name + ".bias", {out});
    };
    linear("attn.c_attn", s.d_model, 3 * s.d_model);
    linear("attn.c_proj", s.d_model, s.d_model);
    linear("mlp.c_fc", s.d_model, s.d_ff);
    linear("mlp.c_proj", s.d_ff, s.d_model);
  }
  c.tensor("ln_f.weight", {s.d_model}, 1);
  c.tensor("ln_f.bias", {s.d_model});
  return c.build();
}

inline std::vector<TokenId> random_ids(std::size_t n, std::size_t vocab, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<TokenId> ids(n);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % vocab);
  return ids;
}

}  // namespace continuo::test
