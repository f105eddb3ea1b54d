// Linear maps over stored weights: y = W x + b for every row, outputs shared among the threads.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>

#include "layers/step.h"
#include "model/weights.h"

namespace continuo {

// Outputs [first, last) of a linear map.
struct Panel {
  std::size_t first, last;
};

// How many panels to cut `rows` outputs into, and the i-th of them. The cut never changes a result.
std::size_t panel_count(const Step& step, const Matrix& weight);
Panel panel(const Step& step, const Matrix& weight, std::size_t i);

// What comes before the panels of `maps`: x, rounded as integer products take it if a weight has one, once for all panels;
// valid until the next call.
Rows with_rounded(Step& step, std::initializer_list<const Linear*> maps, Rows x, std::size_t tokens);

// y[t][r] = W[r] . x[t] + b[r] for the outputs r of the panel and the first `tokens` rows of x.
void linear_panel(const Step& step, const Linear& map, Panel outputs, Rows x, std::size_t tokens, Rows y,
                  int worker);

struct LinearJob {
  const Linear* map;
  Rows y;
};
// Several maps of the same inputs.
void linear(Step& step, std::initializer_list<LinearJob> jobs, Rows x, std::size_t tokens);

}  // namespace continuo
