// What tests of adapters share.
#pragma once

#include <atomic>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "catch.h"
#include "generate/engine.h"
#include "load_model.h"
#include "loading/lora.h"
#include "support.h"

namespace continuo::test {

inline std::filesystem::path adapter_folder(const std::string& name) {
  return source_folder() / "golden" / "adapters" / name;
}

inline LowRankMaps adapter_of(const std::string& name, const Model& model, float scale = 1) {
  auto maps = load_lora(adapter_folder(name).string(), scale, model);
  if (!maps) FAIL(maps.error().message());
  return std::move(*maps);
}

inline Engine engine_with(const Model& model, const Adapters* adapters, EngineOptions options = {}) {
  options.adapters = adapters;
  auto engine = Engine::create(model, nullptr, options);
  if (!engine) FAIL(engine.error().message());
  return std::move(*engine);
}

inline Score scored(Engine& engine, const std::vector<TokenId>& ids, std::size_t adapter = 0) {
  std::optional<Result<Score>> score;
  const ScoreRequest request{.ids = ids, .last_logits = true, .adapter = adapter};
  REQUIRE(engine.check(request));
  engine.submit(request, [&](Result<Score> done) { score = std::move(done); });
  while (engine.unfinished() > 0) engine.step();
  REQUIRE(score);
  if (!*score) FAIL(score->error().message());
  return std::move(**score);
}

}  // namespace continuo::test
