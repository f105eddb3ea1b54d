// Whole folders: the reference checkpoints of tests/golden and the toy.
#include "catch.h"
#include "io/checkpoint.h"
#include "model/model.h"
#include "support.h"
#include "unit/io/samples.h"

using namespace continuo;

namespace {

Result<Model> model_of(const std::filesystem::path& folder) {
  CONTINUO_TRY(const ModelFiles files, ModelFiles::folder(folder.string()));
  CONTINUO_TRY(Checkpoint checkpoint, load_checkpoint(files));
  return build_model(std::move(checkpoint));
}

const AttentionSpec& attention(const Model& model) { return std::get<AttentionSpec>(model.spec.layers[0].mixer); }

}  // namespace

TEST_CASE("the reference checkpoints bind completely", "[model]") {
  for (const char* name : {"gpt2", "llama", "llama3_rope"}) {
    const auto model = model_of(test::source_folder() / "golden" / name);
    INFO(test::message_of(model));
    REQUIRE(model);
    CHECK(model->spec.layers.size() == 3);
    CHECK(model->spec.d_model == 64);
    CHECK(model->spec.vocab_size == 256);
  }
}

TEST_CASE("the reference checkpoints' rope", "[model]") {
  const auto plain = model_of(test::source_folder() / "golden" / "llama");
  REQUIRE(plain);
  CHECK(*attention(*plain).rope == RopeSpec{.rotary_dim = 16, .theta = 10000, .scaling = {}});
  const auto scaled = model_of(test::source_folder() / "golden" / "llama3_rope");
  REQUIRE(scaled);
  CHECK(*attention(*scaled).rope == RopeSpec{.rotary_dim = 16, .theta = 500000, .scaling = RopeLlama3{8, 1, 4, 64}});
}

TEST_CASE("the toy is a model like any other", "[model]") {
  const auto model = model_of(test::source_folder().parent_path() / "models" / "toy");
  INFO(test::message_of(model));
  REQUIRE(model);
  CHECK(model->spec.d_model == 5);
  CHECK(model->tensors.size() == 12);
}
