// Memory beyond what a heap is good at.
#pragma once

#include <cstddef>

namespace continuo {

// Anonymous memory that begins at a page and holds zeros. Pages that were never touched take no memory. No large pages
// are asked for: what is read straight ahead gains nothing by them, and a virtual machine may take a hundred times as
// long to come by one as to fill it. Throws std::bad_alloc.
class LargeBuffer {
 public:
  LargeBuffer() = default;
  explicit LargeBuffer(std::size_t bytes);  // at least one
  ~LargeBuffer();
  LargeBuffer(LargeBuffer&& other) noexcept;
  LargeBuffer& operator=(LargeBuffer&& other) noexcept;
  LargeBuffer(const LargeBuffer&) = delete;
  LargeBuffer& operator=(const LargeBuffer&) = delete;

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace continuo
