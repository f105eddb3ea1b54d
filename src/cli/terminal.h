// What a terminal can show.
#pragma once

#include <cstddef>
#include <optional>

namespace continuo {

// Nothing where `descriptor` is no terminal.
std::optional<std::size_t> terminal_columns(int descriptor);

// Columns for running text: the terminal's where `descriptor` is one, from 40 up to 120; else 100.
std::size_t text_width(int descriptor);

}  // namespace continuo
