// What adapters add to linear maps: y += out (in x), of low rank (Hu et al. 2021, "LoRA", arXiv:2106.09685).
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "model/weights.h"

namespace continuo {

struct LowRank {
  std::size_t rank = 0, inputs = 0, outputs = 0;
  std::vector<float> in;   // rank rows of `inputs`
  std::vector<float> out;  // `outputs` rows of `rank`, times the adapter's scale; in the order of the map's outputs
};

// f(number, const Linear&, MapInput) for all maps of all layers, those that are not stored included; maps are numbered
// in this order.
template <class F>
void for_each_layer_map(const Weights& weights, F&& f) {
  std::size_t number = 0;
  const auto count = [&](const Linear& map, MapInput input) { f(number++, map, input); };
  for (const LayerWeights& layer : weights.layers) {
    for_each_linear(layer.mixer, count);
    for_each_linear(layer.ffn, count);
  }
}

// By the numbers of the maps.
using LowRankMaps = std::map<std::size_t, LowRank>;

// What is added to the weights of output `r`.
void add_output(const LowRank& adapter, std::size_t r, float* values);
// Makes the additions part of the weights, which become float32.
void merge(const LowRankMaps& maps, Weights& weights);

// What requests may choose from.
struct Adapters {
  struct Choice {
    std::string name;
    LowRankMaps maps;
    Digest digest = {};  // of all numbers; zeros where there are none
  };
  // The first, without a name, is what requests have that name none; it is part of all others.
  std::vector<Choice> choices = std::vector<Choice>(1);

  // All of these numbers are added to every request's.
  void add_to_all(const LowRankMaps& maps);
  void add_choice(std::string name, const LowRankMaps& maps);
  std::optional<std::size_t> find(std::string_view name) const;
};

}  // namespace continuo
