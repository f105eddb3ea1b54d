// Adapters in a step: rows whose text uses one get its maps of low rank added to the outputs of linear maps.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <vector>

#include "layers/step.h"
#include "model/low_rank.h"

namespace continuo {

// Outputs [first, last) of a linear map.
struct Panel {
  std::size_t first, last;
};

class LowRankPass {
 public:
  // Both outlive it, and their maps stay where they are.
  LowRankPass(const Weights& weights, const Adapters& adapters);

  // Whether a text of the step has something to add to the map.
  bool adds_to(const Step& step, const Linear& map) const;
  // What comes before add(): in x for all rows of the step, of which there is one for each row of x. Valid until
  // kInFlight - 1 other maps are prepared.
  void prepare(Step& step, const Linear& map, Rows x);
  // y += out (in x) for the outputs of the panel and the rows [first, first + n) of the step, which y holds. A row's bits
  // depend on itself alone.
  void add(const Step& step, const Linear& map, Panel outputs, std::size_t first, std::size_t n, Rows y,
           int worker) const;

 private:
  static constexpr std::size_t kInFlight = 16;
  struct Map {
    std::vector<const LowRank*> by_choice;  // null: that choice leaves the map as it is
    std::size_t most_rank = 0;
    Rows hidden = {};  // in x
  };
  static const LowRank* of_row(const Step& step, const Map& map, std::size_t row);

  std::unordered_map<const Linear*, Map> maps_;
  std::array<Buffer, kInFlight> buffers_;
  std::size_t next_ = 0;
};

}  // namespace continuo
