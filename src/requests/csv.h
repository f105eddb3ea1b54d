// Comma-separated values as RFC 4180 has them: cells that hold commas, quotes or line ends stand in quotes,
// in which a quote is written twice. A quote inside a cell that does not begin with one is itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace continuo {

// Finds where rows end.
class CsvScanner {
 public:
  // Whether `c`, the next byte of a text, ends a row: a '\n' outside quotes.
  bool ends_row(char c);
  // Where the next byte stands.
  enum class State { begin, plain, quoted, quote };  // of a cell; `quote`: the closing one, or the first of two
  State state() const { return state_; }

 private:
  State state_ = State::begin;
};

// The cells of a row, which comes without the '\n' that ends it; a '\r' before that is no part of the last
// cell.
Result<std::vector<std::string>> csv_cells(std::string_view row);

// In quotes only where it has to be.
void append_csv_cell(std::string& out, std::string_view cell);

}  // namespace continuo
