// Lines of a file or a pipe, or rows of a table in it, however long and however slowly they come.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "requests/csv.h"
#include "requests/line.h"

namespace continuo {

enum class LineKind : std::uint8_t {
  line,
  csv_row,  // a '\n' in quotes does not end it
};

class LineReader {
 public:
  // Takes over `fd`, unless it is stdin. `name` is named in errors. Reading ends early once `stop` is set.
  LineReader(int fd, std::string name, std::size_t longest, const std::atomic<bool>& stop,
             LineKind kind = LineKind::line);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  // The next line; nothing at the end, or once stopped. A last line need not end in '\n'.
  Result<std::optional<Line>> next();
  // Whether next() will not wait: what can be read now has a whole line, or the end.
  bool ready();

 private:
  Result<bool> fill();
  const char* find_end();
  void take_block();

  int fd_;
  std::string name_;
  std::size_t longest_;
  const std::atomic<bool>& stop_;
  LineKind kind_;
  CsvScanner scanner_;
  std::vector<char> block_;
  std::size_t at_ = 0, end_ = 0;  // what is left of the block
  std::uint64_t lines_ = 0;
  Line line_;           // the next one, as far as it is read
  bool begun_ = false;  // something of it is
  bool whole_ = false;
  bool at_end_ = false;  // of the input
};

// Opens `file` ("" or "-": stdin) for a LineReader. An error if it cannot be read, or if it is stdout as well, to which
// `answers` ("scores") go.
Result<int> open_records(const std::string& file, std::string_view answers);

// Lines in a file, counted as LineReader does; nothing if `fd` is no file that can be read twice.
std::optional<std::uint64_t> count_lines(int fd, LineKind kind);

}  // namespace continuo
