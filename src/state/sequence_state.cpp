#include "state/sequence_state.h"

#include "base/check.h"

namespace continuo {

namespace {

MixerState make_state(const AttentionSpec& spec, std::size_t capacity) {
  return KvCache(spec.n_kv_heads, spec.head_dim, capacity);
}

std::size_t state_bytes(const AttentionSpec& spec, std::size_t capacity) {
  return KvCache::bytes(spec.n_kv_heads, spec.head_dim, capacity);
}

}  // namespace

SequenceState::SequenceState(const ModelSpec& spec, std::size_t capacity, std::size_t prompt_length)
    : capacity_(capacity), prompt_length_(prompt_length) {
  layers_.reserve(spec.layers.size());
  for (const LayerSpec& layer : spec.layers) {
    layers_.push_back(
        std::visit([&](const auto& mixer) { return make_state(mixer, capacity); }, layer.mixer));
  }
}

void SequenceState::reserve(std::size_t n) {
  CONTINUO_CHECK(n <= capacity_ - length_, "a sequence longer than its state");
  for (MixerState& layer : layers_)
    std::visit([&](auto& state) { state.reserve(length_ + n); }, layer);
}

void SequenceState::advance(std::size_t n) {
  CONTINUO_CHECK(length_ + n <= capacity_, "a sequence longer than its state");
  length_ += n;
}

void SequenceState::rewind(std::size_t length) {
  CONTINUO_CHECK(length <= length_, "rewinding forward");
  length_ = length;
}

std::size_t SequenceState::bytes(const ModelSpec& spec, std::size_t capacity) {
  std::size_t total = 0;
  for (const LayerSpec& layer : spec.layers) {
    total += std::visit([&](const auto& mixer) { return state_bytes(mixer, capacity); }, layer.mixer);
  }
  return total;
}

}  // namespace continuo
