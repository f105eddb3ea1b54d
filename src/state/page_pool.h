// Memory in pages of one size and one format that sequences share: a page is free again when nobody holds it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/kv_page.h"

namespace continuo {

class PagePool;

// Holds one page. Copies hold the same page.
class PageRef {
 public:
  PageRef() = default;
  PageRef(const PageRef& other);
  PageRef(PageRef&& other) noexcept : page_(std::exchange(other.page_, nullptr)) {}
  PageRef& operator=(PageRef other) noexcept {
    std::swap(page_, other.page_);
    return *this;
  }
  ~PageRef();

  explicit operator bool() const { return page_ != nullptr; }
  bool operator==(const PageRef&) const = default;
  std::uint32_t holders() const;
  std::byte* bytes() const;  // PagePool::page_bytes() of them, or null

 private:
  friend class PagePool;
  struct Page;
  explicit PageRef(Page* page) : page_(page) {}
  Page* page_ = nullptr;
};

// Must outlive its pages' holders. Not for several threads at once.
class PagePool {
 public:
  // At most `limit` pages, in which keys and values are kept as `kv_type`. Memory comes from the system in
  // growing pieces, becomes real only as it is written, and is used again in preference to new.
  PagePool(std::size_t page_bytes, std::size_t limit, Format kv_type = Format::f32);
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // A page that nobody else holds; what is in it is left from before, or zero. There must be one.
  PageRef take();

  std::size_t page_bytes() const { return page_bytes_; }
  Format kv_type() const { return kv_type_; }
  std::size_t limit() const { return limit_; }
  // Not below in_use().
  void set_limit(std::size_t limit) { limit_ = limit; }
  std::size_t in_use() const { return in_use_; }
  std::size_t available() const { return limit_ - in_use_; }
  // Bytes of memory that a page takes.
  static std::size_t footprint(std::size_t page_bytes);

 private:
  friend class PageRef;
  struct Slab {
    std::byte* memory;
    std::size_t pages;
  };
  void give_back(PageRef::Page* page);
  void grow();

  std::size_t page_bytes_, limit_;
  Format kv_type_;
  std::size_t in_use_ = 0, made_ = 0, unused_in_slab_ = 0;
  PageRef::Page* free_ = nullptr;
  std::vector<Slab> slabs_;
};

}  // namespace continuo
