// stdout: the answer, and what can happen to it.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace continuo {

// Makes sure that the standard descriptors are open, so that no model file ever becomes one of them: what is
// closed leads to /dev/null. SIGPIPE and SIGXFSZ are ignored; a reader that went away and a file that may not grow show
// as errors of write. Called once, first.
void set_up_descriptors();

class Output {
 public:
  // Terminals, pipes and sockets get every piece at once, files get them in larger blocks.
  Output();

  bool is_terminal() const { return is_terminal_; }
  // False once more text is pointless: the reader went away, or writing failed.
  bool write(std::string_view text);
  // After the answer: on a terminal, ends a line that the answer left open.
  void end_line();
  // Writes what is left. A reader that went away is no error; a full disk is.
  Result<void> finish();

 private:
  void flush();

  std::string buffer_;
  bool is_terminal_ = false;
  bool at_once_ = false;
  bool line_open_ = false;
  bool reader_gone_ = false;
  int failure_ = 0;  // errno of the write that failed
};

// Whether what is written to stdout is read from `fd`: both are the same regular file.
bool is_stdout(int fd);

// Writes a whole answer.
Result<void> print(std::string_view text);

}  // namespace continuo
