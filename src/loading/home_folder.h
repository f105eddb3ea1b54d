// Paths as people write them into variables that no shell expands.
#pragma once

#include <string>
#include <string_view>

namespace continuo {

// HOME, or where that is not set the folder that the password file names; empty if neither says.
std::string home_folder();

// `path` with ~ or ~USER at its front, $NAME and ${NAME} expanded, as Python's expanduser and expandvars do
// it: what is not known stays as it is written.
std::string expanded_path(std::string_view path);

}  // namespace continuo
