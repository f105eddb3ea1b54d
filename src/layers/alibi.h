// Attention with linear biases, Press et al. 2021, arXiv:2108.12409: what is added to each head's scores.
#pragma once

#include <cstddef>
#include <vector>

#include "model/spec.h"

namespace continuo {

// Slope * position for every head, for one AlibiSpec that layers share.
class AlibiTable {
 public:
  explicit AlibiTable(AlibiSpec spec) : spec_(std::move(spec)), heads_(spec_.slopes.size()) {}
  const AlibiSpec& spec() const { return spec_; }

  // Makes sure of the positions below `length`. What bias() returned before may move.
  void reserve(std::size_t length);
  // Of the keys 0, 1, ... for a head; whole key blocks, as the attention kernel reads them.
  const float* bias(std::size_t head) const { return heads_[head].data(); }

 private:
  AlibiSpec spec_;
  std::vector<std::vector<float>> heads_;
};

}  // namespace continuo
