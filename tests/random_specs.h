// Networks that between them use every option of a ModelSpec, with random weights: for tests of what no
// single family shows.
#pragma once

#include <bit>
#include <cmath>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/checkpoint.h"
#include "model/model.h"

namespace continuo::test {

// Weights of the shapes that a spec implies. Matrices keep a row's dot product near 1.
class RandomWeights {
 public:
  RandomWeights(unsigned seed, Format format, Layout layout) : random_(seed), format_(format), layout_(layout) {}

  Matrix matrix(std::size_t rows, std::size_t cols, Layout layout) {
    auto values = std::make_shared<std::vector<float>>(floats(rows * cols, 0, 1.5f / std::sqrt(float(cols))));
    if (format_ == Format::bf16) {  // in the same memory, the upper halves
      auto* out = reinterpret_cast<unsigned char*>(values->data());
      for (std::size_t i = 0; i < rows * cols; ++i) {
        const auto bits = std::bit_cast<std::uint32_t>((*values)[i]);
        out[2 * i] = static_cast<unsigned char>(bits >> 16);
        out[2 * i + 1] = static_cast<unsigned char>(bits >> 24);
      }
    }
    const auto* data = reinterpret_cast<const std::byte*>(values->data());
    owned_.push_back(std::move(values));
    return {data, format_, layout, rows, cols, layout == Layout::row_major ? cols : rows};
  }
  Linear linear(std::size_t rows, std::size_t cols, bool bias) {
    return {matrix(rows, cols, layout_), bias ? floats(rows, 0, 0.2f) : std::vector<float>{}};
  }
  NormWeights norm(const NormSpec& spec, std::size_t n) {
    const auto* layer_norm = std::get_if<LayerNormSpec>(&spec);
    NormWeights out{layer_norm && !layer_norm->weight ? std::vector<float>(n, 1.0f) : floats(n, 1, 0.2f), {}};
    if (layer_norm && layer_norm->bias) out.bias = floats(n, 0, 0.2f);
    return out;
  }
  void norm(const std::optional<NormSpec>& spec, std::size_t n, NormWeights& out) {
    if (spec) out = norm(*spec, n);
  }

  AttentionWeights attention(const AttentionSpec& spec, std::size_t d_model) {
    const std::size_t q = std::size_t(spec.n_heads) * spec.head_dim, kv = std::size_t(spec.n_kv_heads) * spec.head_dim;
    AttentionWeights out;
    if (spec.grouped_qkv) {
      out.qkv = linear(q + 2 * kv, d_model, spec.qkv_bias);
    } else {
      out.q = linear(q, d_model, spec.qkv_bias);
      out.k = linear(kv, d_model, spec.qkv_bias);
      out.v = linear(kv, d_model, spec.qkv_bias);
    }
    out.out = linear(d_model, q, spec.out_bias);
    if (spec.qk_norm) {
      const bool one_head = spec.qk_norm->span == QkNormSpec::Span::head;
      out.q_norm = norm(spec.qk_norm->norm, one_head ? spec.head_dim : q);
      out.k_norm = norm(spec.qk_norm->norm, one_head ? spec.head_dim : kv);
    }
    return out;
  }
  FeedForwardWeights feed(const FeedForwardSpec& spec, std::size_t d_model) {
    FeedForwardWeights out;
    if (spec.gated) out.gate = linear(spec.d_ff, d_model, spec.bias);
    out.up = linear(spec.d_ff, d_model, spec.bias);
    out.down = linear(d_model, spec.d_ff, spec.bias);
    return out;
  }
  ExpertsWeights feed(const ExpertsSpec& spec, std::size_t d_model) {
    ExpertsWeights out;
    out.router = linear(spec.n_experts, d_model, false);
    for (int i = 0; i < spec.n_experts; ++i) out.experts.push_back(feed(spec.expert, d_model));
    if (spec.shared) out.shared = feed(*spec.shared, d_model);
    if (spec.shared_gate) out.shared_gate = linear(1, d_model, false);
    return out;
  }

  LayerWeights layer(const LayerSpec& spec, std::size_t d_model) {
    LayerWeights out;
    norm(spec.mixer_norm, d_model, out.mixer_norm);
    norm(spec.post_mixer_norm, d_model, out.post_mixer_norm);
    norm(spec.ffn_norm, d_model, out.ffn_norm);
    norm(spec.post_ffn_norm, d_model, out.post_ffn_norm);
    out.mixer = attention(std::get<AttentionSpec>(spec.mixer), d_model);
    if (const auto* dense = std::get_if<FeedForwardSpec>(&spec.ffn)) out.ffn = feed(*dense, d_model);
    if (const auto* experts = std::get_if<ExpertsSpec>(&spec.ffn)) out.ffn = feed(*experts, d_model);
    return out;
  }

  Model model(ModelSpec spec) {
    const std::size_t d_model = spec.d_model, vocab = spec.vocab_size;
    const std::size_t d_embedding = spec.d_embedding > 0 ? spec.d_embedding : d_model;
    Model out;
    Weights& w = out.weights;
    w.embedding = matrix(vocab, d_embedding, Layout::row_major);
    if (d_embedding != d_model) {
      w.project_in = linear(d_model, d_embedding, false);
      w.project_out = linear(d_embedding, d_model, false);
    }
    norm(spec.embedding_norm, d_model, w.embedding_norm);
    if (const auto* learned = std::get_if<LearnedPositions>(&spec.positions)) {
      w.learned_positions = matrix(learned->count + learned->offset, d_model, Layout::row_major);
    }
    for (const LayerSpec& one : spec.layers) w.layers.push_back(layer(one, d_model));
    norm(spec.final_norm, d_model, w.final_norm);
    w.output = spec.tied_output ? Linear{w.embedding, {}} : linear(vocab, d_embedding, false);
    if (spec.output_bias) w.output.bias = floats(vocab, 0, 0.2f);
    auto storage = std::make_shared<Checkpoint>();
    storage->owned = std::move(owned_);
    out.storage = std::move(storage);
    out.name = spec.family;
    out.spec = std::move(spec);
    return out;
  }

 private:
  std::vector<float> floats(std::size_t n, float centre, float spread) {
    std::normal_distribution<float> normal(centre, spread);
    std::vector<float> out(n);
    for (float& value : out) value = normal(random_);
    return out;
  }

  std::mt19937 random_;
  Format format_;
  Layout layout_;
  std::vector<std::shared_ptr<std::vector<float>>> owned_;
};

inline Model random_model(ModelSpec spec, unsigned seed, Format format = Format::f32,
                          Layout layout = Layout::row_major) {
  return RandomWeights(seed, format, layout).model(std::move(spec));
}

// A network of so many layers of plain attention and feed-forward, to be changed.
inline ModelSpec plain_spec(std::string name, std::size_t n_layers = 2) {
  ModelSpec spec;
  spec.family = std::move(name);
  spec.d_model = 40;
  spec.vocab_size = 61;
  spec.context_length = 1000;
  AttentionSpec attention;
  attention.n_heads = 4;
  attention.n_kv_heads = 2;
  attention.head_dim = 12;
  attention.scale = 0.4f;
  LayerSpec layer{
      .mixer_norm = RmsNormSpec{}, .mixer = attention, .ffn_norm = RmsNormSpec{}, .ffn = FeedForwardSpec{.d_ff = 70}};
  spec.layers.assign(n_layers, layer);
  spec.final_norm = RmsNormSpec{};
  return spec;
}

inline AttentionSpec& attention_of(LayerSpec& layer) { return std::get<AttentionSpec>(layer.mixer); }
inline RopeSpec rope_of(int rotary_dim, double theta = 10000) {
  return {.rotary_dim = rotary_dim, .theta = theta, .scaling = {}};
}

// ---- attention ----

inline ModelSpec windows_and_caps() {
  ModelSpec spec = plain_spec("windows and caps", 4);
  const int windows[] = {16, 64, 65, 100};
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    attention_of(layer).window = windows[i];
    attention_of(layer).attn_logit_softcap = i % 2 ? 4.0f : 0.0f;
    attention_of(layer).rope = rope_of(12, i % 2 ? 10000 : 500);
    layer.post_mixer_norm = layer.post_ffn_norm = RmsNormSpec{};
    layer.ffn = FeedForwardSpec{.d_ff = 70, .activation = Activation::gelu_tanh};
  }
  spec.embedding_scale = 6.3f;
  spec.final_logit_softcap = 3;
  spec.tied_output = true;
  return spec;
}

inline ModelSpec linear_biases(bool bf16_products) {
  ModelSpec spec = plain_spec("linear biases");
  for (LayerSpec& layer : spec.layers) {
    AttentionSpec& attention = attention_of(layer);
    attention.alibi =
        AlibiSpec{.slopes = {0.5f, 0.25f, 0.0390625f, 0.01f}, .bf16_products = bf16_products, .scale = 0.7f};
    attention.grouped_qkv = true;
    attention.qkv_bias = attention.out_bias = true;
    attention.window = bf16_products ? 40 : 0;
    layer.mixer_norm = layer.ffn_norm = LayerNormSpec{};
    layer.ffn = FeedForwardSpec{.d_ff = 70, .activation = Activation::gelu_erf, .gated = false, .bias = true};
  }
  spec.embedding_norm = LayerNormSpec{};
  spec.final_norm = LayerNormSpec{};
  return spec;
}

inline ModelSpec norms_of_heads(QkNormSpec::Span span, NormSpec norm) {
  ModelSpec spec = plain_spec("norms of heads");
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).qk_norm = QkNormSpec{norm, span};
    attention_of(layer).rope = rope_of(8);
    attention_of(layer).rope->interleaved = span == QkNormSpec::Span::own_head;
    attention_of(layer).rope->negative_angle = span == QkNormSpec::Span::all_heads;
    attention_of(layer).qkv_clip = 0.9f;
    layer.post_mixer_norm = layer.mixer_norm;
    layer.mixer_norm.reset();
    layer.post_ffn_norm = LayerNormSpec{.bias = false, .weight = false};
    layer.ffn_norm.reset();
  }
  attention_of(spec.layers[1]).rope.reset();
  return spec;
}

inline ModelSpec long_rope() {
  ModelSpec spec = plain_spec("long rope");
  RopeFactors factors{.short_factors = {1, 1.1f, 1.2f, 1.3f, 1.5f, 2},
                      .long_factors = {1, 2, 4, 8, 10, 12},
                      .original_context = 90,
                      .attention_factor = 1.2};
  for (LayerSpec& layer : spec.layers) {
    attention_of(layer).rope = rope_of(12);
    attention_of(layer).rope->scaling = factors;
  }
  return spec;
}

// ---- blocks ----

inline ModelSpec parallel_blocks(bool ffn_norm) {
  ModelSpec spec = plain_spec("parallel blocks");
  for (LayerSpec& layer : spec.layers) {
    layer.order = LayerSpec::Order::parallel;
    layer.mixer_norm = LayerNormSpec{};
    layer.ffn_norm.reset();
    if (ffn_norm) layer.ffn_norm = LayerNormSpec{.eps = 1e-5f, .bias = false};
    layer.ffn = FeedForwardSpec{.d_ff = 70, .activation = Activation::gelu_quick, .gated = false, .bias = true};
    layer.residual_scale = ffn_norm ? 0.6f : 1.0f;
    attention_of(layer).rope = rope_of(6);
    attention_of(layer).rope->interleaved = true;
    attention_of(layer).grouped_qkv = ffn_norm;
  }
  spec.output_bias = true;
  spec.logit_scale = 0.3f;
  return spec;
}

inline ModelSpec norms_after() {
  ModelSpec spec = plain_spec("norms after");
  for (LayerSpec& layer : spec.layers) {
    layer.order = LayerSpec::Order::post_norm;
    layer.mixer_norm = layer.ffn_norm = LayerNormSpec{};
    layer.ffn = FeedForwardSpec{.d_ff = 70, .activation = Activation::relu, .gated = false, .bias = true};
  }
  spec.positions = LearnedPositions{.count = 1000, .offset = 2};
  spec.d_embedding = 24;
  spec.tied_output = true;
  spec.final_norm.reset();
  return spec;
}

inline ModelSpec experts(bool shared) {
  ModelSpec spec = plain_spec(shared ? "experts and a shared one" : "experts", 3);
  for (LayerSpec& layer : spec.layers) {
    ExpertsSpec feed{.n_experts = 7, .n_active = 3, .expert = {.d_ff = 22}, .normalize = !shared, .shared = {}};
    if (shared) feed.shared = FeedForwardSpec{.d_ff = 50};
    feed.shared_gate = shared;
    layer.ffn = feed;
    layer.residual_scale = 0.8f;
    attention_of(layer).rope = rope_of(12);
  }
  spec.layers[1].ffn = FeedForwardSpec{.d_ff = 30, .activation = Activation::relu_squared, .gated = false};
  return spec;
}

inline std::vector<ModelSpec> random_specs() {
  using Span = QkNormSpec::Span;
  return {windows_and_caps(),
          linear_biases(false),
          linear_biases(true),
          norms_of_heads(Span::head, RmsNormSpec{}),
          norms_of_heads(Span::own_head, LayerNormSpec{.eps = 1e-5f, .bias = false}),
          norms_of_heads(Span::all_heads, RmsNormSpec{}),
          long_rope(),
          parallel_blocks(false),
          parallel_blocks(true),
          norms_after(),
          experts(false),
          experts(true)};
}

// Models of all of them; every other one in bfloat16, every third with its matrices the other way round.
inline std::vector<Model> random_models(unsigned seed) {
  std::vector<Model> models;
  for (const ModelSpec& spec : random_specs()) {
    const std::size_t i = models.size();
    models.push_back(random_model(spec, seed + unsigned(i), i % 2 ? Format::bf16 : Format::f32,
                                  i % 3 == 2 ? Layout::transposed : Layout::row_major));
  }
  return models;
}

}  // namespace continuo::test
