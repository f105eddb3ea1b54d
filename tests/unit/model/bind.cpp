#include "model/bind.h"

#include <cstring>

#include "catch.h"
#include "support.h"
#include "unit/model/samples.h"

using namespace continuo;
using continuo::test::message_of;
using continuo::test::numbered;
using continuo::test::Sample;
using continuo::test::tiny_gpt2;
using continuo::test::tiny_llama;
using continuo::test::TinyModel;

namespace {

// Value (row, col) of a matrix, by the contract in weights.h.
float value(const Matrix& m, std::size_t row, std::size_t col) {
  const std::size_t index = m.layout == Layout::row_major ? row * m.stride + col : col * m.stride + row;
  float out = 0;
  format_info(m.format).to_float(m.data + stored_bytes(m.format, index), &out, 1);
  return out;
}

// What stands at `index` of a tensor of the sample.
float sample(const TinyModel& tiny, const std::string& name, std::size_t index) {
  float out = 0;
  std::memcpy(&out, tiny.tensors.at(name).bytes.data() + 4 * index, 4);
  return out;
}

}  // namespace

TEST_CASE("matrices are views of the file's bytes", "[model]") {
  const TinyModel tiny = tiny_llama();
  const auto model = tiny.build();
  REQUIRE(message_of(model).empty());
  const Weights& w = model->weights;
  CHECK(w.embedding.rows == 5);
  CHECK(w.embedding.cols == 8);
  CHECK(value(w.embedding, 3, 2) == sample(tiny, "model.embed_tokens.weight", 3 * 8 + 2));
  CHECK(w.learned_positions.data == nullptr);
  const auto& attention = std::get<AttentionWeights>(w.layers[1].mixer);
  CHECK(attention.k.weight.rows == 4);
  CHECK(value(attention.k.weight, 3, 7) == sample(tiny, "model.layers.1.self_attn.k_proj.weight", 31));
  CHECK(attention.k.bias.empty());
  const auto& feed = std::get<FeedForwardWeights>(w.layers[0].ffn);
  CHECK(feed.gate.weight.rows == 12);
  CHECK(feed.down.weight.cols == 12);
  CHECK(value(feed.down.weight, 1, 11) == sample(tiny, "model.layers.0.mlp.down_proj.weight", 12 + 11));
  CHECK(w.layers[1].ffn_norm.weight.size() == 8);
  CHECK(w.layers[1].ffn_norm.weight[2] == sample(tiny, "model.layers.1.post_attention_layernorm.weight", 2));
  CHECK(w.layers[1].ffn_norm.bias.empty());
  CHECK(value(w.output.weight, 4, 0) == sample(tiny, "lm_head.weight", 32));
}

TEST_CASE("a fused tensor is seen through three windows", "[model]") {
  const TinyModel tiny = tiny_gpt2();
  const auto model = tiny.build();
  REQUIRE(message_of(model).empty());
  const auto& attention = std::get<AttentionWeights>(model->weights.layers[1].mixer);
  const std::string name = "transformer.h.1.attn.c_attn.";
  std::size_t first = 0;
  for (const Linear* part : {&attention.q, &attention.k, &attention.v}) {
    CHECK(part->weight.rows == 8);
    CHECK(part->weight.cols == 8);
    CHECK(part->weight.layout == Layout::transposed);
    CHECK(value(part->weight, 5, 3) == sample(tiny, name + "weight", 3 * 24 + first + 5));
    REQUIRE(part->bias.size() == 8);
    CHECK(part->bias[5] == sample(tiny, name + "bias", first + 5));
    first += 8;
  }
  const auto& feed = std::get<FeedForwardWeights>(model->weights.layers[0].ffn);
  CHECK(feed.gate.weight.data == nullptr);
  CHECK(feed.up.weight.rows == 32);
  CHECK(value(feed.up.weight, 31, 2) == sample(tiny, "transformer.h.0.mlp.c_fc.weight", 2 * 32 + 31));
  CHECK(model->weights.final_norm.bias.size() == 8);
  CHECK(model->weights.learned_positions.rows == 6);
  CHECK(model->weights.output.weight.data == model->weights.embedding.data);
}

TEST_CASE("the prefix of names may be absent", "[model]") {
  CHECK(tiny_gpt2("").refusal().empty());
  TinyModel bare = tiny_llama();
  for (auto it = bare.tensors.begin(); it != bare.tensors.end();) {
    auto node = bare.tensors.extract(it++);
    if (node.key().starts_with("model.")) node.key() = "~" + node.key().substr(6);
    bare.tensors.insert(std::move(node));
  }
  std::map<std::string, Sample> renamed;
  for (auto& [name, tensor] : bare.tensors) renamed[name[0] == '~' ? name.substr(1) : name] = tensor;
  bare.tensors = renamed;
  CHECK(bare.refusal().empty());
}

TEST_CASE("every tensor is demanded", "[model]") {
  for (const TinyModel& whole : {tiny_llama(), tiny_gpt2()}) {
    for (const auto& [name, tensor] : whole.tensors) {
      TinyModel tiny = whole;
      tiny.tensors.erase(name);
      INFO(name);
      CHECK(tiny.refusal().find("is missing (") != std::string::npos);
    }
  }
  TinyModel tiny = tiny_llama();
  tiny.tensors.erase("lm_head.weight");
  CHECK(tiny.refusal() ==
        "tiny: tensor 'lm_head.weight' (output) is missing (if the output is the embedding, config.json "
        "should say "
        "\"tie_word_embeddings\": true)");
  tiny.config["tie_word_embeddings"] = true;
  CHECK(tiny.refusal().empty());
}

TEST_CASE("every tensor's shape is checked", "[model]") {
  for (const TinyModel& whole : {tiny_llama(), tiny_gpt2()}) {
    for (const auto& [name, tensor] : whole.tensors) {
      INFO(name);
      TinyModel longer = whole;
      std::vector<std::size_t> shape = tensor.shape;
      ++shape.back();
      longer.tensors[name] = numbered(shape);
      CHECK(longer.refusal().find("tensor '" + name + "' (") != std::string::npos);
      TinyModel deeper = whole;
      deeper.tensors[name].shape.insert(deeper.tensors[name].shape.begin(), 1);
      CHECK(deeper.refusal().find(" has shape [1, ") != std::string::npos);
    }
  }
  TinyModel tiny = tiny_llama();
  tiny.tensors["model.norm.weight"] = numbered({8, 1});
  CHECK(tiny.refusal() ==
        "tiny/model.safetensors: tensor 'model.norm.weight' (final norm) has shape [8, 1], expected [8] (do "
        "config.json and the weights belong together?)");
}

TEST_CASE("what no role asked for is refused", "[model]") {
  TinyModel tiny = tiny_llama();
  tiny.tensors["score.weight"] = numbered({2, 8});
  const std::string hint = " (the text would not be the model's; is config.json the right one?)";
  CHECK(tiny.refusal() == "tiny/model.safetensors: a tensor for which this llama has no place: 'score.weight'" + hint);
  tiny.tensors["model.layers.2.input_layernorm.weight"] = numbered({8});
  tiny.tensors["model.layers.0.self_attn.q_proj.bias"] = numbered({8});
  tiny.tensors["x"] = {"I8", {1}, "x"};
  CHECK(tiny.refusal() ==
        "tiny/model.safetensors: 4 tensors for which this llama has no place: "
        "'model.layers.0.self_attn.q_proj.bias', 'model.layers.2.input_layernorm.weight', 'score.weight' and "
        "1 more" +
            hint);
}

TEST_CASE("known buffers are passed over, in any format", "[model]") {
  TinyModel tiny = tiny_gpt2();
  tiny.tensors["transformer.h.0.attn.bias"] = {"BOOL", {1, 1, 2, 2}, "\1\1\1\1"};
  tiny.tensors["transformer.h.1.attn.bias"] = numbered({1, 1, 6, 6});
  tiny.tensors["transformer.h.1.attn.masked_bias"] = numbered({});
  CHECK(tiny.refusal().empty());
  tiny.tensors["transformer.h.x.attn.bias"] = numbered({1});
  CHECK(tiny.refusal().find("'transformer.h.x.attn.bias'") != std::string::npos);
  TinyModel llama = tiny_llama();
  llama.tensors["model.layers.1.self_attn.rotary_emb.inv_freq"] = numbered({2});
  CHECK(llama.refusal().empty());
  llama.tensors["model.layers.1.self_attn.masked_bias"] = numbered({});
  CHECK_FALSE(llama.refusal().empty());
}

TEST_CASE("formats may be mixed, but must be numbers that can be run", "[model]") {
  TinyModel tiny = tiny_llama();
  tiny.tensors["model.norm.weight"] = {"F16", {8}, std::string("\0\x3c", 2) + std::string(14, '\0')};
  tiny.tensors["lm_head.weight"] = {"BF16", {5, 8}, std::string(80, '\0')};
  const auto model = tiny.build();
  REQUIRE(message_of(model).empty());
  CHECK(model->weights.final_norm.weight[0] == 1.0f);
  CHECK(model->weights.output.weight.format == Format::bf16);
  tiny.tensors["model.layers.0.mlp.up_proj.weight"] = {"I8", {12, 8}, std::string(96, '\0')};
  CHECK(tiny.refusal() ==
        "tiny/model.safetensors: tensor 'model.layers.0.mlp.up_proj.weight' (layer 0 feed-forward up) is "
        "stored as I8 "
        "(F32, F16 and BF16 can be run)");
}

TEST_CASE("a tied output may stand in the file again, unchanged", "[model]") {
  TinyModel tiny = tiny_gpt2();
  const std::size_t bytes = tiny.build()->weight_bytes;
  tiny.tensors["lm_head.weight"] = tiny.tensors["transformer.wte.weight"];
  const auto model = tiny.build();
  REQUIRE(message_of(model).empty());
  CHECK(model->weight_bytes == bytes);
  CHECK(model->tensors.back().role == "output (the embedding again)");
  tiny.tensors["lm_head.weight"].bytes[5] ^= 1;
  CHECK(tiny.refusal() ==
        "tiny/model.safetensors: tensor 'lm_head.weight' differs from the embedding, to which it is tied "
        "(should "
        "config.json say \"tie_word_embeddings\": false?)");
  tiny.tensors["lm_head.weight"] = numbered({5, 9});
  CHECK(tiny.refusal().find("(output) has shape [5, 9], expected [5, 8]") != std::string::npos);
}

TEST_CASE("inspect sees every tensor and its bytes", "[model]") {
  const TinyModel tiny = tiny_llama();
  const auto model = tiny.build();
  REQUIRE(model->tensors.size() == tiny.tensors.size());
  std::size_t bytes = 0;
  for (const auto& [name, tensor] : tiny.tensors) bytes += tensor.bytes.size();
  CHECK(model->weight_bytes == bytes);
  CHECK(model->tensors[0].role == "embedding");
  CHECK(model->tensors[2].name == "model.layers.0.self_attn.q_proj.weight");
  CHECK(model->tensors[2].role == "layer 0 attention q");
  CHECK(model->tensors[2].shape == std::vector<std::size_t>{8, 8});
  CHECK(model->tensors[2].bytes == 256);
}

TEST_CASE("a model keeps its files' bytes alive when it moves", "[model]") {
  std::optional<Model> kept;
  {
    auto model = tiny_llama().build();
    kept = std::move(model).value();
  }
  const Model moved = std::move(*kept);
  CHECK(value(moved.weights.embedding, 0, 1) == 1.5f);
}
