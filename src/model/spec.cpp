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

// ---- passes ----

namespace {

std::size_t n_layers(const std::vector<Pass>& passes) {
  std::size_t n = 0;
  for (const Pass& pass : passes) n += pass.layers.size();
  return n;
}

void add_visits(const std::vector<Pass>& passes, std::size_t slot, std::vector<LayerVisit>& visits) {
  for (const Pass& pass : passes) {
    for (const std::size_t layer : pass.layers) visits.push_back({layer, slot++});
  }
}

}  // namespace

bool LoopSpec::joins_by_map() const {
  const auto maps = [](const Pass& pass) { return pass.join == Pass::Join::map; };
  return std::any_of(first.begin(), first.end(), maps) || std::any_of(again.begin(), again.end(), maps);
}

std::size_t loops_of(const ModelSpec& spec) { return spec.loop ? spec.loop->loops : 1; }

std::vector<LayerVisit> layer_visits(const ModelSpec& spec, std::size_t loops) {
  std::vector<LayerVisit> visits;
  if (!spec.loop) {
    for (std::size_t i = 0; i < spec.layers.size(); ++i) visits.push_back({i, i});
    return visits;
  }
  const LoopSpec& loop = *spec.loop;
  const std::size_t n_before = n_layers(loop.before), n_after = n_layers(loop.after), n_body = n_layers(loop.first);
  if (loops == 0) loops = loop.loops;
  add_visits(loop.before, 0, visits);
  for (std::size_t i = 0; i < loops; ++i)
    add_visits(i == 0 ? loop.first : loop.again, n_before + n_after + i * n_body, visits);
  add_visits(loop.after, n_before, visits);
  return visits;
}

std::vector<std::size_t> slot_layers(const ModelSpec& spec, std::size_t loops) {
  const std::vector<LayerVisit> visits = layer_visits(spec, loops);
  std::vector<std::size_t> layers(visits.size());
  for (const LayerVisit& visit : visits) layers[visit.slot] = visit.layer;
  return layers;
}

bool sees_both_sides(const ModelSpec& spec) {
  return std::any_of(spec.layers.begin(), spec.layers.end(), [](const LayerSpec& layer) {
    const AttentionSpec* const attention = attention_in(layer.mixer);
    return attention && attention->mask == AttentionSpec::Mask::both_sides;
  });
}

}  // namespace continuo
