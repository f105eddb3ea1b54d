// Rotary position embedding, Su et al. 2021, arXiv:2104.09864: the angles, as tables for the kernels.
#pragma once

#include <cstddef>
#include <vector>

#include "model/spec.h"

namespace continuo {

// How far each of rotary_dim / 2 pairs turns per position, and the factor on cosine and sine.
struct RopeFrequencies {
  std::vector<float> turn;
  float magnitude = 1;
};

// `text_length`: of the text that a position belongs to; matters for dynamic scaling and factors alone.
RopeFrequencies rope_frequencies(const RopeSpec& spec, std::size_t text_length);

// Cosines and sines of position * turn, rotary_dim / 2 each. Angles are rounded to float as the reference
// implementations do; their cosines and sines are exact to float rounding and the same on every machine.
void rope_row(const RopeFrequencies& frequencies, std::size_t position, float* cos, float* sin);

// Tables for the rows of one step, for one RopeSpec that layers share.
class RopeTable {
 public:
  explicit RopeTable(RopeSpec spec);
  const RopeSpec& spec() const { return spec_; }

  void resize(std::size_t rows);
  void set_row(std::size_t row, std::size_t position, std::size_t text_length);
  const float* cos(std::size_t row) const { return cos_.data() + row * half_; }
  const float* sin(std::size_t row) const { return sin_.data() + row * half_; }

 private:
  RopeSpec spec_;
  std::size_t half_;
  std::size_t frequencies_kind_ = 0;  // of text lengths, for which `frequencies_` are
  RopeFrequencies frequencies_;
  std::vector<float> cos_, sin_;
};

}  // namespace continuo
