// Runs the binary as a person or a script does.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace continuo::test {

struct Ran {
  std::string out;
  std::string err;
  int code = -1;  // of exit; -signal if a signal ended it
};

struct Run {
  std::vector<std::string> arguments;
  std::string input = {};
  std::map<std::string, std::string> environment = {};  // besides the test's own
  std::optional<std::string> stdout_path = {};          // stdout is this file; empty: closed
  std::string program = CONTINUO_BINARY;
  std::size_t read_at_most = SIZE_MAX;  // then the reader goes away
  // Called with the process once the first output has come.
  std::function<void(int process)> on_first_output = {};
  std::function<void(int process)> on_first_message = {};  // the same for stderr
};

Ran run_program(const Run& run);
Ran run_program(std::vector<std::string> arguments, std::string_view input = {});

// The same with stdin, stdout and stderr on one terminal; `typed` is what the person types. out: all that
// showed.
Ran run_on_terminal(std::vector<std::string> arguments, std::string_view typed, bool redirect_stderr = false);

}  // namespace continuo::test
