// Keys and values of one attention layer of one sequence, in pages of kPageKeys positions that hold all
// heads, one after the other, as the attention kernel reads them (kernels/kv_page.h). Pages come from a
// pool, whose format they are rounded to as they are written, and may be shared: sequences that begin alike
// hold the same pages for what they have in common.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/kv_page.h"
#include "model/spec.h"
#include "state/page_pool.h"

namespace continuo {

class KvCache {
 public:
  // `pool` outlives the cache, and its pages hold at least page_bytes(spec, pool.kv_type()).
  KvCache(const AttentionSpec& spec, PagePool& pool);

  // Writes position `at` of head `head`; `key` and `value` are head_dim long. There is room.
  void write(std::size_t head, std::size_t at, const float* key, const float* value);

  // Writes at position `at` what another cache of the same shape remembers of it. There is room.
  void write_from(const KvCache& other, std::size_t at);

  // Page i holds the positions [i * kPageKeys, (i + 1) * kPageKeys); null once no later token sees any of
  // them.
  const std::byte* const* pages() const { return table_.data(); }
  // Bytes from a page's beginning to a head's part.
  std::size_t head_offset(std::size_t head) const { return head * layout_.bytes(); }
  Format kv_type() const { return layout_.type; }
  // Element i of what is remembered at position `at` of a head, as attention sees it.
  float key(std::size_t head, std::size_t at, std::size_t i) const;
  float value(std::size_t head, std::size_t at, std::size_t i) const;

  // Pages that positions before `length` need beyond those that are there.
  std::size_t pages_needed(std::size_t length) const;
  // The most of them at any time, when the positions are computed at most `step` at a time and what is no
  // longer seen is given back.
  std::size_t most_pages_needed(std::size_t length, std::size_t step) const;
  // Makes sure of them. Not while others write.
  void reserve(std::size_t length);
  // Whether a token at `position` or later sees anything on the page.
  bool sees(std::size_t page, std::size_t position) const;
  // Gives back the pages that a token at `position` or later does not see.
  void drop_out_of_window(std::size_t position);
  // Takes back what the newest step wrote from `length` on, before anybody else has seen it.
  void rollback(std::size_t length);
  // Forgets the positions from `length` on. A page that others hold too is not written again: the rest of it
  // is copied.
  void truncate(std::size_t length);

  // ---- sharing ----
  const PageRef& page(std::size_t i) const { return pages_[i]; }
  const std::vector<PageRef>& all_pages() const { return pages_; }
  // The first `length` positions, as all_pages() held them; its own pages are given up. What follows on the last page
  // is written again, so that page is copied where others hold it.
  void restore(const std::vector<PageRef>& pages, std::size_t length);
  // The next page, for a sequence that goes on at `position`: shared, if that sees any of it.
  void append_shared(const PageRef& page, std::size_t position);
  // The next page: a copy of the first `n` positions of `page`.
  void append_copy(const PageRef& page, std::size_t n);

  // Bytes of a page that are used. A copy of one as a file holds it: its first n positions, and zeros for all else.
  std::size_t page_bytes() const { return n_kv_heads_ * layout_.bytes(); }
  std::vector<std::byte> clean_copy(const PageRef& page, std::size_t n) const;

  static std::size_t page_bytes(const AttentionSpec& spec, Format kv_type);
  // The most pages that `length` positions ever hold, computed at most `step` at a time.
  static std::size_t most_pages(const AttentionSpec& spec, std::size_t length, std::size_t step);

 private:
  void append(PageRef page);
  std::size_t n_kv_heads_, window_;
  KvLayout layout_;
  PagePool* pool_;
  std::size_t forgotten_ = 0;  // leading pages that are given back
  std::vector<PageRef> pages_;
  std::vector<std::byte*> table_;  // the same, for the kernel
};

}  // namespace continuo
