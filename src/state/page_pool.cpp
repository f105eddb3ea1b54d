#include "state/page_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "base/check.h"

namespace continuo {

// Stands before a page's bytes.
struct alignas(64) PageRef::Page {
  PagePool* pool;
  Page* next_free;
  std::uint32_t holders;
};

namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kLargestSlab = std::size_t{64} << 20;
// From here on the system may back a slab with huge pages, which reading a long text's keys and values gains
// a tenth from: what a slab then takes too early is small beside it.
constexpr std::size_t kLargeSlab = std::size_t{8} << 20;

}  // namespace

PageRef::PageRef(const PageRef& other) : page_(other.page_) {
  if (page_) ++page_->holders;
}

PageRef::~PageRef() {
  if (page_ && --page_->holders == 0) page_->pool->give_back(page_);
}

std::uint32_t PageRef::holders() const { return page_ ? page_->holders : 0; }

std::byte* PageRef::bytes() const { return page_ ? reinterpret_cast<std::byte*>(page_ + 1) : nullptr; }

std::size_t PagePool::footprint(std::size_t page_bytes) {
  std::size_t bytes = 0;
  if (__builtin_add_overflow(page_bytes, sizeof(PageRef::Page) + kLine - 1, &bytes)) throw std::bad_alloc();
  return bytes / kLine * kLine;
}

PagePool::PagePool(std::size_t page_bytes, std::size_t limit, Format kv_type)
    : page_bytes_(page_bytes), limit_(limit), kv_type_(kv_type) {
  footprint(page_bytes);  // refuses what no memory can hold
}

PagePool::~PagePool() {
  CONTINUO_CHECK(in_use_ == 0, "a page pool that ends before its pages' holders");
  for (const Slab& slab : slabs_) munmap(slab.memory, slab.pages * footprint(page_bytes_));
}

// Slabs double, so that a short text costs little and a long one few calls of the system.
void PagePool::grow() {
  const std::size_t bytes = footprint(page_bytes_);
  const std::size_t pages = std::clamp(std::min(limit_ - made_, std::max<std::size_t>(made_, 1)), std::size_t{1},
                                       std::max<std::size_t>(kLargestSlab / bytes, 1));
  std::size_t size = 0;
  if (__builtin_mul_overflow(pages, bytes, &size)) throw std::bad_alloc();
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  if (size >= kLargeSlab) madvise(memory, size, MADV_HUGEPAGE);  // a hint: where it is refused, nothing is lost
  slabs_.push_back({static_cast<std::byte*>(memory), pages});
  unused_in_slab_ = pages;
}

PageRef PagePool::take() {
  CONTINUO_CHECK(in_use_ < limit_, "a page taken from a pool that has none left");
  PageRef::Page* page = free_;
  if (page) {
    free_ = page->next_free;
  } else {
    if (unused_in_slab_ == 0) grow();
    const Slab& slab = slabs_.back();
    page = reinterpret_cast<PageRef::Page*>(slab.memory + (slab.pages - unused_in_slab_) * footprint(page_bytes_));
    --unused_in_slab_;
    ++made_;
    page->pool = this;
  }
  page->holders = 1;
  ++in_use_;
  return PageRef(page);
}

void PagePool::give_back(PageRef::Page* page) {
  page->next_free = free_;
  free_ = page;
  --in_use_;
}

}  // namespace continuo
