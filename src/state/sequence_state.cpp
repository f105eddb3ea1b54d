#include "state/sequence_state.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"

namespace continuo {

StatePools::StatePools(const ModelSpec& spec, std::size_t kv_pages, std::size_t recurrent_blocks, Format kv_type)
    : kv(SequenceState::page_bytes(spec, kv_type), kv_pages, kv_type),
      recurrent(SequenceState::recurrent_bytes(spec), recurrent_blocks) {}

SequenceState::SequenceState(const ModelSpec& spec, std::size_t capacity, std::size_t prompt_length, Format kv_type)
    : own_pools_(std::make_unique<StatePools>(spec, std::numeric_limits<std::size_t>::max(),
                                              std::numeric_limits<std::size_t>::max(), kv_type)),
      pools_(own_pools_.get()),
      capacity_(capacity),
      prompt_length_(prompt_length),
      loops_(loops_of(spec)) {
  lay_out(spec);
}

namespace {

// The attention of a layer that has keys and values of its own.
const AttentionSpec* remembered(const LayerSpec& layer) {
  const AttentionSpec* const attention = attention_in(layer.mixer);
  return attention && !attention->kv_layer ? attention : nullptr;
}

}  // namespace

SequenceState::SequenceState(const ModelSpec& spec, StatePools& pools, std::size_t capacity, std::size_t prompt_length,
                             std::size_t loops)
    : pools_(&pools),
      capacity_(capacity),
      prompt_length_(prompt_length),
      loops_(spec.loop && loops > 0 ? loops : loops_of(spec)) {
  lay_out(spec);
}

void SequenceState::lay_out(const ModelSpec& spec) {
  caches_.reserve(kv_layers(spec, loops_));
  for (const std::size_t index : slot_layers(spec, loops_)) {
    const LayerSpec& layer = spec.layers[index];
    Slot& made = slots_.emplace_back();
    if (const AttentionSpec* attention = remembered(layer)) {
      made.cache = caches_.size();
      caches_.emplace_back(*attention, pools_->kv);
    } else if (const AttentionSpec* reader = attention_in(layer.mixer)) {
      CONTINUO_CHECK(!spec.loop && *reader->kv_layer + 1 < slots_.size(), "keys and values of a later layer");
      made.cache = slots_[*reader->kv_layer].cache;
    }
    made.first_float = recurrent_floats_;
    made.floats = state_floats(layer).total();
    recurrent_floats_ += made.floats;
  }
}

std::size_t SequenceState::checked_cache(std::size_t slot) const {
  const std::size_t cache = slots_[slot].cache;
  CONTINUO_CHECK(cache != kNoCache, "a layer without attention has no keys and values");
  return cache;
}

std::span<float> SequenceState::recurrent(std::size_t slot) {
  const Slot& at = slots_[slot];
  CONTINUO_CHECK(at.floats == 0 || block_, "a recurrent state that was not reserved");
  return {reinterpret_cast<float*>(block_.bytes()) + at.first_float, at.floats};
}

std::span<const float> SequenceState::all_recurrent() const {
  return {reinterpret_cast<const float*>(block_.bytes()), block_ ? recurrent_floats_ : 0};
}

StateNeeds SequenceState::needs(std::size_t n) const {
  StateNeeds needs{.recurrent_blocks = has_recurrent() && !block_ ? std::size_t{1} : 0};
  for (const KvCache& cache : caches_) needs.kv_pages += cache.pages_needed(length_ + n);
  return needs;
}

StateNeeds SequenceState::most_needs(std::size_t n, std::size_t step) const {
  StateNeeds needs{.recurrent_blocks = has_recurrent() && !block_ ? std::size_t{1} : 0};
  for (const KvCache& cache : caches_) needs.kv_pages += cache.most_pages_needed(length_ + n, step);
  return needs;
}

void SequenceState::reserve(std::size_t n) {
  CONTINUO_CHECK(n <= capacity_ - length_, "a sequence longer than its state");
  for (KvCache& cache : caches_) cache.reserve(length_ + n);
  if (!has_recurrent() || block_) return;
  block_ = pools_->recurrent.take();
  std::memset(block_.bytes(), 0, recurrent_floats_ * sizeof(float));
}

void SequenceState::advance(std::size_t n) {
  CONTINUO_CHECK(n <= capacity_ - length_, "a sequence longer than its state");
  length_ += n;
}

void SequenceState::drop_out_of_window() {
  for (KvCache& cache : caches_) cache.drop_out_of_window(length_);
}

// ---- going back ----

void SequenceState::keep_for_rollback() {
  if (!has_recurrent() || !block_) return;
  if (!kept_) kept_ = Kept{length_, pools_->recurrent.take()};
  kept_->length = length_;
  std::memcpy(kept_->block.bytes(), block_.bytes(), recurrent_floats_ * sizeof(float));
}

std::size_t SequenceState::rollback(std::size_t wanted) {
  CONTINUO_CHECK(wanted <= length_, "rolling back forward");
  if (wanted == length_) return length_;
  if (has_recurrent()) {
    CONTINUO_CHECK(kept_ && kept_->length <= wanted, "rolling back a recurrent state of which no copy was kept");
    std::memcpy(block_.bytes(), kept_->block.bytes(), recurrent_floats_ * sizeof(float));
    wanted = kept_->length;
  }
  length_ = wanted;
  for (KvCache& cache : caches_) cache.rollback(length_);
  return length_;
}

void SequenceState::rewind(std::size_t length) {
  CONTINUO_CHECK(length <= length_, "rewinding forward");
  CONTINUO_CHECK(!has_recurrent() || length == 0 || length == length_,
                 "a recurrent state goes back to its beginning or to a snapshot");
  if (length == 0) {
    block_ = {};
    kept_.reset();
  }
  length_ = length;
  for (KvCache& cache : caches_) cache.truncate(length);
}

PageRef SequenceState::copy_of_block(const PageRef& block) const {
  PageRef copy = pools_->recurrent.take();
  std::memcpy(copy.bytes(), block.bytes(), recurrent_floats_ * sizeof(float));
  return copy;
}

// Begins the block with the content of another, or as it is before the first token where that is null.
void SequenceState::use_block(const PageRef& content) {
  if (!content) {
    block_ = {};
    return;
  }
  if (!block_) block_ = pools_->recurrent.take();
  std::memcpy(block_.bytes(), content.bytes(), recurrent_floats_ * sizeof(float));
}

Snapshot SequenceState::snapshot() const {
  Snapshot snapshot{.length = length_};
  for (const KvCache& cache : caches_) snapshot.kv.push_back(cache.all_pages());
  if (block_) snapshot.recurrent = copy_of_block(block_);
  return snapshot;
}

void SequenceState::restore(const Snapshot& snapshot) {
  CONTINUO_CHECK(snapshot.kv.size() == caches_.size() && snapshot.length <= capacity_,
                 "a snapshot of another kind of state");
  for (std::size_t i = 0; i < caches_.size(); ++i) caches_[i].restore(snapshot.kv[i], snapshot.length);
  use_block(snapshot.recurrent);
  kept_.reset();
  length_ = snapshot.length;
}

// ---- sharing ----

PageSet SequenceState::page_set(std::size_t i, bool keep_recurrent) const {
  PageSet pages;
  pages.kv.reserve(caches_.size());
  for (const KvCache& cache : caches_) pages.kv.push_back(cache.page(i));
  if (keep_recurrent && block_) pages.recurrent = copy_of_block(block_);
  return pages;
}

bool SequenceState::can_share(const KnownBeginning& known) const {
  if (known.tokens() == 0) return true;
  if (has_recurrent() && !(known.partial ? known.partial : known.whole.back())->recurrent) return false;
  for (std::size_t i = 0; i < caches_.size(); ++i) {
    for (std::size_t page = 0; page < known.whole.size(); ++page) {
      if (!known.whole[page]->kv[i] && caches_[i].sees(page, known.tokens())) return false;
    }
  }
  return true;
}

void SequenceState::share(const KnownBeginning& known) {
  const std::size_t length = known.whole.size() * kPageKeys;
  CONTINUO_CHECK(length_ == 0 && length <= capacity_, "sharing begins a state");
  for (std::size_t i = 0; i < caches_.size(); ++i) {
    for (const PageSet* pages : known.whole) caches_[i].append_shared(pages->kv[i], known.tokens());
  }
  if (has_recurrent() && !known.partial && !known.whole.empty()) use_block(known.whole.back()->recurrent);
  length_ = length;
}

void SequenceState::copy(const PageSet& pages, std::size_t n) {
  CONTINUO_CHECK(!has_recurrent() || pages.recurrent, "a recurrent state is not a sum of its positions");
  CONTINUO_CHECK(length_ % kPageKeys == 0 && n < kPageKeys, "a copy begins a page");
  CONTINUO_CHECK(n <= capacity_ - length_, "a sequence longer than its state");
  for (std::size_t i = 0; i < caches_.size(); ++i) caches_[i].append_copy(pages.kv[i], n);
  if (has_recurrent()) use_block(pages.recurrent);
  length_ += n;
}

// ---- sizes ----

std::size_t SequenceState::kv_layers(const ModelSpec& spec, std::size_t loops) {
  const std::vector<std::size_t> slots = slot_layers(spec, loops);
  return static_cast<std::size_t>(std::count_if(
      slots.begin(), slots.end(), [&](std::size_t layer) { return remembered(spec.layers[layer]) != nullptr; }));
}

std::size_t SequenceState::recurrent_floats(const ModelSpec& spec) {
  std::size_t floats = 0;
  for (const std::size_t layer : slot_layers(spec)) floats += state_floats(spec.layers[layer]).total();
  return floats;
}

std::size_t SequenceState::page_bytes(const ModelSpec& spec, Format kv_type) {
  std::size_t bytes = 0;
  for (const LayerSpec& layer : spec.layers) {
    if (const AttentionSpec* attention = remembered(layer))
      bytes = std::max(bytes, KvCache::page_bytes(*attention, kv_type));
  }
  return bytes;
}

std::size_t SequenceState::most_pages(const ModelSpec& spec, std::size_t length, std::size_t step, std::size_t loops) {
  std::size_t pages = 0;
  for (const std::size_t layer : slot_layers(spec, loops)) {
    if (const AttentionSpec* attention = remembered(spec.layers[layer]))
      pages += KvCache::most_pages(*attention, length, step);
  }
  return pages;
}

std::size_t SequenceState::bytes(const ModelSpec& spec, std::size_t length, Format kv_type, std::size_t loops) {
  std::size_t bytes = 0;
  const std::size_t page = PagePool::footprint(page_bytes(spec, kv_type));
  if (__builtin_mul_overflow(most_pages(spec, length, length, loops), page, &bytes)) throw std::bad_alloc();
  const std::size_t block = recurrent_floats(spec) > 0 ? PagePool::footprint(recurrent_bytes(spec)) : 0;
  if (__builtin_add_overflow(bytes, block, &bytes)) throw std::bad_alloc();
  return bytes;
}

}  // namespace continuo
