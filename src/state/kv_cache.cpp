#include "state/kv_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "base/check.h"
#include "kernels/kernel_table.h"

namespace continuo {

namespace {

std::size_t key_floats(std::size_t head_dim, std::size_t capacity) { return round_up(capacity, kKeyBlock) * head_dim; }
std::size_t value_floats(std::size_t head_dim, std::size_t capacity) { return capacity * round_up(head_dim, kValuePad); }

}  // namespace

std::size_t KvCache::bytes(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity) {
  std::size_t floats = 0, bytes = 0;
  const std::size_t per_head = key_floats(head_dim, capacity) + value_floats(head_dim, capacity);
  if (__builtin_mul_overflow(n_kv_heads, per_head, &floats) || __builtin_mul_overflow(floats, sizeof(float), &bytes)) {
    throw std::bad_alloc();
  }
  return bytes;
}

void KvCache::Unmap::operator()(float* memory) const { munmap(memory, bytes); }

KvCache::KvCache(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity)
    : head_dim_(head_dim),
      capacity_(capacity),
      key_floats_(key_floats(head_dim, capacity)),
      head_floats_(key_floats_ + value_floats(head_dim, capacity)) {
  const std::size_t size = std::max<std::size_t>(bytes(n_kv_heads, head_dim, capacity), 1);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = std::unique_ptr<float[], Unmap>(static_cast<float*>(memory), Unmap{size});
}

void KvCache::write(std::size_t head, std::size_t at, const float* key, const float* value) {
  CONTINUO_CHECK(at < capacity_, "a position beyond the cache");
  float* const base = memory_.get() + head * head_floats_;
  float* const block = base + at / kKeyBlock * kKeyBlock * head_dim_ + at % kKeyBlock;
  for (std::size_t i = 0; i < head_dim_; ++i) block[i * kKeyBlock] = key[i];
  std::copy_n(value, head_dim_, base + key_floats_ + at * round_up(head_dim_, kValuePad));
}

}  // namespace continuo
