#include "generate/stop_matcher.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::uint64_t edge(std::uint32_t state, unsigned char byte) {
  return std::uint64_t{state} * 256 + byte;
}

}  // namespace

StopMatcher::StopMatcher(const std::vector<std::string>& stops) : states_(1) {
  for (const std::string& stop : stops) {
    CONTINUO_CHECK(!stop.empty(), "stop strings are not empty");
    std::uint32_t state = 0;
    for (const char c : stop)
      state = add_child(state, static_cast<unsigned char>(c));
    states_[state].stop_size = states_[state].depth;
  }
  link_fallbacks(stops);
}

std::uint32_t StopMatcher::add_child(std::uint32_t state, unsigned char byte) {
  const auto [child, is_new] =
      children_.try_emplace(edge(state, byte), static_cast<std::uint32_t>(states_.size()));
  if (is_new) states_.push_back({.depth = states_[state].depth + 1});
  return child->second;
}

// Shallow states first, because a fallback is always shallower.
void StopMatcher::link_fallbacks(const std::vector<std::string>& stops) {
  std::vector<std::uint32_t> at(stops.size(), 0);  // each stop's state at the current depth
  bool any = true;
  for (std::size_t depth = 0; any; ++depth) {
    any = false;
    for (std::size_t i = 0; i < stops.size(); ++i) {
      if (depth >= stops[i].size()) continue;
      any = true;
      const auto byte = static_cast<unsigned char>(stops[i][depth]);
      const std::uint32_t parent = at[i];
      const std::uint32_t child = children_.at(edge(parent, byte));
      State& state = states_[child];
      state.fallback = parent == 0 ? 0 : next(states_[parent].fallback, byte);
      state.stop_size = std::max(state.stop_size, states_[state.fallback].stop_size);
      at[i] = child;
    }
  }
}

std::uint32_t StopMatcher::next(std::uint32_t state, unsigned char byte) const {
  for (;;) {
    if (const auto child = children_.find(edge(state, byte)); child != children_.end()) return child->second;
    if (state == 0) return 0;
    state = states_[state].fallback;
  }
}

std::string StopMatcher::push(std::string_view text) {
  if (stopped_) return {};
  if (children_.empty()) return std::string(text);
  held_ += text;
  for (std::size_t i = held_.size() - text.size(); i < held_.size(); ++i) {
    state_ = next(state_, static_cast<unsigned char>(held_[i]));
    if (const std::uint32_t size = states_[state_].stop_size; size > 0) {
      stopped_ = true;
      held_.resize(i + 1 - size);
      return std::exchange(held_, {});
    }
  }
  const std::size_t certain = held_.size() - states_[state_].depth;
  std::string out = held_.substr(0, certain);
  held_.erase(0, certain);
  return out;
}

std::string StopMatcher::finish() { return std::exchange(held_, {}); }

}  // namespace continuo
