#include "sampling/history.h"

#include <algorithm>

namespace continuo {

void History::push(TokenId token, std::uint32_t generated) {
  text_.push_back(token);
  Seen& seen = entry(token);
  ++seen.total;
  seen.count += generated;
  if (last_n_ < 0 || text_.size() <= static_cast<std::size_t>(last_n_)) return;
  const std::size_t gone = text_.size() - 1 - static_cast<std::size_t>(last_n_);
  Seen& left = entry(text_[gone]);
  --left.total;
  if (gone >= prompt_) --left.count;
}

std::uint32_t& History::slot(TokenId token) {
  std::size_t at = static_cast<std::uint32_t>(token) * 0x9E3779B1u;  // Knuth's multiplicative hashing
  for (at ^= at >> 16;; ++at) {
    std::uint32_t& slot = slots_[at & (slots_.size() - 1)];
    if (slot == 0 || seen_[slot - 1].token == token) return slot;
  }
}

void History::grow() {
  constexpr std::size_t kFirst = 1024;
  slots_.assign(std::max(2 * slots_.size(), kFirst), 0);
  seen_.reserve(slots_.size() / 2);
  for (std::size_t i = 0; i < seen_.size(); ++i) slot(seen_[i].token) = static_cast<std::uint32_t>(i + 1);
}

History::Seen& History::entry(TokenId token) {
  if (2 * seen_.size() >= slots_.size()) grow();
  std::uint32_t& at = slot(token);
  if (at == 0) {
    seen_.push_back({token, 0, 0});
    at = static_cast<std::uint32_t>(seen_.size());
  }
  return seen_[at - 1];
}

}  // namespace continuo
