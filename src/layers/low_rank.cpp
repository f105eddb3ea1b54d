#include "layers/low_rank.h"

#include <algorithm>

#include "base/check.h"

namespace continuo {

namespace {

constexpr std::size_t kF32 = static_cast<std::size_t>(Format::f32);

const std::byte* stored(const std::vector<float>& values) { return reinterpret_cast<const std::byte*>(values.data()); }

}  // namespace

LowRankPass::LowRankPass(const Weights& weights, const Adapters& adapters) {
  std::vector<const Linear*> all;
  for_each_layer_map(weights, [&](std::size_t, const Linear& map, MapInput) { all.push_back(&map); });
  for (std::size_t choice = 0; choice < adapters.choices.size(); ++choice) {
    for (const auto& [number, low_rank] : adapters.choices[choice].maps) {
      CONTINUO_CHECK(number < all.size() && all[number]->weight.cols == low_rank.inputs &&
                         all[number]->weight.rows == low_rank.outputs,
                     "an adapter of another network");
      Map& map = maps_[all[number]];
      map.by_choice.resize(adapters.choices.size());
      map.by_choice[choice] = &low_rank;
      map.most_rank = std::max(map.most_rank, low_rank.rank);
    }
  }
}

const LowRank* LowRankPass::of_row(const Step& step, const Map& map, std::size_t row) {
  return map.by_choice[step.segments[step.places[row].segment].adapter];
}

bool LowRankPass::adds_to(const Step& step, const Linear& map) const {
  const auto found = maps_.find(&map);
  return found != maps_.end() && std::any_of(step.segments.begin(), step.segments.end(), [&](const Segment& segment) {
           return found->second.by_choice[segment.adapter] != nullptr;
         });
}

void LowRankPass::prepare(Step& step, const Linear& linear_map, Rows x) {
  Map& map = maps_.at(&linear_map);
  const std::size_t rows = step.rows(), inputs = linear_map.weight.cols;
  CONTINUO_CHECK(x.data, "an adapter's inputs are floats");
  map.hidden = buffers_[next_++ % kInFlight].rows(rows, map.most_rank);
  share_rows(step, rows, rows * map.most_rank * inputs, [&](std::size_t row, int) {
    const LowRank* const adapter = of_row(step, map, row);
    if (!adapter) return;
    step.kernels.matmul[kF32](stored(adapter->in), inputs * sizeof(float), adapter->rank, inputs, x[row], x.stride, 1,
                              map.hidden[row], map.hidden.stride);
  });
}

void LowRankPass::add(const Step& step, const Linear& linear_map, Panel outputs, std::size_t first, std::size_t n,
                      Rows y, int worker) const {
  const auto found = maps_.find(&linear_map);
  if (found == maps_.end()) return;
  const Map& map = found->second;
  const std::size_t width = outputs.last - outputs.first;
  for (std::size_t row = first, together = 0; row < first + n; row += together) {
    const LowRank* const adapter = of_row(step, map, row);
    for (together = 1; row + together < first + n && of_row(step, map, row + together) == adapter;) ++together;
    if (!adapter) continue;
    const std::size_t rank = adapter->rank;
    float* const added = step.scratch.get(worker, together * width);
    step.kernels.matmul[kF32](stored(adapter->out) + outputs.first * rank * sizeof(float), rank * sizeof(float), width,
                              rank, map.hidden[row], map.hidden.stride, together, added, width);
    for (std::size_t t = 0; t < together; ++t) step.kernels.add(y[row - first + t], added + t * width, 1, width);
  }
}

}  // namespace continuo
