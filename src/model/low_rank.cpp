#include "model/low_rank.h"

#include <algorithm>

#include "base/check.h"

namespace continuo {

namespace {

// Two sums in one: inputs' rows one below the other, outputs' columns side by side.
LowRank joined(const LowRank& a, const LowRank& b) {
  CONTINUO_CHECK(a.inputs == b.inputs && a.outputs == b.outputs, "adapters of maps of other sizes");
  LowRank both{.rank = a.rank + b.rank, .inputs = a.inputs, .outputs = a.outputs, .in = a.in};
  both.in.insert(both.in.end(), b.in.begin(), b.in.end());
  both.out.reserve(a.out.size() + b.out.size());
  for (std::size_t r = 0; r < a.outputs; ++r) {
    for (const LowRank* part : {&a, &b}) {
      const auto row = part->out.begin() + static_cast<std::ptrdiff_t>(r * part->rank);
      both.out.insert(both.out.end(), row, row + static_cast<std::ptrdiff_t>(part->rank));
    }
  }
  return both;
}

void add(LowRankMaps& to, const LowRankMaps& maps) {
  for (const auto& [number, map] : maps) {
    const auto [at, is_new] = to.try_emplace(number, map);
    if (!is_new) at->second = joined(at->second, map);
  }
}

Digest digest_of_maps(const LowRankMaps& maps) {
  if (maps.empty()) return {};
  Digester digester;
  for (const auto& [number, map] : maps) {
    for (const std::size_t size : {number, map.rank, map.inputs, map.outputs}) digester.add_number(size);
    digester.add(std::as_bytes(std::span(map.in)));
    digester.add(std::as_bytes(std::span(map.out)));
  }
  return digester.finish();
}

// The weights of an output, whatever the layout.
void stored_output(const Matrix& w, std::size_t r, float* values) {
  const FormatInfo& info = format_info(w.format);
  if (w.layout == Layout::row_major)
    return info.to_float(w.data + stored_bytes(w.format, r * w.stride), values, w.cols);
  for (std::size_t c = 0; c < w.cols; ++c)
    info.to_float(w.data + stored_bytes(w.format, c * w.stride + r), values + c, 1);
}

}  // namespace

void add_output(const LowRank& adapter, std::size_t r, float* values) {
  for (std::size_t c = 0; c < adapter.inputs; ++c) {
    double sum = 0;
    for (std::size_t k = 0; k < adapter.rank; ++k)
      sum += double{adapter.out[r * adapter.rank + k]} * adapter.in[k * adapter.inputs + c];
    values[c] = static_cast<float>(values[c] + sum);
  }
}

void merge(const LowRankMaps& maps, Weights& weights) {
  std::vector<std::pair<Linear*, const LowRank*>> changed;
  for_each_layer_map(weights, [&](std::size_t number, const Linear& map, MapInput) {
    // The walk is one of constants; these weights are none.
    if (const auto found = maps.find(number); found != maps.end())
      changed.emplace_back(const_cast<Linear*>(&map), &found->second);
  });
  for (const auto& [map, added] : changed) {
    const Matrix from = map->weight;
    CONTINUO_CHECK(from.paired_head == 0, "outputs of another order");
    auto made = std::make_shared<std::vector<std::byte>>(from.rows * from.cols * sizeof(float));
    auto* const values = reinterpret_cast<float*>(made->data());
    for (std::size_t r = 0; r < from.rows; ++r) {
      float* const row = values + r * from.cols;
      stored_output(from, r, row);
      add_output(*added, r, row);
    }
    map->weight = {.data = made->data(), .rows = from.rows, .cols = from.cols, .stride = from.cols};
    weights.made.push_back(std::move(made));
  }
}

void Adapters::add_to_all(const LowRankMaps& maps) {
  for (Choice& choice : choices) {
    add(choice.maps, maps);
    choice.digest = digest_of_maps(choice.maps);
  }
}

void Adapters::add_choice(std::string name, const LowRankMaps& maps) {
  Choice made{std::move(name), choices.front().maps, {}};
  add(made.maps, maps);
  made.digest = digest_of_maps(made.maps);
  choices.push_back(std::move(made));
}

std::optional<std::size_t> Adapters::find(std::string_view name) const {
  for (std::size_t i = 1; i < choices.size(); ++i) {
    if (choices[i].name == name) return i;
  }
  return std::nullopt;
}

}  // namespace continuo
