// Names and texts from files on their way to a terminal.
#pragma once

#include <string>
#include <string_view>

namespace continuo {

// `text` with \xNN for the bytes of what would break the line, move the cursor or turn the text around: control
// characters (C0, DEL, C1), line and paragraph separators, marks of writing direction, and bytes that are not UTF-8.
std::string printable(std::string_view text);

// The same of at most 1,000 bytes: what is longer is cut in its middle.
std::string message_line(std::string_view text);

}  // namespace continuo
