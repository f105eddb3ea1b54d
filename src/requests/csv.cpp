#include "requests/csv.h"

#include <fmt/format.h>

namespace continuo {

bool CsvScanner::ends_row(char c) {
  const State before = state_;
  if (before == State::quoted) {
    if (c == '"') state_ = State::quote;
    return false;
  }
  if (c == '"' && before != State::plain) {
    state_ = State::quoted;
  } else {
    state_ = c == ',' || c == '\n' ? State::begin : State::plain;
  }
  return c == '\n';
}

Result<std::vector<std::string>> csv_cells(std::string_view row) {
  using State = CsvScanner::State;
  std::vector<std::string> cells(1);
  CsvScanner scanner;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    const State before = scanner.state();
    scanner.ends_row(c);
    const State after = scanner.state();
    const bool last_return = c == '\r' && i + 1 == row.size() && before != State::quoted;
    if (last_return || after == State::quote) continue;
    if (before == State::quote && after == State::plain) {
      return usage_error(fmt::format("cell {} goes on after its closing quote", cells.size()),
                         "a quote inside quotes is written twice");
    }
    if (before != State::quoted && after == State::begin) {
      cells.emplace_back();
    } else if (before != State::begin || after != State::quoted) {
      cells.back() += c;  // of two quotes the second
    }
  }
  if (scanner.state() != State::quoted) return cells;
  return usage_error(fmt::format("the quote that opens cell {} is never closed", cells.size()));
}

void append_csv_cell(std::string& out, std::string_view cell) {
  if (cell.find_first_of(",\"\r\n") == cell.npos) {
    out += cell;
    return;
  }
  out += '"';
  for (const char c : cell) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

}  // namespace continuo
