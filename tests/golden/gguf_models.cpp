// Small checkpoints of recurrent families as llama.cpp's own converter writes them (model.gguf beside a case's folder)
// give the scores of the folders that they were made from.
#include <atomic>
#include <cmath>
#include <filesystem>
#include <set>

#include "catch.h"
#include "generate/engine.h"
#include "io/checkpoint.h"
#include "load_model.h"
#include "model/model.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;
namespace fs = std::filesystem;

namespace {

constexpr unsigned kSeed = 12;
const std::atomic<bool> kNotInterrupted{false};

Model load_gguf(const fs::path& file) {
  const auto files = ModelFiles::gguf(file.string());
  if (!files) FAIL(files.error().message());
  auto checkpoint = load_checkpoint(*files);
  if (!checkpoint) FAIL(checkpoint.error().message());
  auto model = build_model(std::move(*checkpoint));
  if (!model) FAIL(model.error().message());
  return std::move(*model);
}

Score score_of(const Model& model, const std::vector<TokenId>& ids) {
  auto engine = Engine::create(model, nullptr, {});
  REQUIRE(engine);
  const auto score = engine->score(ids, kNotInterrupted);
  if (!score) FAIL(score.error().message());
  return *score;
}

}  // namespace

TEST_CASE("converted files give the scores of their folders") {
  std::set<std::string> families;
  for (const auto& entry : fs::directory_iterator(test::source_folder() / "golden")) {
    const fs::path file = entry.path() / "model.gguf";
    if (!fs::exists(file)) continue;
    DYNAMIC_SECTION(entry.path().filename().string()) {
      const Model folder = test::load_model(entry.path()), converted = load_gguf(file);
      REQUIRE(converted.spec.layers.size() == folder.spec.layers.size());
      const auto ids = test::random_ids(40, folder.spec.vocab_size, kSeed);
      const Score want = score_of(folder, ids), got = score_of(converted, ids);
      REQUIRE(got.logprobs.size() == want.logprobs.size());
      for (std::size_t i = 0; i < want.logprobs.size(); ++i) {
        INFO("token " << i + 1 << ": " << got.logprobs[i] << " instead of " << want.logprobs[i]);
        // Decay rates are exponentials that the converter computes in float32, and some scales are part of its weights.
        REQUIRE(std::fabs(got.logprobs[i] - want.logprobs[i]) < 1e-4);
      }
    }
    families.insert(test::load_model(entry.path()).spec.family);
  }
  CHECK(families.size() >= 12);
}
