// Law 5: a GGUF file and safetensors of the same weights give the same logits, bit for bit.
#include <cstring>
#include <unistd.h>

#include "catch.h"
#include "io/gguf_writer.h"
#include "kernels/kernel_table.h"
#include "layers/forward.h"
#include "model/gguf_export.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 99;

std::vector<float> logits_of(const Model& model, const std::vector<TokenId>& ids, int threads, std::size_t piece) {
  ThreadPool pool(threads);
  ForwardPass forward(model, best_kernels(), pool);
  SequenceState state(model.spec, ids.size(), ids.size());
  std::vector<float> all;
  while (state.length() < ids.size()) {
    const std::size_t n = std::min(piece, ids.size() - state.length());
    const Segment segment{&state, std::span(ids).subspan(state.length(), n), n};
    const auto rows = forward(std::span(&segment, 1));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

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

void require_same(const std::vector<float>& got, const std::vector<float>& want, std::size_t vocab) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &want[i], sizeof(float)) != 0) {
      FAIL("position " << i / vocab << ", logit " << i % vocab << ": " << got[i] << " instead of " << want[i]);
    }
  }
}

std::vector<Model> models() {
  std::vector<Model> all;
  all.push_back(test::random_llama(kSeed));
  all.push_back(test::random_llama(kSeed, {.n_heads = 4, .n_kv_heads = 2, .head_dim = 20}, Format::f32,
                                   {{"attention_bias", false}, {"rope_scaling", {{"type", "linear"}, {"factor", 2.0}}}}));
  all.push_back(test::random_gpt2(kSeed, {.n_heads = 4, .n_kv_heads = 4}));
  // Wide enough that its panels are shared among threads.
  all.push_back(test::random_llama(kSeed, {.d_model = 256, .d_ff = 704, .n_layers = 2, .n_heads = 8, .n_kv_heads = 4,
                                           .head_dim = 32, .vocab = 1000}));
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
        require_same(logits_of(read, ids, threads, piece), logits_of(model, ids, 1, 50), model.spec.vocab_size);
      }
    }
  }
}

TEST_CASE("laws 1 and 2 for weights in blocks: pieces and threads change no bit") {
  const test::TemporaryFolder folder;
  const Model model = test::random_llama(
      kSeed, {.d_model = 256, .d_ff = 512, .n_layers = 2, .n_heads = 8, .n_kv_heads = 4, .head_dim = 32, .vocab = 600});
  const auto ids = test::random_ids(40, model.spec.vocab_size, kSeed);
  const std::vector<float> exact = logits_of(model, ids, 1, 40);
  for (const FormatInfo& info : formats()) {
    INFO(info.name);
    const Model read = through_gguf(model, info.format, folder);
    const std::vector<float> whole = logits_of(read, ids, 1, 40);
    require_same(logits_of(read, ids, 1, 1), whole, model.spec.vocab_size);
    require_same(logits_of(read, ids, 3, 7), whole, model.spec.vocab_size);
    // And it is the same model, more or less.
    double difference = 0, size = 0;
    for (std::size_t i = 0; i < whole.size(); ++i) {
      difference += std::pow(double(whole[i]) - double(exact[i]), 2);
      size += std::pow(double(exact[i]), 2);
    }
    CHECK(difference < (info.format == Format::q2_k ? 0.8 : 0.3) * size);
  }
}
