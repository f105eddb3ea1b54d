// What a sequence remembers between tokens: for each layer what its mixer needs (attention: keys and values).
#pragma once

#include <cstddef>
#include <variant>
#include <vector>

#include "model/spec.h"
#include "state/kv_cache.h"

namespace continuo {

using MixerState = std::variant<KvCache>;

class SequenceState {
 public:
  // Room for `capacity` positions. `prompt_length` settles positions that depend on the length of the text
  // (dynamic rope): tokens of the prompt are turned as for the whole prompt, however it is cut into steps.
  SequenceState(const ModelSpec& spec, std::size_t capacity, std::size_t prompt_length);

  std::size_t length() const { return length_; }  // positions remembered
  std::size_t capacity() const { return capacity_; }
  std::size_t prompt_length() const { return prompt_length_; }

  MixerState& layer(std::size_t i) { return layers_[i]; }
  const MixerState& layer(std::size_t i) const { return layers_[i]; }

  // Before a step that writes n more positions to every layer.
  void reserve(std::size_t n);
  // After a step that wrote n positions to every layer.
  void advance(std::size_t n);
  // Forgets the positions from `length` on.
  void rewind(std::size_t length);

  // Bytes that `capacity` positions take.
  static std::size_t bytes(const ModelSpec& spec, std::size_t capacity);

 private:
  std::size_t capacity_, prompt_length_, length_ = 0;
  std::vector<MixerState> layers_;
};

}  // namespace continuo
