#include "generate/stop_matcher.h"

#include <utility>

namespace continuo {

std::string StopMatcher::push(std::string_view text) {
  if (stopped_) return {};
  if (stops_.empty()) return std::string(text);
  held_ += text;
  for (std::size_t i = held_.size() - text.size(); i < held_.size(); ++i) {
    state_ = stops_.next(state_, static_cast<unsigned char>(held_[i]));
    if (const std::size_t size = stops_.match(state_); size > 0) {
      stopped_ = true;
      held_.resize(keep_ ? i + 1 : i + 1 - size);
      return std::exchange(held_, {});
    }
  }
  const std::size_t certain = held_.size() - stops_.depth(state_);
  std::string out = held_.substr(0, certain);
  held_.erase(0, certain);
  return out;
}

std::string StopMatcher::finish() { return std::exchange(held_, {}); }

}  // namespace continuo
