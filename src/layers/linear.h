// Linear maps over stored weights: y = W x + b for every row, outputs shared among the threads.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>

#include "layers/residual.h"
#include "layers/step.h"
#include "model/weights.h"

namespace continuo {

// Outputs [first, last) of a linear map.
struct Panel {
  std::size_t first, last;
};

// How many panels to cut a map's outputs into, at multiples of `unit`, and the i-th of them. The cut never
// changes a result.
std::size_t panel_count(const Step& step, const Matrix& weight, std::size_t unit = 1);
Panel panel(const Step& step, const Matrix& weight, std::size_t i, std::size_t unit = 1);

// Who reads rows: maps (null, or without a weight: none), and others, who take floats.
struct Readers {
  std::array<const Linear*, 6> maps = {};
  bool others = true;
};
// n rows of `buffer` for these readers: with room to be rounded if a map wants that, and without floats if
// nobody wants those. Whoever computes such rows rounds them, while they are in its cache.
Rows rows_for(const Step& step, const Readers& readers, Buffer& buffer, std::size_t n, std::size_t width);
// Values of a row from `first` on, whole blocks: rounds them if that is wanted.
void round_values(const Step& step, const RoundedRows& to, std::size_t row, std::size_t first,
                  std::span<const float> values);

// What comes before the panels of `maps`: x, rounded as integer products take it if a weight has one, once for all panels;
// valid until the next call.
Rows with_rounded(Step& step, std::initializer_list<const Linear*> maps, Rows x, std::size_t tokens);

// How many tokens to take through a panel of `map` together: their inputs fit a cache. The cut never changes
// a result.
std::size_t tokens_together(const Step& step, const Linear& map, std::size_t tokens);
// The rows [first, first + n) of the rows that `map` reads; first: a multiple of tokens_together.
Rows rows_from(const Linear& map, Rows x, std::size_t first, std::size_t n);

// y[t][r - outputs.first] = W[r] . x[t] + b[r] for the outputs r of the panel and the first `tokens` rows of
// x.
void linear_panel(const Step& step, const Linear& map, Panel outputs, Rows x, std::size_t tokens, Rows y,
                  int worker);

struct LinearJob {
  const Linear* map;
  Branch y;
};
// Several maps of the same inputs.
void linear(Step& step, std::initializer_list<LinearJob> jobs, Rows x, std::size_t tokens);

}  // namespace continuo
