// `continuo completions SHELL`: what a shell can complete, from the tables of commands and options.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace continuo {

// The script for bash, zsh or fish; an error for another shell.
Result<std::string> completions(std::string_view shell);

}  // namespace continuo
