#include "layers/forward.h"

#include <cmath>

#include "catch.h"
#include "logits.h"
#include "random_model.h"
#include "random_specs.h"
#include "unit/layers/textbook.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 77;

// The largest difference from the textbook's logits.
double largest_error(const Model& model, std::size_t length) {
  const std::size_t vocab = model.spec.vocab_size;
  const auto ids = test::random_ids(length, vocab, kSeed);
  const auto want = test::textbook_logits(model, ids);
  const auto got = test::logits_of(model, ids, {50});
  double error = 0;
  for (std::size_t at = 0; at < length; ++at) {
    for (std::size_t i = 0; i < vocab; ++i) {
      error = std::max(error, std::fabs(double(got[at * vocab + i]) - want[at][i]));
    }
  }
  return error;
}

}  // namespace

TEST_CASE("the forward pass is the textbook's, for every option of a spec") {
  for (const Model& model : test::random_models(kSeed)) {
    INFO(model.name << ", seed " << kSeed);
    const double error = largest_error(model, 140);
    UNSCOPED_INFO("largest difference " << error);
    CHECK(error < 1e-4);
  }
}

TEST_CASE("every option matters: without it the logits are others") {
  const auto ids = test::random_ids(130, 61, kSeed);
  const auto differs = [&](const ModelSpec& spec, auto change) {
    ModelSpec other = spec;
    change(other);
    const Model a = test::random_model(spec, kSeed);
    Model b = a;
    b.spec = std::move(other);
    const auto with = test::logits_of(a, ids, {130}), without = test::logits_of(b, ids, {130});
    float most = 0;
    for (std::size_t i = 0; i < with.size(); ++i) most = std::max(most, std::fabs(with[i] - without[i]));
    return most > 1e-3f;
  };
  const auto in_attention = [](auto change) {
    return [change](ModelSpec& spec) {
      for (LayerSpec& layer : spec.layers) change(test::attention_of(layer));
    };
  };
  using Span = QkNormSpec::Span;
  const ModelSpec windows = test::windows_and_caps();
  CHECK(differs(windows, in_attention([](AttentionSpec& a) { a.window = 0; })));
  CHECK(differs(windows, in_attention([](AttentionSpec& a) { a.window += 1; })));
  CHECK(differs(windows, in_attention([](AttentionSpec& a) { a.attn_logit_softcap = 0; })));
  CHECK(differs(windows, [](ModelSpec& spec) { spec.final_logit_softcap = 0; }));
  CHECK(differs(windows, [](ModelSpec& spec) { spec.embedding_scale = 1; }));
  CHECK(differs(windows, [](ModelSpec& spec) { spec.layers[0].post_mixer_norm.reset(); }));
  CHECK(differs(windows, [](ModelSpec& spec) { spec.layers[0].post_ffn_norm.reset(); }));
  CHECK(differs(test::linear_biases(false), in_attention([](AttentionSpec& a) { a.alibi.reset(); })));
  CHECK(differs(test::linear_biases(false), in_attention([](AttentionSpec& a) { a.alibi->scale = 1; })));
  const ModelSpec heads = test::norms_of_heads(Span::head, RmsNormSpec{});
  CHECK(differs(heads, in_attention([](AttentionSpec& a) { a.qk_norm.reset(); })));
  CHECK(differs(heads, in_attention([](AttentionSpec& a) { a.qkv_clip = 0; })));
  CHECK(differs(test::norms_of_heads(Span::own_head, RmsNormSpec{}),
                in_attention([](AttentionSpec& a) { a.qk_norm->span = Span::head; })));
  CHECK(differs(heads, [](ModelSpec& spec) { test::attention_of(spec.layers[0]).rope->negative_angle = true; }));
  CHECK(differs(heads, [](ModelSpec& spec) { test::attention_of(spec.layers[0]).rope->interleaved = true; }));
  const ModelSpec parallel = test::parallel_blocks(true);
  CHECK(differs(parallel, [](ModelSpec& spec) { spec.layers[0].order = LayerSpec::Order::sequential; }));
  CHECK(differs(parallel, [](ModelSpec& spec) { spec.layers[0].residual_scale = 1; }));
  CHECK(differs(parallel, [](ModelSpec& spec) { spec.logit_scale = 1; }));
  CHECK(differs(test::norms_after(), [](ModelSpec& spec) { spec.layers[0].order = LayerSpec::Order::sequential; }));
  CHECK(differs(test::experts(true), [](ModelSpec& spec) { std::get<ExpertsSpec>(spec.layers[0].ffn).n_active = 2; }));
  CHECK(differs(test::experts(true),
                [](ModelSpec& spec) { std::get<ExpertsSpec>(spec.layers[0].ffn).normalize = true; }));
  CHECK(differs(test::experts(true),
                [](ModelSpec& spec) { std::get<ExpertsSpec>(spec.layers[0].ffn).shared_gate = false; }));
}
