// How much memory an engine needs for what a test has in mind.
#pragma once

#include "generate/memory.h"
#include "state/page_pool.h"
#include "state/sequence_state.h"

namespace continuo::test {

// The least memory, with the other options as they are, of which so many pages are left for keys and values.
inline std::size_t memory_with_pages(const Model& model, EngineOptions options, std::size_t pages) {
  const std::size_t page = PagePool::footprint(SequenceState::page_bytes(model.spec, options.kv_type));
  for (options.memory = pages * page;; options.memory += page) {
    const auto shares = share_memory(model.spec, options);
    if (shares && shares->pages >= pages) return options.memory;
  }
}

}  // namespace continuo::test
