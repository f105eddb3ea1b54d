// Sets of characters as sorted tables of ranges.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace continuo {

// [first, last]
struct CharRange {
  char32_t first, last;
};

// The row that holds `code`, or null. `Row` has `first` and `last`; the rows are sorted and do not overlap.
template <class Row, std::size_t N>
const Row* find_range(const Row (&rows)[N], char32_t code) {
  const Row* row =
      std::lower_bound(std::begin(rows), std::end(rows), code, [](const Row& r, char32_t c) { return r.last < c; });
  return row != std::end(rows) && row->first <= code ? row : nullptr;
}

}  // namespace continuo
