// Linear maps over stored weights: y = W x + b for every row, outputs shared among the threads.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

#include "layers/low_rank.h"
#include "layers/residual.h"
#include "layers/step.h"
#include "model/weights.h"

namespace continuo {

// How many panels to cut a map's outputs into, at multiples of `unit`, and the i-th of them. The cut never
// changes a result.
std::size_t panel_count(const Step& step, const Matrix& weight, std::size_t unit = 1);
Panel panel(const Step& step, const Matrix& weight, std::size_t i, std::size_t unit = 1);

// What takes rows as its inputs: linear maps, and other computations, which take floats.
class Consumers {
 public:
  Consumers() = default;
  Consumers(std::initializer_list<const Linear*> maps, bool floats) : floats_(floats) {
    for (const Linear* map : maps) add(*map);
  }
  // Maps without a weight take nothing.
  void add(const Linear& map);
  void add_floats() { floats_ = true; }
  void add(const Consumers& more);

  bool floats() const { return floats_; }
  std::span<const Linear* const> maps() const { return std::span(maps_).first(n_maps_); }

 private:
  std::array<const Linear*, 12> maps_ = {};
  std::size_t n_maps_ = 0;
  bool floats_ = false;
};
// n rows of `buffer` for these consumers: with room for rounded values if a map takes those, and without floats if
// nothing takes floats. The code that computes such rows rounds them, while they are in its cache.
Rows rows_for(const Step& step, const Consumers& consumers, Buffer& buffer, std::size_t n, std::size_t width);
// Values of a row from `first` on, whole blocks: rounds them if that is wanted.
void round_values(const Step& step, const RoundedRows& to, std::size_t row, std::size_t first,
                  std::span<const float> values);

// What comes before the panels of `maps`: x, rounded as integer products take it if a weight has one, once for all
// panels; valid until the next call. Adapters of the maps take x in as well.
Rows with_rounded(Step& step, std::initializer_list<const Linear*> maps, Rows x, std::size_t tokens);

// How many tokens to take through a panel of `map` together: their inputs fit a cache. The cut never changes
// a result.
std::size_t tokens_together(const Step& step, const Linear& map, std::size_t tokens);
// The rows [first, first + n) of the rows that `map` reads, which know where they stand; first: a multiple of
// tokens_together.
Rows rows_from(const Linear& map, Rows x, std::size_t first, std::size_t n);

// y[t][r - outputs.first] = W[r] . x[t] + b[r] for the outputs r of the panel and the first `tokens` rows of
// x, and what an adapter of the row's text adds.
void linear_panel(const Step& step, const Linear& map, Panel outputs, Rows x, std::size_t tokens, Rows y, int worker);

struct LinearJob {
  const Linear* map;
  Branch y;
};
// y += out(in(x)); nothing where the adapter has no weights. `small`, `extra`: room for what it computes.
void add_adapter(Step& step, const Adapter& adapter, Rows x, std::size_t tokens, Rows y, Buffer& small, Buffer& extra);

// Several maps of the same inputs.
void linear(Step& step, std::initializer_list<LinearJob> jobs, Rows x, std::size_t tokens);

}  // namespace continuo
