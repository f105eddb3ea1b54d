#include "model/spec.h"

#include <algorithm>

namespace continuo {

namespace {

template <class Part>
std::size_t floats_of(const Part& part) {
  return std::visit(
      [](const auto& kind) -> std::size_t {
        if constexpr (requires { kind.state_floats(); }) {
          return kind.state_floats();
        } else {
          return 0;
        }
      },
      part);
}

}  // namespace

std::size_t BesideSpec::state_floats() const {
  std::size_t floats = 0;
  for (const BesidePart& part : parts) floats += floats_of(part.mixer);
  return floats;
}

LayerStateFloats state_floats(const LayerSpec& layer) { return {floats_of(layer.mixer), floats_of(layer.ffn)}; }

const AttentionSpec* attention_in(const MixerSpec& mixer) {
  if (const auto* beside = std::get_if<BesideSpec>(&mixer)) {
    for (const BesidePart& part : beside->parts) {
      if (const AttentionSpec* attention = attention_in(part.mixer)) return attention;
    }
  }
  if (const auto* shared = std::get_if<SharedBlockSpec>(&mixer)) return &shared->attention;
  return std::get_if<AttentionSpec>(&mixer);
}

bool reads_embedding(const MixerSpec& mixer) { return std::holds_alternative<SharedBlockSpec>(mixer); }

AttentionSpec* attention_in(MixerSpec& mixer) {
  return const_cast<AttentionSpec*>(attention_in(static_cast<const MixerSpec&>(mixer)));
}

bool sees_both_sides(const ModelSpec& spec) {
  return std::any_of(spec.layers.begin(), spec.layers.end(), [](const LayerSpec& layer) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    return attention && attention->mask == AttentionSpec::Mask::both_sides;
  });
}

}  // namespace continuo
