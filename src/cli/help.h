// --help, from the tables of commands and options.
#pragma once

#include <string>

#include "cli/command.h"

namespace continuo {

// Lines of at most `width` columns, except where a single word is longer.
std::string help(const Command& command, std::size_t width);

// `text` broken into lines of at most `width` columns; every line but the first begins with `indent` blanks.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

// "-n, --max-tokens N"
std::string synopsis(const OptionRow& row);

// "(one of f32, f16, q8_0; default: f32)", or empty.
std::string values_note(const OptionRow& row);

// "score [OPTION]... [TEXT]...", behind "continuo ".
std::string usage(const Command& command);

}  // namespace continuo
