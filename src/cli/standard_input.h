// stdin beside a text that comes from elsewhere.
#pragma once

#include "base/error.h"

namespace continuo {

// True where somebody sent text to this process: its stdin is a pipe, a socket or a file of its own that has bytes to
// read. False for a terminal, for a stdin without bytes, and for one that the parent has as well: a loop of `while
// read` or a script's own input is not for us. Reads nothing. Waits at most `milliseconds` for a first byte.
bool stdin_has_text(int milliseconds);

// An error where text is on stdin that would be ignored, because the text comes from elsewhere.
Result<void> refuse_text_on_stdin(int milliseconds);

}  // namespace continuo
