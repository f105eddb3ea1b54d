// The laws for kinds of attention and feed-forward networks that few families have, bit for bit: sinks, latent
// attention, keys and values of earlier layers, blocks of heads, norms inside, inputs of layers.
#include <random>

#include "catch.h"
#include "kernels/kernel_table.h"
#include "layers/forward.h"
#include "load_model.h"
#include "logits.h"
#include "support.h"

using namespace continuo;
using test::Logits, test::logits_of, test::require_same;

namespace {

constexpr unsigned kSeed = 78;

const char* const kCases[] = {"gpt_oss", "granite_swa", "deepseek_v2", "minicpm3", "gemma4_text", "codegen",
                              "bitnet",  "apertus",     "ministral3",  "phimoe",   "xglm",        "modernbert_decoder"};

Model load(const char* name) { return test::load_model(test::source_folder() / "golden" / name); }

std::vector<TokenId> random_text(const Model& model, std::size_t n, std::mt19937& random) {
  std::vector<TokenId> ids(n);
  const auto vocab = static_cast<unsigned>(model.spec.vocab_size);
  for (TokenId& id : ids) id = static_cast<TokenId>(random() % vocab);
  return ids;
}

}  // namespace

TEST_CASE("kinds of attention: a prompt at once, in pieces, or token by token, on any threads") {
  std::mt19937 random(kSeed);
  for (const char* const name : kCases) {
    INFO(name);
    const Model model = load(name);
    const auto ids = random_text(model, 70, random);
    const Logits once = logits_of(model, ids, {ids.size()});
    const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
    require_same(logits_of(model, ids, {1}), once, vocab);
    require_same(logits_of(model, ids, {5, 1, 17, 2, 30}), once, vocab);
    require_same(logits_of(model, ids, {7}, {.threads = 3}), once, vocab);
  }
}

// Keys of more than one span: single rows are shared by spans, whose sums are merged.
TEST_CASE("kinds of attention: a long text at once, or its end token by token") {
  std::mt19937 random(kSeed);
  for (const char* const name : {"gpt_oss", "granite_swa", "deepseek_v2", "gemma4_text"}) {
    INFO(name);
    const Model model = load(name);
    const auto ids = random_text(model, 2 * kSpanKeys + 90, random);
    const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
    const Logits once = logits_of(model, ids, {ids.size()});
    require_same(logits_of(model, ids, {2 * kSpanKeys + 80, 1}), once, vocab);
    require_same(logits_of(model, ids, {kSpanKeys - 3, 100, 1}, {.threads = 2}), once, vocab);
  }
}

TEST_CASE("layers that look at the keys and values of earlier ones remember none") {
  const Model model = load("gemma4_text");
  std::size_t readers = 0;
  for (const LayerSpec& layer : model.spec.layers) readers += std::get<AttentionSpec>(layer.mixer).kv_layer.has_value();
  REQUIRE(readers == 2);
  CHECK(SequenceState::kv_layers(model.spec) == model.spec.layers.size() - readers);
}
