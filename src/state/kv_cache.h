// Keys and values of one attention layer of one sequence, in pages of kPageKeys positions that hold all
// heads, one after the other, as the attention kernel reads them (kernels/kernel_table.h).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/kernel_table.h"

namespace continuo {

class KvCache {
 public:
  // Room for `capacity` positions. The memory is zero and becomes real only as positions are written.
  KvCache(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity);

  // Before any position below `length` is written: makes sure of its page. Not while others write.
  void reserve(std::size_t length);
  // Writes position `at` of head `head`; `key` and `value` are head_dim long.
  void write(std::size_t head, std::size_t at, const float* key, const float* value);

  // Page i holds the positions [i * kPageKeys, (i + 1) * kPageKeys).
  const float* const* pages() const { return pages_.data(); }
  // Floats from a page's beginning to a head's keys.
  std::size_t head_offset(std::size_t head) const { return head * page_floats(head_dim_); }
  // Bytes that a cache of so many positions takes.
  static std::size_t bytes(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity);

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(float* memory) const;
  };
  std::size_t head_dim_, capacity_, page_floats_;
  std::unique_ptr<float[], Unmap> memory_;
  std::vector<float*> pages_;  // of the positions reserved so far
};

}  // namespace continuo
