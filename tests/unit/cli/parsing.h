// What the tests of the command line's parser share.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "cli/arguments.h"
#include "cli/command.h"

namespace continuo::test {

inline const Command& command_named(std::string_view name) {
  for (const Command& command : commands()) {
    if (command.name == name) return command;
  }
  throw std::runtime_error("no command " + std::string(name));
}

inline Options parsed(const std::vector<std::string>& arguments, std::string_view command = "") {
  CAPTURE(arguments);
  const auto options = parse_options(arguments, command_named(command).groups);
  if (!options) FAIL(options.error().message());
  return *options;
}

// Empty where there is none.
inline std::string error_of(const std::vector<std::string>& arguments, std::string_view command = "") {
  const auto options = parse_options(arguments, command_named(command).groups);
  return options ? "" : options.error().message();
}

}  // namespace continuo::test
