// Fetches a model into the cache that the Hugging Face libraries share.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "loading/hub_cache.h"

namespace continuo::hub {

struct PullRequest {
  HubName name;
  std::vector<std::string> include;  // patterns; empty: what continuo reads
  // Hears how many bytes of all files are there.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

// The snapshot's folder. What is there already is not fetched again; the revision names the snapshot only once all of it is
// there.
Result<std::string> pull(const PullRequest& request, const std::atomic<bool>& interrupted);

}  // namespace continuo::hub
