#include "state/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/check.h"

namespace continuo {

namespace {

std::size_t pages_for(std::size_t length) { return length / kPageKeys + (length % kPageKeys != 0); }

std::size_t most_pages_for(std::size_t window, std::size_t length, std::size_t step) {
  const std::size_t all = pages_for(length);
  // A step's tokens and what its first sees, cut anywhere by pages.
  return window == 0 ? all : std::min(all, pages_for(window + step) + 1);
}

// Zeros for the keys from `first` on in the block that holds them, and for the padding of the first n values.
void clear_unused(const KvLayout& layout, std::byte* part, std::size_t n) {
  const std::size_t element = layout.element_bytes(), first = n % kKeyBlock;
  // Of the block's elements, or of its scales, which stand beside those.
  const auto clear_keys = [&](std::byte*& row, std::size_t bytes) {
    std::memset(row + first * bytes, 0, (kKeyBlock - first) * bytes);
    row += kKeyBlock * bytes;
  };
  std::byte* row = part + n / kKeyBlock * layout.key_block_bytes();
  for (std::size_t i = 0; first > 0 && i < layout.head_dim; ++i) {
    if (layout.scale_blocks() > 0 && i % kScaleBlock == 0) clear_keys(row, kScaleBytes);
    clear_keys(row, element);
  }
  for (std::size_t at = 0; at < n; ++at) {
    std::byte* const value = part + layout.value_rows_at() + at * layout.value_row_bytes();
    std::memset(value + layout.head_dim * element, 0, layout.value_row_bytes() - layout.head_dim * element);
  }
}

}  // namespace

KvCache::KvCache(const AttentionSpec& spec, PagePool& pool)
    : n_kv_heads_(static_cast<std::size_t>(spec.n_kv_heads)),
      window_(static_cast<std::size_t>(spec.window)),
      layout_{pool.kv_type(), static_cast<std::size_t>(spec.head_dim)},
      pool_(&pool) {
  CONTINUO_CHECK(page_bytes(spec, pool.kv_type()) <= pool.page_bytes(), "pages too small for this layer");
}

std::size_t KvCache::page_bytes(const AttentionSpec& spec, Format kv_type) {
  const KvLayout layout{kv_type, std::size_t(spec.head_dim)};
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(std::size_t(spec.n_kv_heads), layout.bytes(), &bytes)) throw std::bad_alloc();
  return bytes;
}

std::size_t KvCache::most_pages(const AttentionSpec& spec, std::size_t length, std::size_t step) {
  return most_pages_for(std::size_t(spec.window), length, step);
}

std::size_t KvCache::most_pages_needed(std::size_t length, std::size_t step) const {
  const std::size_t most = most_pages_for(window_, length, step), held = pages_.size() - forgotten_;
  return std::min(pages_needed(length), most - std::min(most, held));
}

void KvCache::write(std::size_t head, std::size_t at, const float* key, const float* value) {
  CONTINUO_CHECK(at / kPageKeys < table_.size(), "a position beyond the cache");
  layout_.store(table_[at / kPageKeys] + head_offset(head), at % kPageKeys, key, value);
}

void KvCache::write_from(const KvCache& other, std::size_t at) {
  std::vector<float> key(layout_.head_dim), value(layout_.head_dim);
  for (std::size_t head = 0; head < n_kv_heads_; ++head) {
    for (std::size_t i = 0; i < key.size(); ++i) {
      key[i] = other.key(head, at, i);
      value[i] = other.value(head, at, i);
    }
    write(head, at, key.data(), value.data());
  }
}

float KvCache::key(std::size_t head, std::size_t at, std::size_t i) const {
  return layout_.key(table_[at / kPageKeys] + head_offset(head), at % kPageKeys, i);
}

float KvCache::value(std::size_t head, std::size_t at, std::size_t i) const {
  return layout_.value(table_[at / kPageKeys] + head_offset(head), at % kPageKeys, i);
}

std::size_t KvCache::pages_needed(std::size_t length) const {
  const std::size_t needed = pages_for(length);
  return needed > pages_.size() ? needed - pages_.size() : 0;
}

void KvCache::reserve(std::size_t length) {
  for (std::size_t n = pages_needed(length); n > 0; --n) append(pool_->take());
}

bool KvCache::sees(std::size_t page, std::size_t position) const {
  return window_ == 0 || (page + 1) * kPageKeys + window_ > position + 1;
}

void KvCache::drop_out_of_window(std::size_t position) {
  for (; forgotten_ < pages_.size() && !sees(forgotten_, position); ++forgotten_) {
    pages_[forgotten_] = {};
    table_[forgotten_] = nullptr;
  }
}

// What was written on the last page that stays is written again before a token sees it.
void KvCache::rollback(std::size_t length) {
  const std::size_t keep = pages_for(length);
  if (keep >= pages_.size()) return;
  CONTINUO_CHECK(keep >= forgotten_, "taking back what a window has forgotten");
  pages_.resize(keep);
  table_.resize(keep);
}

void KvCache::truncate(std::size_t length) {
  const std::size_t keep = pages_for(length), whole = length / kPageKeys;
  if (keep >= pages_.size() && length % kPageKeys == 0) return;
  CONTINUO_CHECK(length == 0 || forgotten_ == 0 || !sees(forgotten_ - 1, length),
                 "going back behind what a window has forgotten");
  PageRef last = whole < keep && whole < pages_.size() ? pages_[whole] : PageRef();
  pages_.resize(std::min(whole, pages_.size()));
  table_.resize(pages_.size());
  forgotten_ = std::min(forgotten_, pages_.size());
  if (!last) return;
  if (last.holders() == 1) {
    append(std::move(last));
  } else {
    append_copy(last, length % kPageKeys);
  }
}

void KvCache::restore(const std::vector<PageRef>& pages, std::size_t length) {
  pages_.clear();
  table_.clear();
  forgotten_ = 0;
  for (std::size_t i = 0; i < pages_for(length); ++i) {
    if (!pages[i] && forgotten_ == i) ++forgotten_;
    append(pages[i]);
  }
  truncate(length);
}

void KvCache::append(PageRef page) {
  table_.push_back(page.bytes());
  pages_.push_back(std::move(page));
}

void KvCache::append_shared(const PageRef& page, std::size_t position) {
  const bool seen = sees(pages_.size(), position);
  CONTINUO_CHECK(!seen || page, "a shared page that is not there");
  if (!seen && forgotten_ == pages_.size()) ++forgotten_;
  append(seen ? page : PageRef());
}

std::vector<std::byte> KvCache::clean_copy(const PageRef& page, std::size_t n) const {
  std::vector<std::byte> copy(page_bytes());
  for (std::size_t head = 0; head < n_kv_heads_; ++head) {
    std::byte* const part = copy.data() + head_offset(head);
    layout_.copy(page.bytes() + head_offset(head), part, n);
    clear_unused(layout_, part, n);
  }
  return copy;
}

void KvCache::append_copy(const PageRef& page, std::size_t n) {
  const std::byte* const from = page.bytes();
  append(pool_->take());
  for (std::size_t head = 0; head < n_kv_heads_; ++head) {
    layout_.copy(from + head_offset(head), table_.back() + head_offset(head), n);
  }
}

}  // namespace continuo
