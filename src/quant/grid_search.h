// Finding points of a lattice: groups of values that are stored together, as one index.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace continuo {

inline constexpr std::size_t kMostPointValues = 8;

class GridSearch {
 public:
  // `per` values in each point, `bits` bits each, which are indices of `levels`, ascending.
  GridSearch(std::span<const std::uint16_t> points, std::size_t per, int bits, std::vector<float> levels);

  std::size_t per() const { return per_; }
  float bottom() const { return levels_.front(); }
  float top() const { return levels_.back(); }
  const float* point(std::size_t index) const { return values_.data() + index * per_; }
  // The point of least weighted squared distance from x, among those nearest to x with each value rounded to a level.
  std::size_t nearest(const float* x, const float* weights) const;

 private:
  static constexpr std::size_t kCandidates = 12;

  std::size_t level_of(float x) const;

  std::size_t per_;
  std::vector<float> levels_;
  std::vector<float> values_;              // per_ of each point
  std::vector<std::uint16_t> candidates_;  // kCandidates of each combination of levels
};

// A block of 256 values, `group` of which share a scale: each value is d * unit * (2 s + 1) times its point's value.
struct GridBlock {
  float d = 0;
  std::array<int, 32> scales = {};  // s of each group
  std::array<std::uint16_t, 64> points = {};
};
struct GridShape {
  std::size_t group;
  int top;  // the largest s
  float unit;
};
// `searches`: one for all groups, or several among which each group takes what fits best; `chosen`: which it took.
GridBlock fit_grid_block(std::span<const GridSearch* const> searches, const GridShape& shape, const float* x,
                         const float* weights, std::span<std::size_t> chosen);

}  // namespace continuo
