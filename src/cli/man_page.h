// `continuo --man`: the manual page, from the tables of commands and options.
#pragma once

#include <string>

namespace continuo {

// roff, for man(7)'s macros.
std::string man_page();

}  // namespace continuo
