// Keys and values of one attention layer of one sequence, laid out as the attention kernel reads them
// (kernels/kernel_table.h): keys in blocks of kKeyBlock with the key index innermost, values as padded rows.
#pragma once

#include <cstddef>
#include <memory>

namespace continuo {

class KvCache {
 public:
  // Room for `capacity` positions. The memory is zero and becomes real only as positions are written.
  KvCache(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity);

  // Writes position `at` of head `head`; `key` and `value` are head_dim long.
  void write(std::size_t head, std::size_t at, const float* key, const float* value);

  const float* keys(std::size_t head) const { return memory_.get() + head * head_floats_; }
  const float* values(std::size_t head) const { return keys(head) + key_floats_; }
  // Bytes that a cache of so many positions takes.
  static std::size_t bytes(std::size_t n_kv_heads, std::size_t head_dim, std::size_t capacity);

 private:
  struct Unmap {
    std::size_t bytes;
    void operator()(float* memory) const;
  };
  std::size_t head_dim_, capacity_;
  std::size_t key_floats_, head_floats_;
  std::unique_ptr<float[], Unmap> memory_;
};

}  // namespace continuo
