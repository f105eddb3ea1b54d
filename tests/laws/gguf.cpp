// Law 5: a GGUF file and safetensors of the same weights give the same logits, bit for bit.
#include <unistd.h>
#include <cstring>

#include "catch.h"
#include "io/checkpoint.h"
#include "io/gguf_writer.h"
#include "kernels/kernel_table.h"
#include "layers/forward.h"
#include "logits.h"
#include "model/gguf_export.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;
using test::logits_of, test::require_same;

namespace {

constexpr unsigned kSeed = 99;

// The model through a GGUF file, its matrices in `format`.
Model through_gguf(const Model& model, Format format, const test::TemporaryFolder& folder) {
  GgufWriter writer;
  const auto exported = export_gguf(model, writer);
  if (!exported) FAIL(exported.error().message());
  for (GgufOutput& tensor : writer.tensors()) tensor.format = format_for(tensor, format);
  const std::string path = (folder.path() / "model.gguf").string();
  {
    auto file = NewFile::beside(path);
    REQUIRE(file);
    REQUIRE(writer.write(file->descriptor(), path));
    REQUIRE(file->keep());
  }
  const auto files = ModelFiles::gguf(path);
  if (!files) FAIL(files.error().message());
  auto checkpoint = load_checkpoint(*files);
  if (!checkpoint) FAIL(checkpoint.error().message());
  auto read = build_model(std::move(*checkpoint));
  if (!read) FAIL(read.error().message());
  return std::move(*read);
}

std::vector<Model> models() {
  std::vector<Model> all;
  all.push_back(test::random_llama(kSeed));
  all.push_back(
      test::random_llama(kSeed, {.n_heads = 4, .n_kv_heads = 2, .head_dim = 20}, Format::f32,
                         {{"attention_bias", false}, {"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}}));
  all.push_back(test::random_llama(kSeed, {}, Format::f32, {{"attention_bias", true}}));
  all.push_back(test::random_gpt2(kSeed, {.n_heads = 4, .n_kv_heads = 4}));
  // Wide enough that its panels are shared among threads.
  all.push_back(test::random_llama(
      kSeed,
      {.d_model = 256, .d_ff = 704, .n_layers = 2, .n_heads = 8, .n_kv_heads = 4, .head_dim = 32, .vocab = 1000}));
  return all;
}

}  // namespace

TEST_CASE("law 5: GGUF and safetensors of the same weights give the same logits") {
  const test::TemporaryFolder folder;
  for (const Model& model : models()) {
    const Model read = through_gguf(model, Format::f32, folder);
    const auto ids = test::random_ids(50, model.spec.vocab_size, kSeed);
    INFO(model.spec.family << " of width " << model.spec.d_model);
    for (const int threads : {1, 3}) {
      for (const std::size_t piece : {50, 1}) {
        require_same(logits_of(read, ids, {piece}, {.threads = threads}), logits_of(model, ids, {50}),
                     model.spec.vocab_size);
      }
    }
  }
}

TEST_CASE("laws 1 and 2 for weights in blocks: pieces and threads change no bit") {
  const test::TemporaryFolder folder;
  const Model model = test::random_llama(
      kSeed, {.d_model = 256, .d_ff = 512, .n_layers = 2, .n_heads = 8, .n_kv_heads = 4, .head_dim = 32, .vocab = 600});
  const auto ids = test::random_ids(40, model.spec.vocab_size, kSeed);
  const std::vector<float> exact = logits_of(model, ids, {40});
  for (const FormatInfo& info : formats()) {
    INFO(info.name);
    const Model read = through_gguf(model, info.format, folder);
    const std::vector<float> whole = logits_of(read, ids, {40});
    require_same(logits_of(read, ids, {1}), whole, model.spec.vocab_size);
    require_same(logits_of(read, ids, {7}, {.threads = 3}), whole, model.spec.vocab_size);
    if (info.block_bytes * 8 < info.block_values * 5) continue;
    // With five bits and more it is the same model, more or less.
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      difference += std::pow(double(whole[i]) - double(exact[i]), 2);
      size += std::pow(double(exact[i]), 2);
    }
    CHECK(difference < 0.25 * size);
  }
}
