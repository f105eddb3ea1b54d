// Finds stop strings in streamed text and holds back what may turn out to be the beginning of one.
//
// The text ends at the first byte that completes any stop string; of several that end there the longest
// counts. So the result depends on the text alone, not on how it was cut into pushes. Aho & Corasick 1975,
// "Efficient string matching": work is linear in the text, however many stop strings there are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace continuo {

class StopMatcher {
 public:
  // None of `stops` may be empty.
  explicit StopMatcher(const std::vector<std::string>& stops);

  // Adds text; returns what is now certain to come before any stop string. After a match `stopped()` is true,
  // the stop string and everything after it are gone, and further pushes return nothing.
  std::string push(std::string_view text);
  // The held text, when the text ends without a match.
  std::string finish();
  bool stopped() const { return stopped_; }

 private:
  // A state stands for a beginning of some stop string: the longest one that the text ends with.
  struct State {
    std::uint32_t depth = 0;      // its length
    std::uint32_t fallback = 0;   // the state of its longest proper ending that begins a stop string
    std::uint32_t stop_size = 0;  // length of the longest stop string that it ends with; 0 if none
  };
  std::uint32_t add_child(std::uint32_t state, unsigned char byte);
  void link_fallbacks(const std::vector<std::string>& stops);
  std::uint32_t next(std::uint32_t state, unsigned char byte) const;

  std::vector<State> states_;
  std::unordered_map<std::uint64_t, std::uint32_t> children_;  // by state * 256 + byte
  std::uint32_t state_ = 0;
  std::string held_;  // the last states_[state_].depth bytes of the text
  bool stopped_ = false;
};

}  // namespace continuo
