// From the arguments of the command line to Options, by CLI11 and the table of options.
#pragma once

#include <span>
#include <string>

#include <vector>

#include "base/error.h"
#include "cli/option_row.h"

namespace continuo {

// What was typed.
struct Arguments {
  Options words;                    // no options yet
  std::vector<OptionValue> values;  // in their order
};

// Options and words may be mixed; after "--" everything is a word. Of several values for one option the last
// counts, unless the row says that it is repeatable. Every value and every word is taken byte for byte.
Result<Arguments> parse_arguments(std::span<const std::string> arguments, OptionGroups groups);

// Sets `values` one after the other.
Result<void> set_options(std::span<const OptionValue> values, Options& options);

// Both, without a configuration file.
Result<Options> parse_options(std::span<const std::string> arguments, OptionGroups groups);

}  // namespace continuo
