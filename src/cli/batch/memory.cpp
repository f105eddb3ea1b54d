#include "cli/batch/memory.h"

#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <fstream>

#include "state/sequence_state.h"

namespace continuo {

namespace {

constexpr std::size_t kMost = std::size_t{1} << 30;

// The limit that the file of a cgroup states, or none.
std::size_t limit_in(const char* path) {
  std::ifstream file(path);
  std::size_t bytes = 0;
  return file >> bytes ? bytes : SIZE_MAX;  // "max" is no number
}

}  // namespace

std::size_t default_memory(const ModelSpec& spec, Format kv_type) {
  const std::size_t machine =
      static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::size_t ours = std::min({machine, limit_in("/sys/fs/cgroup/memory.max"),
                                     limit_in("/sys/fs/cgroup/memory/memory.limit_in_bytes")});
  const std::size_t one = SequenceState::bytes(spec, static_cast<std::size_t>(spec.context_length), kv_type);
  return std::max(std::min(ours / 4, kMost), one);
}

}  // namespace continuo
