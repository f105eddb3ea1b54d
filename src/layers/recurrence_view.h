// What a recurrent mixer did with the rows of a watched step, for people: every mixer that is not attention
// is a linear recurrence of its values, unit by unit (a unit is a head, or a channel). With S of key_dim rows
// of value_dim,
//   S = diag(keep) S - take (key' S) + write v'        what is kept, what is taken out for a key, what is
//   written y = read' S + direct v + constant
// so y is also a sum over the values of all tokens up to its own: the mixer's hidden attention (Ali et al.
// 2024, arXiv:2403.01590; Dao & Gu 2024, arXiv:2405.21060).
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace continuo {

// One token at one unit.
struct TokenUpdate {
  std::vector<double> keep, take, key, write,
      read;  // key_dim each; take and key are empty where nothing is taken out
  double direct = 0, constant = 0;
};

class RecurrenceView {
 public:
  enum class Unit : unsigned char { head, channel };
  struct Shape {
    std::string_view kind;  // the mixer's, as a key of the table of words
    Unit unit = Unit::head;
    std::size_t units = 0, key_dim = 0, value_dim = 1;
    bool reads_before = false;  // y is read from S as it was before the token
    bool shifts = false;        // before a token is written, row k + 1 of S moves to row k: S is a queue
  };

  virtual ~RecurrenceView() = default;
  RecurrenceView(const RecurrenceView&) = delete;
  RecurrenceView& operator=(const RecurrenceView&) = delete;

  const Shape& shape() const { return shape_; }
  std::size_t rows() const { return rows_; }
  // v and y of a unit in a row: value_dim each.
  std::span<const float> value(std::size_t row, std::size_t unit) const { return at(values_, row, unit); }
  std::span<const float> result(std::size_t row, std::size_t unit) const { return at(results_, row, unit); }
  virtual void update(std::size_t row, std::size_t unit, TokenUpdate& out) const = 0;
  // S before the first row: its value in the row `key`, column `value`.
  virtual double before(std::size_t unit, std::size_t key, std::size_t value) const = 0;

  // The mixer hands out what its scan overwrites: `n` values, or results, from `column` on, counted over all
  // units.
  void keep_values(std::size_t row, std::size_t column, const float* from, std::size_t n) {
    keep(values_, row, column, from, n);
  }
  void keep_results(std::size_t row, std::size_t column, const float* from, std::size_t n) {
    keep(results_, row, column, from, n);
  }

 protected:
  RecurrenceView(const Shape& shape, std::size_t rows)
      : shape_(shape), rows_(rows), values_(rows * width()), results_(rows * width()) {}

 private:
  std::size_t width() const { return shape_.units * shape_.value_dim; }
  std::span<const float> at(const std::vector<float>& all, std::size_t row, std::size_t unit) const {
    return std::span(all).subspan(row * width() + unit * shape_.value_dim, shape_.value_dim);
  }
  void keep(std::vector<float>& all, std::size_t row, std::size_t column, const float* from, std::size_t n) {
    std::copy_n(from, n, all.data() + row * width() + column);
  }

  Shape shape_;
  std::size_t rows_;
  std::vector<float> values_, results_;
};

}  // namespace continuo
