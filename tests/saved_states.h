// What tests of saved states share: beginnings computed and written by an engine.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "catch.h"
#include "generate/engine.h"
#include "io/gguf_writer.h"
#include "support.h"

namespace continuo::test {

inline const std::atomic<bool> kNeverInterrupted{false};

inline Engine sharing_engine(const Model& model, EngineOptions options) {
  options.share_prefixes = true;
  auto engine = Engine::create(model, nullptr, options);
  if (!engine) FAIL(engine.error().message());
  return std::move(*engine);
}

// Computes `ids` and writes their state.
inline void write_beginning(Engine& engine, std::vector<TokenId> ids, const std::filesystem::path& path,
                            std::size_t adapter = 0) {
  auto file = NewFile::beside(path.string());
  REQUIRE(file);
  bool told = false;
  const BeginningRequest request{std::move(ids), adapter};
  REQUIRE(engine.check(request));
  engine.submit(request, [&](Result<SavedState> made) {
    told = true;
    REQUIRE(made);
    REQUIRE(engine.write(*made, adapter, file->descriptor(), path.string()));
    REQUIRE(file->keep());
  });
  while (engine.unfinished() > 0) engine.step();
  REQUIRE(told);
}

// The message with which the bytes are refused; empty if they are not.
inline std::string state_refusal(Engine& engine, std::string_view bytes, std::size_t adapter = 0) {
  const std::string name = "a file";
  const auto read = engine.read({std::as_bytes(std::span(bytes)), name}, adapter);
  return read ? "" : read.error().message();
}

inline std::vector<TokenId> read_beginning(Engine& engine, const std::filesystem::path& path, std::size_t adapter = 0) {
  const std::string bytes = read_file(path), name = path.string();
  auto read = engine.read({std::as_bytes(std::span(bytes)), name}, adapter);
  if (!read) FAIL(read.error().message());
  return std::move(*read);
}

}  // namespace continuo::test
