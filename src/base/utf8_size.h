// How UTF-8 is checked below the text library.
#pragma once

#include <cstddef>
#include <string_view>

namespace continuo {

// The size of the UTF-8 character that `text` begins with; 0 if it is none (Unicode 15.0, table 3-7).
std::size_t utf8_size(std::string_view text);

}  // namespace continuo
