// Binding of what only some specs have: experts, norms of heads, fused matrices, embeddings of another width.
#include <cstring>

#include "catch.h"
#include "io/checkpoint.h"
#include "model/bind.h"
#include "unit/model/samples.h"

using namespace continuo;
using continuo::test::message_of;
using continuo::test::numbered;
using continuo::test::TinyModel;

namespace {

constexpr auto kNames = std::to_array<TensorName>({
    {Role::embedding, "*e"},
    {Role::embedding_norm, "*en"},
    {Role::embedding_project_in, "*widen"},
    {Role::attention_q, "l#.q"},
    {Role::attention_k, "l#.k"},
    {Role::attention_v, "l#.v"},
    {Role::attention_qkv, "l#.qkv"},
    {Role::attention_qkv_bias, "l#.qkv_bias"},
    {Role::attention_q_norm, "l#.qn@"},
    {Role::attention_q_norm, "l#.qn"},
    {Role::attention_k_norm, "l#.kn@"},
    {Role::attention_k_norm, "l#.kn"},
    {Role::attention_out, "l#.o"},
    {Role::ffn_gate_up, "l#.gu"},
    {Role::ffn_gate, "l#.g"},
    {Role::ffn_up, "l#.u"},
    {Role::ffn_down, "l#.d"},
    {Role::router, "l#.router"},
    {Role::expert_gate, "l#.x@.g"},
    {Role::expert_gate, "l#.xg"},
    {Role::expert_up, "l#.x@.u"},
    {Role::expert_up, "l#.xu"},
    {Role::expert_gate_up, "l#.x@.gu"},
    {Role::expert_gate_up, "l#.xgu"},
    {Role::expert_down, "l#.x@.d"},
    {Role::expert_down, "l#.xd"},
    {Role::shared_gate, "l#.sg"},
    {Role::shared_up, "l#.su"},
    {Role::shared_down, "l#.sd"},
    {Role::shared_router, "l#.sr"},
    {Role::output_project_out, "*narrow"},
    {Role::output, "*out"},
    {Role::output_bias, "*out_bias"},
});
constexpr auto kPrefixes = std::to_array<std::string_view>({"p.", ""});
constexpr TensorNames kAllNames = {kNames, kPrefixes, {}};

// One layer: d_model 4, 2 heads of 2 values that share a key head, d_ff 3, 3 tokens; no norms.
ModelSpec small_spec() {
  ModelSpec spec;
  spec.family = "small";
  spec.d_model = 4;
  spec.vocab_size = 3;
  spec.tied_output = true;
  spec.layers.push_back({.mixer = AttentionSpec{.n_heads = 2, .n_kv_heads = 1, .head_dim = 2, .rope = {}},
                         .ffn = FeedForwardSpec{.d_ff = 3}});
  return spec;
}

struct Files {
  TinyModel tiny;
  void add(const std::string& name, std::vector<std::size_t> shape, float first = 0) {
    tiny.tensors[name] = numbered(std::move(shape), first);
  }
  Files() {
    add("p.e", {3, 4}, 100);
    add("l0.q", {4, 4}, 200);
    add("l0.k", {2, 4}, 300);
    add("l0.v", {2, 4}, 400);
    add("l0.o", {4, 4}, 500);
    add("l0.g", {3, 4}, 600);
    add("l0.u", {3, 4}, 700);
    add("l0.d", {4, 3}, 800);
  }
  void remove(std::initializer_list<const char*> names) {
    for (const char* name : names) tiny.tensors.erase(name);
  }
};

struct Bound {
  Checkpoint checkpoint;  // what the views point into
  Result<BoundWeights> result;
  explicit Bound(const Files& files, const ModelSpec& spec)
      : checkpoint(files.tiny.checkpoint()), result(bind_weights(kAllNames, spec, checkpoint)) {}
  const Weights& weights() {
    INFO(message_of(result));
    REQUIRE(result);
    return result->weights;
  }
};

float value(const Matrix& m, std::size_t row, std::size_t col) {
  const std::size_t index = m.layout == Layout::row_major ? row * m.stride + col : col * m.stride + row;
  float out = 0;
  format_info(m.format).to_float(m.data + stored_bytes(m.format, index), &out, 1);
  return out;
}
AttentionSpec& attention(ModelSpec& spec) { return std::get<AttentionSpec>(spec.layers[0].mixer); }
const AttentionWeights& attention(const Weights& weights) {
  return std::get<AttentionWeights>(weights.layers[0].mixer);
}

}  // namespace

TEST_CASE("gate and up in one tensor are seen through two windows", "[model]") {
  Files files;
  files.remove({"l0.g", "l0.u"});
  files.add("l0.gu", {6, 4}, 1000);
  Bound bound(files, small_spec());
  const auto& feed = std::get<FeedForwardWeights>(bound.weights().layers[0].ffn);
  CHECK(feed.gate.weight.rows == 3);
  CHECK(value(feed.gate.weight, 2, 3) == 1000 + 0.5f * 11);
  CHECK(feed.up.weight.rows == 3);
  CHECK(value(feed.up.weight, 0, 0) == 1000 + 0.5f * 12);
  files.add("l0.g", {3, 4});
  CHECK(message_of(Bound(files, small_spec()).result).find("no place: 'l0.g'") != std::string::npos);
}

TEST_CASE("queries, keys and values by groups stay one matrix", "[model]") {
  ModelSpec spec = small_spec();
  attention(spec).grouped_qkv = attention(spec).qkv_bias = true;
  Files files;
  files.remove({"l0.q", "l0.k", "l0.v"});
  files.add("l0.qkv", {8, 4}, 50);
  CHECK(message_of(Bound(files, spec).result).find("'l0.qkv_bias' (layer 0 attention qkv bias) is missing") !=
        std::string::npos);
  files.add("l0.qkv_bias", {8}, 7);
  Bound bound(files, spec);
  const AttentionWeights& weights = attention(bound.weights());
  CHECK(weights.qkv.weight.rows == 8);
  CHECK(weights.qkv.bias[7] == 7 + 0.5f * 7);
  CHECK(weights.q.weight.data == nullptr);
}

TEST_CASE("norms of queries and keys", "[model]") {
  ModelSpec spec = small_spec();
  Files files;
  const auto bind = [&](QkNormSpec::Span span) {
    attention(spec).qk_norm = QkNormSpec{RmsNormSpec{}, span};
    return Bound(files, spec);
  };
  files.add("l0.qn", {2}, 10);
  files.add("l0.kn", {2}, 20);
  CHECK(attention(bind(QkNormSpec::Span::head).weights()).q_norm.weight == std::vector<float>{10, 10.5f});
  files.add("l0.qn", {4}, 10);
  CHECK(attention(bind(QkNormSpec::Span::all_heads).weights()).q_norm.weight ==
        std::vector<float>{10, 10.5f, 11, 11.5f});
  CHECK(message_of(bind(QkNormSpec::Span::own_head).result).find("has shape [4], expected [2, 2]") !=
        std::string::npos);
  files.add("l0.qn", {2, 2}, 10);
  files.add("l0.kn", {1, 2}, 20);
  CHECK(attention(bind(QkNormSpec::Span::own_head).weights()).q_norm.weight ==
        std::vector<float>{10, 10.5f, 11, 11.5f});
  // One tensor a head.
  files.remove({"l0.qn", "l0.kn"});
  files.add("l0.qn0", {2}, 10);
  files.add("l0.qn1", {2}, 30);
  files.add("l0.kn0", {2}, 20);
  CHECK(attention(bind(QkNormSpec::Span::own_head).weights()).q_norm.weight ==
        std::vector<float>{10, 10.5f, 30, 30.5f});
  files.remove({"l0.qn1"});
  CHECK(message_of(bind(QkNormSpec::Span::own_head).result).find("'l0.qn1' (layer 0 attention q norm) is missing") !=
        std::string::npos);
}

TEST_CASE("norms: an offset, or no weights at all", "[model]") {
  ModelSpec spec = small_spec();
  Files files;
  spec.embedding_norm = RmsNormSpec{.unit_offset = true};
  files.add("p.en", {4}, 2);
  CHECK(Bound(files, spec).weights().embedding_norm.weight == std::vector<float>{3, 3.5f, 4, 4.5f});
  files.remove({"p.en"});
  CHECK(message_of(Bound(files, spec).result).find("'p.en' (embedding norm) is missing") != std::string::npos);
  for (const NormSpec& norm :
       {NormSpec(RmsNormSpec{.weight = false}), NormSpec(LayerNormSpec{.bias = false, .weight = false})}) {
    spec.embedding_norm = norm;
    CHECK(Bound(files, spec).weights().embedding_norm.weight == std::vector<float>(4, 1));
  }
}

TEST_CASE("experts: one tensor each, all in one, gate and up in one", "[model]") {
  ModelSpec spec = small_spec();
  spec.layers[0].ffn = ExpertsSpec{.n_experts = 2, .n_active = 1, .expert = {.d_ff = 3}, .shared = {}};
  Files apart;
  apart.remove({"l0.g", "l0.u", "l0.d"});
  apart.add("l0.router", {2, 4}, 900);
  Files stacked = apart, fused = apart, all_in_one = apart;
  for (int e = 0; e < 2; ++e) {
    const std::string expert = "l0.x" + std::to_string(e);
    const float offset = 0.5f * static_cast<float>(e);
    apart.add(expert + ".g", {3, 4}, 1000 + 12 * offset);
    apart.add(expert + ".u", {3, 4}, 2000 + 12 * offset);
    apart.add(expert + ".d", {4, 3}, 3000 + 12 * offset);
  }
  stacked.add("l0.xg", {2, 3, 4}, 1000);
  stacked.add("l0.xu", {2, 3, 4}, 2000);
  stacked.add("l0.xd", {2, 4, 3}, 3000);
  for (const Files& files : {apart, stacked}) {
    Bound bound(files, spec);
    const auto& weights = std::get<ExpertsWeights>(bound.weights().layers[0].ffn);
    CHECK(weights.router.weight.rows == 2);
    REQUIRE(weights.experts.size() == 2);
    CHECK(value(weights.experts[1].gate.weight, 2, 3) == 1000 + 0.5f * 23);
    CHECK(value(weights.experts[1].up.weight, 0, 0) == 2000 + 0.5f * 12);
    CHECK(value(weights.experts[0].down.weight, 3, 2) == 3000 + 0.5f * 11);
    CHECK(weights.experts[0].down.weight.cols == 3);
  }
  all_in_one.add("l0.xgu", {2, 6, 4}, 4000);
  all_in_one.add("l0.xd", {2, 4, 3}, 3000);
  fused.add("l0.x0.gu", {6, 4}, 4000);
  fused.add("l0.x1.gu", {6, 4}, 4000 + 0.5f * 24);
  fused.add("l0.xd", {2, 4, 3}, 3000);
  for (const Files& files : {all_in_one, fused}) {
    Bound bound(files, spec);
    const auto& weights = std::get<ExpertsWeights>(bound.weights().layers[0].ffn);
    CHECK(value(weights.experts[1].gate.weight, 0, 0) == 4000 + 0.5f * 24);
    CHECK(value(weights.experts[1].up.weight, 2, 3) == 4000 + 0.5f * 47);
  }
  all_in_one.add("l0.xd", {3, 4, 3});
  CHECK(message_of(Bound(all_in_one, spec).result).find("has shape [3, 4, 3], expected [2, 4, 3]") !=
        std::string::npos);
  apart.remove({"l0.x1.u"});
  CHECK(message_of(Bound(apart, spec).result).find("'l0.x1.u' (layer 0 expert up) is missing") != std::string::npos);
}

TEST_CASE("an expert for every token, and its gate", "[model]") {
  ModelSpec spec = small_spec();
  spec.layers[0].ffn = ExpertsSpec{
      .n_experts = 1, .n_active = 1, .expert = {.d_ff = 3}, .shared = FeedForwardSpec{.d_ff = 2}, .shared_gate = true};
  Files files;
  files.remove({"l0.g", "l0.u", "l0.d"});
  files.add("l0.router", {1, 4});
  files.add("l0.xg", {1, 3, 4});
  files.add("l0.xu", {1, 3, 4});
  files.add("l0.xd", {1, 4, 3});
  files.add("l0.sg", {2, 4}, 5);
  files.add("l0.su", {2, 4}, 6);
  files.add("l0.sd", {4, 2}, 7);
  files.add("l0.sr", {1, 4}, 8);
  Bound bound(files, spec);
  const auto& weights = std::get<ExpertsWeights>(bound.weights().layers[0].ffn);
  CHECK(weights.shared.gate.weight.rows == 2);
  CHECK(value(weights.shared.down.weight, 3, 1) == 7 + 0.5f * 7);
  CHECK(value(weights.shared_gate.weight, 0, 3) == 8 + 0.5f * 3);
}

TEST_CASE("embeddings of another width, and an output with a bias", "[model]") {
  ModelSpec spec = small_spec();
  spec.d_embedding = 2;
  spec.output_bias = true;
  Files files;
  files.add("p.e", {3, 2}, 100);
  files.add("p.widen", {4, 2}, 110);
  files.add("p.narrow", {2, 4}, 120);
  files.add("p.out_bias", {3}, 130);
  Bound bound(files, spec);
  const Weights& weights = bound.weights();
  CHECK(weights.embedding.cols == 2);
  CHECK(weights.project_in.weight.rows == 4);
  CHECK(weights.project_out.weight.rows == 2);
  CHECK(weights.output.weight.data == weights.embedding.data);
  CHECK(weights.output.bias == std::vector<float>{130, 130.5f, 131});
  spec.tied_output = false;
  files.add("p.out", {3, 4});
  CHECK(message_of(Bound(files, spec).result).find("'p.out' (output) has shape [3, 4], expected [3, 2]") !=
        std::string::npos);
}

TEST_CASE("of several names of a role the one that is there is taken, in any prefix", "[model]") {
  Files files;
  files.add("e", {3, 4}, 5);
  files.remove({"p.e"});
  Bound bound(files, small_spec());
  CHECK(value(bound.weights().embedding, 0, 1) == 5.5f);
}
