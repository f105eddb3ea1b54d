// The parts of a block, chosen by their spec: mixers (how a token takes in context) and feed-forward parts. Each kind
// is a class with
//   Spec, Weights                  the alternatives of MixerSpec and MixerWeights (or FfnSpec and FfnWeights) that it
//   takes
//   kTakesFloats                   whether it reads its input as floats besides through its linear maps
//   kAddsToResidual                whether it can add its result to a residual by itself
//   run<Probe>(step, spec, weights, slot, x, out, probe)
// and stands in one of the two lists below.
#pragma once

#include <tuple>

#include "layers/attention.h"
#include "layers/channel_mix.h"
#include "layers/delta_net.h"
#include "layers/experts.h"
#include "layers/feed_forward.h"
#include "layers/mamba.h"
#include "layers/mamba2.h"
#include "layers/rg_lru.h"
#include "layers/rwkv.h"
#include "layers/rwkv4.h"
#include "layers/shared_block.h"
#include "layers/short_conv.h"

namespace continuo {

template <class... Kinds>
class Parts {
 public:
  // What takes the inputs of a part.
  template <class WeightsVariant>
  static Consumers consumers(const WeightsVariant& weights);
  template <class SpecVariant>
  static bool adds_to_residual(const SpecVariant& spec);

  // out = part(x) for the rows of the step. Probe: NoListener or Listener& (probe.h).
  template <class Probe, class SpecVariant, class WeightsVariant>
  void run(Step& step, const SpecVariant& spec, const WeightsVariant& weights, StateSlot slot, Rows x, Branch out,
           Probe probe);

 private:
  // Calls f(kind) for the kind whose `Spec` or `Weights` is T; none for the others (BesideSpec, monostate).
  template <class T, class F>
  void with_kind(F&& f);

  template <class Probe>
  void run_beside(Step& step, const BesideSpec& spec, const BesideWeights& weights, StateSlot slot, Rows x, Branch out,
                  Probe probe);

  std::tuple<Kinds...> kinds_;
  Buffer part_;  // what one of several mixers side by side made
};

using Mixers = Parts<Attention, ShortConv, Mamba, Mamba2, Rwkv4, Rwkv, DeltaNet, RgLru, SharedBlock>;
using Ffns = Parts<FeedForward, Experts, ChannelMix>;

// ---- as it is done ----

template <class... Kinds>
template <class WeightsVariant>
Consumers Parts<Kinds...>::consumers(const WeightsVariant& weights) {
  Consumers all;
  for_each_linear(weights, [&](const Linear& map, MapInput input) {
    if (input == MapInput::branch) all.add(map);
  });
  const auto note_floats = [&](const auto& kind_weights) {
    const auto takes = [&]<class Kind>() {
      return Kind::kTakesFloats && std::is_same_v<typename Kind::Weights, std::decay_t<decltype(kind_weights)>>;
    };
    if ((takes.template operator()<Kinds>() || ...)) all.add_floats();
  };
  if constexpr (std::is_same_v<WeightsVariant, MixerWeights>) {
    if (const auto* beside = std::get_if<BesideWeights>(&weights)) {
      for (const MixerWeights& part : beside->parts) std::visit(note_floats, part);
    }
  }
  std::visit(note_floats, weights);
  return all;
}

template <class... Kinds>
template <class SpecVariant>
bool Parts<Kinds...>::adds_to_residual(const SpecVariant& spec) {
  return std::visit(
      [](const auto& kind_spec) {
        const auto adds = [&]<class Kind>() {
          return Kind::kAddsToResidual && std::is_same_v<typename Kind::Spec, std::decay_t<decltype(kind_spec)>>;
        };
        return (adds.template operator()<Kinds>() || ...);
      },
      spec);
}

template <class... Kinds>
template <class T, class F>
void Parts<Kinds...>::with_kind(F&& f) {
  const auto try_kind = [&](auto& kind) {
    if constexpr (std::is_same_v<typename std::decay_t<decltype(kind)>::Spec, T>) f(kind);
  };
  (try_kind(std::get<Kinds>(kinds_)), ...);
}

template <class... Kinds>
template <class Probe, class SpecVariant, class WeightsVariant>
void Parts<Kinds...>::run(Step& step, const SpecVariant& spec, const WeightsVariant& weights, StateSlot slot, Rows x,
                          Branch out, Probe probe) {
  std::visit(
      [&](const auto& kind_spec) {
        using Spec = std::decay_t<decltype(kind_spec)>;
        if constexpr (std::is_same_v<Spec, BesideSpec>) {
          // Named by way of Spec: clang looks up a type that does not depend on it even where this branch is not taken.
          using DependentWeights = std::conditional_t<std::is_same_v<Spec, BesideSpec>, BesideWeights, void>;
          run_beside<Probe>(step, kind_spec, std::get<DependentWeights>(weights), slot, x, out, probe);
        } else {
          with_kind<Spec>([&](auto& kind) {
            const auto& kind_weights = std::get<typename std::decay_t<decltype(kind)>::Weights>(weights);
            kind.template run<Probe>(step, kind_spec, kind_weights, slot, x, out, probe);
          });
        }
      },
      spec);
}

template <class... Kinds>
template <class Probe>
void Parts<Kinds...>::run_beside(Step& step, const BesideSpec& spec, const BesideWeights& weights, StateSlot slot,
                                 Rows x, Branch out, Probe probe) {
  const std::size_t rows = step.rows(), width = out.rows.stride;
  for (std::size_t row = 0; row < rows; ++row) std::fill_n(out.rows[row], width, 0.0f);
  for (std::size_t i = 0; i < spec.parts.size(); ++i) {
    const BesidePart& part = spec.parts[i];
    const Rows made = part_.rows(rows, width);
    run<Probe>(step, part.mixer, weights.parts[i], slot, x, {made}, probe);
    add(step, made, width, {out.rows, part.scale});
    slot.first_float += state_floats({.mixer = part.mixer}).mixer;
  }
}

}  // namespace continuo
