// The configuration file: options in sections, [default] and one for each profile.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "cli/option_row.h"

namespace continuo {

// One option that the file sets.
struct ConfigEntry {
  std::string section;
  std::string name;                 // of the row, whatever the file calls it
  std::vector<std::string> values;  // of a switch that is on: none
  std::size_t line = 0;
};

struct ConfigFile {
  std::string path;  // empty: there is no file
  std::vector<ConfigEntry> entries;
};

// $XDG_CONFIG_HOME/continuo/config.toml, else ~/.config/continuo/config.toml; empty where neither variable is set.
std::string config_path();

// Sections, comments and `key = value` of TOML, where a value is a string, a number, true, false or an array of them. A
// key is the long name of an option of any command.
Result<ConfigFile> parse_config(const std::string& path, std::string_view text);

// The file at config_path(). A file that does not exist has no entries.
Result<ConfigFile> load_config();

// The values that hold for a command whose typed options are `typed`: those of [default], then those of the profile,
// without options that were typed or that the command does not have. An error if a profile is named that the file does
// not have.
Result<std::vector<OptionValue>> config_values(const ConfigFile& config, const std::string& profile,
                                               OptionGroups groups, const std::vector<OptionValue>& typed);

}  // namespace continuo
