// What a sequence remembers between tokens: for each layer what its mixer needs (attention: keys and values).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <variant>
#include <vector>

#include "model/spec.h"
#include "state/kv_cache.h"
#include "state/page_pool.h"

namespace continuo {

using MixerState = std::variant<KvCache>;

// One page for each layer: the same kPageKeys positions of a sequence.
using PageSet = std::vector<PageRef>;

class SequenceState {
 public:
  // At most `capacity` positions. `prompt_length` settles positions that depend on the length of the text
  // (dynamic rope): tokens of the prompt are turned as for the whole prompt, however it is cut into steps.
  // Without a pool the memory is its own, and keys and values are kept as `kv_type`.
  SequenceState(const ModelSpec& spec, std::size_t capacity, std::size_t prompt_length,
                Format kv_type = Format::f32);
  SequenceState(const ModelSpec& spec, PagePool& pool, std::size_t capacity, std::size_t prompt_length);
  SequenceState(SequenceState&&) = default;
  SequenceState& operator=(SequenceState&&) = delete;

  std::size_t length() const { return length_; }  // positions remembered
  std::size_t capacity() const { return capacity_; }
  std::size_t prompt_length() const { return prompt_length_; }

  MixerState& layer(std::size_t i) { return layers_[i]; }
  const MixerState& layer(std::size_t i) const { return layers_[i]; }

  // Pages that n more positions need beyond those that are there.
  std::size_t pages_missing(std::size_t n) const;
  // The most of them at any time, when they are computed at most `step` at a time.
  std::size_t most_pages_missing(std::size_t n, std::size_t step) const;
  // Before a step that writes n more positions to every layer.
  void reserve(std::size_t n);
  // After a step that wrote n positions to every layer.
  void advance(std::size_t n);
  // Takes back the newest of the positions that the last step wrote, so that `length` remain: as if they had not been
  // part of it. Before forget_unseen, and before anybody shares them.
  void take_back(std::size_t length);
  // Forgets the positions from `length` on; none before them may have been given back.
  void rewind(std::size_t length);
  // Gives back what no later token sees.
  void forget_unseen();

  // ---- sharing ----
  // The pages of the positions [i * kPageKeys, (i + 1) * kPageKeys).
  PageSet page_set(std::size_t i) const;
  // Whether these page sets hold all that a token after them sees.
  bool can_share(std::span<const PageSet* const> whole) const;
  // Begins an empty state with these page sets, whole; takes no memory.
  void share(std::span<const PageSet* const> whole);
  // Goes on, at the beginning of a page, with the first n positions of `pages`, copied: a page a layer from
  // the pool.
  void copy(const PageSet& pages, std::size_t n);

  // Bytes of a page that is large enough for every layer.
  static std::size_t page_bytes(const ModelSpec& spec, Format kv_type);
  // The most pages that `length` positions ever hold, computed at most `step` at a time.
  static std::size_t most_pages(const ModelSpec& spec, std::size_t length, std::size_t step);
  // Bytes that `length` positions take.
  static std::size_t bytes(const ModelSpec& spec, std::size_t length, Format kv_type);

 private:
  std::unique_ptr<PagePool> own_pool_;  // before the layers: outlives their pages
  std::size_t capacity_, prompt_length_, length_ = 0;
  std::vector<MixerState> layers_;
};

}  // namespace continuo
