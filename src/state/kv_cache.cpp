#include "state/kv_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "base/check.h"

namespace continuo {

namespace {

std::size_t page_count(std::size_t capacity) { return capacity / kPageKeys + (capacity % kPageKeys != 0); }

}  // namespace

std::size_t KvCache::bytes(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity) {
  std::size_t page = 0, floats = 0, bytes = 0;
  if (__builtin_mul_overflow(n_kv_heads, page_floats(head_dim), &page) ||
      __builtin_mul_overflow(page, page_count(capacity), &floats) ||
      __builtin_mul_overflow(floats, sizeof(float), &bytes)) {
    throw std::bad_alloc();
  }
  return bytes;
}

void KvCache::Unmap::operator()(float* memory) const { munmap(memory, bytes); }

KvCache::KvCache(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity)
    : head_dim_(head_dim), capacity_(capacity), page_floats_(n_kv_heads * page_floats(head_dim)) {
  const std::size_t size = std::max<std::size_t>(bytes(n_kv_heads, head_dim, capacity), 1);
  void* memory =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = std::unique_ptr<float[], Unmap>(static_cast<float*>(memory), Unmap{size});
}

void KvCache::reserve(std::size_t length) {
  CONTINUO_CHECK(length <= capacity_, "a position beyond the cache");
  while (pages_.size() < page_count(length))
    pages_.push_back(memory_.get() + pages_.size() * page_floats_);
}

void KvCache::write(std::size_t head, std::size_t at, const float* key, const float* value) {
  CONTINUO_CHECK(at / kPageKeys < pages_.size(), "a position without a page");
  float* const keys = pages_[at / kPageKeys] + head_offset(head);
  float* const values = keys + kPageKeys * head_dim_;
  const std::size_t in_page = at % kPageKeys;
  float* const column = keys + in_page / kKeyBlock * kKeyBlock * head_dim_ + in_page % kKeyBlock;
  for (std::size_t i = 0; i < head_dim_; ++i)
    column[i * kKeyBlock] = key[i];
  std::copy_n(value, head_dim_, values + in_page * round_up(head_dim_, kValuePad));
}

}  // namespace continuo
