// A build without libcurl, or one that cannot load libraries.
#include "hub/http.h"

namespace continuo::hub {

Result<std::unique_ptr<Http>> Http::create(const std::atomic<bool>&) {
  return usage_error("this build cannot fetch models",
                     "it is fully static, or was built without libcurl; `hf download` fills the same cache");
}

}  // namespace continuo::hub
