// What a sequence remembers between tokens: keys and values in pages for each layer with attention, and one block of
// floats for all recurrent layers, whose size does not depend on the length of the text.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "model/spec.h"
#include "state/kv_cache.h"
#include "state/page_pool.h"

namespace continuo {

// Memory that sequences share, in pages of one pool for keys and values, in blocks of another for recurrent states.
class StatePools {
 public:
  // At most `kv_pages` pages and `recurrent_blocks` blocks; keys and values are kept as `kv_type`.
  StatePools(const ModelSpec& spec, std::size_t kv_pages, std::size_t recurrent_blocks, Format kv_type);

  PagePool kv, recurrent;
};

// Pages of the keys and values, and blocks of the recurrent state.
struct StateNeeds {
  std::size_t kv_pages = 0, recurrent_blocks = 0;
  bool fits(const StatePools& pools) const {
    return kv_pages <= pools.kv.available() && recurrent_blocks <= pools.recurrent.available();
  }
};

// What a sequence remembers of kPageKeys positions, and the recurrent state after the last of them.
struct PageSet {
  std::vector<PageRef> kv;  // one for each layer with attention
  PageRef recurrent;        // null: no copy of the state was kept here, or the model has none
  bool operator==(const PageSet&) const = default;
};

// A beginning as others have computed it: whole page sets, and perhaps the first tokens of one more.
struct KnownBeginning {
  std::vector<const PageSet*> whole;  // of the first whole.size() * kPageKeys tokens
  const PageSet* partial = nullptr;   // agrees in its first partial_tokens tokens
  std::size_t partial_tokens = 0;
  std::size_t tokens() const { return whole.size() * kPageKeys + partial_tokens; }
};

// All that a sequence remembers at one moment.
struct Snapshot {
  std::size_t length = 0;
  std::vector<std::vector<PageRef>> kv;  // for each layer with attention its pages
  PageRef recurrent;
};

class SequenceState {
 public:
  // At most `capacity` positions. `prompt_length` settles positions that depend on the length of the text
  // (dynamic rope): tokens of the prompt are rotated as for the whole prompt, however it is cut into steps.
  // `loops`: of networks that have them, as many as it goes through at the most (0: the spec's own).
  // Without pools the memory is its own, and keys and values are kept as `kv_type`.
  SequenceState(const ModelSpec& spec, std::size_t capacity, std::size_t prompt_length, Format kv_type = Format::f32);
  SequenceState(const ModelSpec& spec, StatePools& pools, std::size_t capacity, std::size_t prompt_length,
                std::size_t loops = 0);
  SequenceState(SequenceState&&) = default;
  SequenceState& operator=(SequenceState&&) = delete;

  std::size_t length() const { return length_; }  // positions remembered
  std::size_t capacity() const { return capacity_; }
  std::size_t prompt_length() const { return prompt_length_; }
  std::size_t loops() const { return loops_; }
  std::size_t kv_slots() const { return caches_.size(); }  // that have keys and values
  bool has_recurrent() const { return recurrent_floats_ > 0; }

  // Of a slot (layer_visits) whose layer has attention. Without loops a layer's slot has its number.
  KvCache& kv(std::size_t slot) { return caches_[checked_cache(slot)]; }
  const KvCache& kv(std::size_t slot) const { return caches_[checked_cache(slot)]; }
  // The floats of a slot's layer: state_floats(LayerSpec).total() of them. Valid after reserve, until the state is rewound,
  // rolled back or restored.
  std::span<float> recurrent(std::size_t slot);
  // Of all slots: the caches of those that have their own, in order; recurrent_floats, or none before the first token.
  std::span<const KvCache> caches() const { return caches_; }
  std::span<const float> all_recurrent() const;

  // What n more positions need beyond what is there.
  StateNeeds needs(std::size_t n) const;
  // The most of it at any time, when they are computed at most `step` at a time.
  StateNeeds most_needs(std::size_t n, std::size_t step) const;
  // Before a step that writes n more positions to every layer. There must be room.
  void reserve(std::size_t n);
  // After a step that wrote n positions to every layer.
  void advance(std::size_t n);
  // Gives back what no later token sees.
  void drop_out_of_window();

  // Keeps a copy of the recurrent state, so that rollback can come back to this length: before a step that computes
  // drafts. Needs a block of memory for models with recurrent layers, and does nothing for others.
  void keep_for_rollback();
  // Blocks that keep_for_rollback takes.
  std::size_t rollback_blocks() const { return has_recurrent() && !kept_ ? 1 : 0; }
  // Takes back the newest of the positions that the last step wrote, so that `wanted` remain or, where recurrent states
  // cannot go back that far, as many as were there at keep_for_rollback. Returns how many remain. Before
  // drop_out_of_window, and before other sequences share the positions.
  std::size_t rollback(std::size_t wanted);
  // Forgets the positions from `length` on; none before them may have been dropped. A recurrent state can go back to
  // length 0 alone.
  void rewind(std::size_t length);

  // All that is remembered; takes a block of memory for models with recurrent layers.
  Snapshot snapshot() const;
  // As it was then, of this sequence or of another of the same model and pools.
  void restore(const Snapshot& snapshot);

  // ---- sharing ----
  // The pages of the positions [i * kPageKeys, (i + 1) * kPageKeys), and a copy of the recurrent state where
  // `keep_recurrent`, which takes a block.
  PageSet page_set(std::size_t i, bool keep_recurrent = false) const;
  // Whether these page sets hold all that a token after them needs.
  bool can_share(const KnownBeginning& known) const;
  // Begins an empty state with the whole page sets; copy() has to follow where there is a partial one. Takes a block
  // where there is a recurrent state.
  void share(const KnownBeginning& known);
  // Goes on, at the beginning of a page, with the first n positions of `pages`, copied: a page a layer from
  // the pool, and a block where there is a recurrent state, whose state after n positions `pages` must hold.
  void copy(const PageSet& pages, std::size_t n);

  // Slots with keys and values, and floats of all recurrent layers; of sequences with so many loops (0: the spec's own).
  static std::size_t kv_layers(const ModelSpec& spec, std::size_t loops = 0);
  static std::size_t recurrent_floats(const ModelSpec& spec);
  // Bytes of a page that is large enough for every layer, and of the block of recurrent floats.
  static std::size_t page_bytes(const ModelSpec& spec, Format kv_type);
  static std::size_t recurrent_bytes(const ModelSpec& spec) { return recurrent_floats(spec) * sizeof(float); }
  // The most pages that `length` positions ever hold, computed at most `step` at a time.
  static std::size_t most_pages(const ModelSpec& spec, std::size_t length, std::size_t step, std::size_t loops = 0);
  // Bytes that `length` positions take.
  static std::size_t bytes(const ModelSpec& spec, std::size_t length, Format kv_type, std::size_t loops = 0);

 private:
  static constexpr std::size_t kNoCache = static_cast<std::size_t>(-1);
  struct Slot {
    std::size_t cache = kNoCache;             // index in caches_
    std::size_t first_float = 0, floats = 0;  // in the block
  };
  struct Kept {
    std::size_t length;
    PageRef block;
  };

  void lay_out(const ModelSpec& spec);
  std::size_t checked_cache(std::size_t slot) const;
  PageRef copy_of_block(const PageRef& block) const;
  void use_block(const PageRef& content);

  std::unique_ptr<StatePools> own_pools_;  // before what is taken from them
  StatePools* pools_;
  std::size_t capacity_, prompt_length_, length_ = 0;
  std::size_t loops_;
  std::vector<Slot> slots_;
  std::vector<KvCache> caches_;
  std::size_t recurrent_floats_ = 0;
  PageRef block_;  // null until reserve
  std::optional<Kept> kept_;
};

}  // namespace continuo
