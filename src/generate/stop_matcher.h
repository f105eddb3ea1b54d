// Finds stop strings in streamed text and holds back what may turn out to be the beginning of one.
//
// The text ends at the first byte that completes any stop string; of several that end there the longest
// counts. So the result depends on the text alone, not on how it was cut into pushes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "generate/phrases.h"

namespace continuo {

class StopMatcher {
 public:
  // None of `stops` may be empty. `keep`: the text ends behind the stop string, not before it.
  explicit StopMatcher(const std::vector<std::string>& stops, bool keep = false) : stops_(stops), keep_(keep) {}

  // Adds text; returns what is now certain to come before any stop string. After a match `stopped()` is true,
  // the stop string (unless it is kept) and everything after it are gone, and further pushes return nothing.
  std::string push(std::string_view text);
  // The held text, when the text ends without a match.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  Phrases stops_;
  bool keep_;
  Phrases::State state_ = 0;
  std::string held_;  // the last depth(state_) bytes of the text
  bool stopped_ = false;
};

}  // namespace continuo
