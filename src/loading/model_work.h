// What a token costs: the linear maps that it passes, with their bytes and operations.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernels/kernel_table.h"
#include "model/model.h"

namespace continuo {

// Linear maps of one shape, format and layout.
struct MapGroup {
  std::vector<const Linear*> maps;
  double share = 1;     // of the maps that a token passes: below 1 for experts
  bool output = false;  // computed only for tokens whose scores are wanted

  const Matrix& matrix() const { return maps.front()->weight; }
  double bytes() const;                            // stored bytes that a token passes
  double operations() const;                       // of a token: a multiply-add counts as two
  std::string name() const;                        // "30 x 576 x 1536 q8_0": maps, outputs, inputs
  bool integer(const KernelTable& kernels) const;  // by products of bytes rather than of float32
};

// In the order in which a token meets the first of each.
std::vector<MapGroup> map_groups(const Model& model);

// Stored bytes that a step of one token reads: of the embedding and of learned positions it reads a row.
double bytes_per_token(const Model& model);

}  // namespace continuo
