// The text that a command works on: from the command line, stdin or a file.
#pragma once

#include <atomic>
#include <string>

#include "base/error.h"
#include "cli/options.h"

namespace continuo {

// PROMPT byte for byte, several words joined by single blanks; else the file or stdin, without the one '\n'
// that ends it unless --exact is given. (As in a shell's $(...), a '\r' before it stays: it belongs to the
// text.)
Result<std::string> read_text(const Options& options, const std::atomic<bool>& interrupted);

// Before a stdin that has text is taken for one that is only inherited: for a program in the same pipeline, which starts at
// the same time.
inline constexpr int kGraceMilliseconds = 25;

// True where the text is read from stdin.
bool reads_stdin(const Options& options);

}  // namespace continuo
