#include "state/sequence_state.h"

#include <algorithm>
#include <limits>
#include <new>

#include "base/check.h"

namespace continuo {

namespace {

MixerState make_state(const AttentionSpec& spec, PagePool& pool) { return KvCache(spec, pool); }

std::vector<MixerState> make_layers(const ModelSpec& spec, PagePool& pool) {
  std::vector<MixerState> layers;
  layers.reserve(spec.layers.size());
  for (const LayerSpec& layer : spec.layers) {
    layers.push_back(std::visit([&](const auto& mixer) { return make_state(mixer, pool); }, layer.mixer));
  }
  return layers;
}

}  // namespace

SequenceState::SequenceState(const ModelSpec& spec, std::size_t capacity, std::size_t prompt_length,
                             Format kv_type)
    : own_pool_(std::make_unique<PagePool>(page_bytes(spec, kv_type), std::numeric_limits<std::size_t>::max(),
                                           kv_type)),
      capacity_(capacity),
      prompt_length_(prompt_length),
      layers_(make_layers(spec, *own_pool_)) {}

SequenceState::SequenceState(const ModelSpec& spec, PagePool& pool, std::size_t capacity,
                             std::size_t prompt_length)
    : capacity_(capacity), prompt_length_(prompt_length), layers_(make_layers(spec, pool)) {}

std::size_t SequenceState::pages_missing(std::size_t n) const {
  std::size_t pages = 0;
  for (const MixerState& layer : layers_) {
    pages += std::visit([&](const auto& state) { return state.missing(length_ + n); }, layer);
  }
  return pages;
}

std::size_t SequenceState::most_pages_missing(std::size_t n, std::size_t step) const {
  std::size_t pages = 0;
  for (const MixerState& layer : layers_) {
    pages += std::visit([&](const auto& state) { return state.most_missing(length_ + n, step); }, layer);
  }
  return pages;
}

void SequenceState::reserve(std::size_t n) {
  CONTINUO_CHECK(n <= capacity_ - length_, "a sequence longer than its state");
  for (MixerState& layer : layers_)
    std::visit([&](auto& state) { state.reserve(length_ + n); }, layer);
}

void SequenceState::advance(std::size_t n) {
  CONTINUO_CHECK(n <= capacity_ - length_, "a sequence longer than its state");
  length_ += n;
}

void SequenceState::take_back(std::size_t length) {
  CONTINUO_CHECK(length <= length_, "taking back what is not there");
  length_ = length;
  for (MixerState& layer : layers_)
    std::visit([&](auto& state) { state.take_back(length); }, layer);
}

void SequenceState::rewind(std::size_t length) {
  CONTINUO_CHECK(length <= length_, "rewinding forward");
  length_ = length;
  for (MixerState& layer : layers_)
    std::visit([&](auto& state) { state.truncate(length); }, layer);
}

void SequenceState::forget_unseen() {
  for (MixerState& layer : layers_)
    std::visit([&](auto& state) { state.forget_unseen(length_); }, layer);
}

PageSet SequenceState::page_set(std::size_t i) const {
  PageSet pages;
  pages.reserve(layers_.size());
  for (const MixerState& layer : layers_)
    pages.push_back(std::get<KvCache>(layer).page(i));
  return pages;
}

bool SequenceState::can_share(std::span<const PageSet* const> whole) const {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    const KvCache& cache = std::get<KvCache>(layers_[i]);
    for (std::size_t page = 0; page < whole.size(); ++page) {
      if (!(*whole[page])[i] && cache.sees(page, whole.size() * kPageKeys)) return false;
    }
  }
  return true;
}

void SequenceState::share(std::span<const PageSet* const> whole) {
  const std::size_t length = whole.size() * kPageKeys;
  CONTINUO_CHECK(length_ == 0 && length <= capacity_, "sharing begins a state");
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    for (const PageSet* pages : whole)
      std::get<KvCache>(layers_[i]).append_shared((*pages)[i], length);
  }
  length_ = length;
}

void SequenceState::copy(const PageSet& pages, std::size_t n) {
  CONTINUO_CHECK(length_ % kPageKeys == 0 && n < kPageKeys, "a copy begins a page");
  CONTINUO_CHECK(n <= capacity_ - length_, "a sequence longer than its state");
  for (std::size_t i = 0; i < layers_.size(); ++i)
    std::get<KvCache>(layers_[i]).append_copy(pages[i], n);
  length_ += n;
}

std::size_t SequenceState::page_bytes(const ModelSpec& spec, Format kv_type) {
  std::size_t bytes = 0;
  for (const LayerSpec& layer : spec.layers) {
    bytes = std::max(bytes,
                     std::visit([&](const auto& m) { return KvCache::page_bytes(m, kv_type); }, layer.mixer));
  }
  return bytes;
}

std::size_t SequenceState::most_pages(const ModelSpec& spec, std::size_t length, std::size_t step) {
  std::size_t pages = 0;
  for (const LayerSpec& layer : spec.layers) {
    pages += std::visit([&](const auto& m) { return KvCache::most_pages(m, length, step); }, layer.mixer);
  }
  return pages;
}

std::size_t SequenceState::bytes(const ModelSpec& spec, std::size_t length, Format kv_type) {
  std::size_t bytes = 0;
  const std::size_t page = PagePool::footprint(page_bytes(spec, kv_type));
  if (__builtin_mul_overflow(most_pages(spec, length, length), page, &bytes)) throw std::bad_alloc();
  return bytes;
}

}  // namespace continuo
