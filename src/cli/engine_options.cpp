#include "cli/engine_options.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "generate/memory.h"

namespace continuo {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = std::size_t{1} << 30;

// The limit that the file of a cgroup states, or none.
std::size_t limit_in(const fs::path& path) {
  std::ifstream file(path);
  std::size_t bytes = 0;
  return file >> bytes ? bytes : SIZE_MAX;  // "max" is no number
}

// The least limit of a group and of those that it is in: GROUP/NAME, .../NAME, under the mount `root`.
std::size_t least_limit(const fs::path& root, fs::path group, const char* name) {
  std::size_t least = limit_in(root / name);
  for (; group.has_relative_path(); group = group.parent_path())
    least = std::min(least, limit_in(root / group.relative_path() / name));
  return least;
}

}  // namespace

// Lines of ID:CONTROLLERS:PATH; version 2 has one, without controllers.
std::size_t cgroup_memory(std::istream& proc_cgroup, const std::string& root) {
  std::size_t least = least_limit(root, "/", "memory.max");
  least = std::min(least, limit_in(fs::path(root) / "memory" / "memory.limit_in_bytes"));
  for (std::string line; std::getline(proc_cgroup, line);) {
    const std::size_t first = line.find(':'), second = first == line.npos ? first : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = ',' + line.substr(first + 1, second - first - 1) + ',';
    const fs::path group = line.substr(second + 1);
    if (controllers == ",,") least = std::min(least, least_limit(root, group, "memory.max"));
    if (controllers.find(",memory,") == controllers.npos) continue;
    least = std::min(least, least_limit(fs::path(root) / "memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

namespace {

std::size_t default_memory() {
  const std::size_t machine =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::ifstream groups("/proc/self/cgroup");
  return std::min(std::min(machine, cgroup_memory(groups, "/sys/fs/cgroup")) / 4, kMost);
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
  engine.soft_memory = batch.memory > 0 ? 0 : default_memory();
  return engine;
}

std::size_t memory_of_requests(const EngineOptions& engine) {
  return request_memory(engine.soft_memory > 0 ? std::min(engine.memory, engine.soft_memory) : engine.memory);
}

}  // namespace continuo
