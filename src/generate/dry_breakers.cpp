#include "generate/dry_breakers.h"

#include <algorithm>
#include <string_view>

namespace continuo {

namespace {

constexpr std::size_t kMostBytes = 40, kMostTail = 20;

void add_breakers(const Tokenizer& tokenizer, TokenId id, std::string_view bytes, std::string_view text,
                  std::vector<SequenceBreaker>& breakers) {
  if (bytes.find(text) != std::string_view::npos) return breakers.push_back({id, {}});
  for (std::size_t size = std::min(bytes.size(), text.size() - 1); size > 0; --size) {
    if (!bytes.ends_with(text.substr(0, size))) continue;
    SequenceBreaker breaker{id, tokenizer.encode(text.substr(size), false)};
    breaker.tail.resize(std::min(breaker.tail.size(), kMostTail));
    breakers.push_back(std::move(breaker));
  }
}

}  // namespace

std::vector<SequenceBreaker> sequence_breakers(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::vector<SequenceBreaker> breakers;
  for (std::size_t id = 0; id < tokenizer.vocab_size(); ++id) {
    const std::string bytes = tokenizer.bytes_of(static_cast<TokenId>(id));
    for (const std::string& text : texts) {
      if (!text.empty())
        add_breakers(tokenizer, static_cast<TokenId>(id), bytes, std::string_view(text).substr(0, kMostBytes),
                     breakers);
    }
  }
  return breakers;
}

std::shared_ptr<const std::vector<SequenceBreaker>> DryBreakers::find(const Tokenizer& tokenizer,
                                                                      const std::vector<std::string>& texts) {
  if (const auto known = known_.find(texts); known != known_.end()) return known->second;
  if (known_.size() == kMost) known_.clear();
  return known_[texts] = std::make_shared<const std::vector<SequenceBreaker>>(sequence_breakers(tokenizer, texts));
}

}  // namespace continuo
