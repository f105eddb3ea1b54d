#include "cli/engine_options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>

#include "generate/memory.h"

namespace continuo {

namespace {

constexpr std::size_t kMost = std::size_t{1} << 30;

// The limit that the file of a cgroup states, or none.
std::size_t limit_in(const char* path) {
  std::ifstream file(path);
  std::size_t bytes = 0;
  return file >> bytes ? bytes : SIZE_MAX;  // "max" is no number
}

std::size_t default_memory() {
  const std::size_t machine =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t ours = std::min({machine, limit_in("/sys/fs/cgroup/memory.max"),
                                     limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
  return std::min(ours / 4, kMost);
}

}  // namespace

EngineOptions engine_options(const Options& options) {
  return {.threads = options.threads,
          .repack = !options.no_repack,
          .lookup = options.lookup,
          .exact_math = options.exact_math,
          .kv_type = options.kv_type};
}

EngineOptions batch_engine_options(const Options& options, const ModelSpec& spec) {
  const BatchOptions& batch = options.batch;
  EngineOptions engine = engine_options(options);
  engine.chunk = static_cast<std::size_t>(batch.step_tokens);
  engine.max_running = static_cast<std::size_t>(batch.at_once);
  engine.share_prefixes = !batch.no_sharing;
  const std::size_t one = memory_for_one(spec, static_cast<std::size_t>(spec.context_length), engine);
  engine.memory = batch.memory > 0 ? batch.memory : std::max(default_memory(), one);
  return engine;
}

}  // namespace continuo
