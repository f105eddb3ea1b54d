#include "cli/config_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include "cli/command.h"

namespace continuo {

namespace {

constexpr std::size_t kLargest = std::size_t{1} << 20;  // bytes

// Options that belong to one call.
constexpr std::string_view kNotInFiles[] = {"prompt", "file", "help", "version", "man", "profile", "no-config"};

bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// Reads one line of the file.
class Line {
 public:
  Line(std::string_view text, std::string where) : left_(text), where_(std::move(where)) {}

  void skip_blanks() { left_.remove_prefix(std::min(left_.find_first_not_of(" \t"), left_.size())); }
  bool at_end() {
    skip_blanks();
    return left_.empty() || left_[0] == '#';
  }
  bool take(char c) {
    skip_blanks();
    if (!left_.starts_with(c)) return false;
    left_.remove_prefix(1);
    return true;
  }

  // A bare word: a key, a section's name, a number.
  std::string word() {
    skip_blanks();
    const auto* const end = std::ranges::find_if_not(left_, [](char c) { return is_key_character(c) || c == '+'; });
    const std::string found(left_.begin(), end);
    left_.remove_prefix(found.size());
    return found;
  }

  // Strings lose their quotes; numbers, true and false stay as they are.
  Result<std::string> value() {
    skip_blanks();
    if (left_.starts_with('"')) return basic_string();
    if (left_.starts_with('\'')) return literal_string();
    const std::string found = word();
    if (!found.empty()) return found;
    return error("expected a value: a string in quotes, a number, true, false, or an array of them in brackets");
  }

  // An array's values, or a single one.
  Result<std::vector<std::string>> values() {
    std::vector<std::string> found;
    if (!take('[')) {
      CONTINUO_TRY(found.emplace_back(), value());
      return found;
    }
    while (!take(']')) {
      CONTINUO_TRY(found.emplace_back(), value());
      if (take(',')) continue;
      if (!take(']')) return error("expected ',' or ']' in an array, which stands on one line");
      break;
    }
    return found;
  }

  Error error(std::string what) const { return {.kind = ErrorKind::usage, .what = std::move(what), .file = where_}; }

 private:
  Result<std::string> literal_string() {
    const std::size_t end = left_.find('\'', 1);
    if (end == std::string_view::npos) return error("a string does not end on its line, expected '");
    const std::string found(left_.substr(1, end - 1));
    left_.remove_prefix(end + 1);
    return found;
  }

  Result<std::string> basic_string() {
    constexpr std::string_view kEscapes = "btnfr\"\\", kMeanings = "\b\t\n\f\r\"\\";
    std::string found;
    for (std::size_t i = 1; i < left_.size(); ++i) {
      if (left_[i] == '"') {
        left_.remove_prefix(i + 1);
        return found;
      }
      if (left_[i] != '\\') {
        found += left_[i];
        continue;
      }
      const std::size_t escape = ++i < left_.size() ? kEscapes.find(left_[i]) : std::string_view::npos;
      if (escape == std::string_view::npos) {
        return error(
            "an unknown escape in a string, expected \\\\, \\\", \\n, \\t, \\r, \\b or \\f; '...' has no escapes");
      }
      found += kMeanings[escape];
    }
    return error("a string does not end on its line, expected \"");
  }

  std::string_view left_;
  std::string where_;  // "FILE: line N"
};

// The row that a key names, of any command.
const OptionRow* row_for(std::string_view key) {
  std::string name(key);
  std::replace(name.begin(), name.end(), '_', '-');
  for (const Command& command : commands()) {
    for (const OptionGroup* group : command.groups) {
      for (const OptionRow& row : group->rows) {
        if (row.name == name || (name.size() > 1 && std::ranges::count(split_list(row.aliases), name) > 0)) return &row;
      }
    }
  }
  return nullptr;
}

Result<ConfigEntry> parse_entry(Line& line, const std::string& section, std::size_t number) {
  const std::string key = line.word();
  const OptionRow* const row = row_for(key);
  if (!row) return line.error(fmt::format("'{}' is no option of continuo, expected the long name of one", key));
  if (std::ranges::find(kNotInFiles, row->name) != std::end(kNotInFiles)) {
    return line.error(fmt::format("'{}' belongs on the command line", key));
  }
  if (!line.take('=')) return line.error(fmt::format("expected '=' behind '{}'", key));
  ConfigEntry entry{section, std::string(row->name), {}, number};
  CONTINUO_TRY(entry.values, line.values());
  if (!line.at_end()) return line.error("expected nothing but a comment behind the value");
  if (entry.values.size() != 1 && !(row->repeatable && !row->value.empty())) {
    return line.error(fmt::format("'{}' is an array, expected one value", key));
  }
  return entry;
}

const OptionRow* row_in(OptionGroups groups, std::string_view name) {
  for (const OptionGroup* group : groups) {
    for (const OptionRow& row : group->rows) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

const ConfigEntry* same_option(const ConfigFile& config, const ConfigEntry& entry) {
  const auto same = [&](const ConfigEntry& other) {
    return other.section == entry.section && other.name == entry.name;
  };
  const auto found = std::ranges::find_if(config.entries, same);
  return found == config.entries.end() ? nullptr : &*found;
}

Error in_file(Error error, const ConfigFile& config, const ConfigEntry& entry) {
  error.file = fmt::format("{}: line {}", config.path, entry.line);
  return error;
}

// What the entry sets, tried out.
Result<void> add_values(const ConfigFile& config, const ConfigEntry& entry, const OptionRow& row,
                        std::vector<OptionValue>& values) {
  Options scratch;
  for (const std::string& value : entry.values) {
    if (row.value.empty() && value != "true" && value != "false") {
      return in_file(usage_error(fmt::format("{} is '{}', expected true or false", row.name, value)), config, entry);
    }
    if (row.value.empty() && value == "false") continue;
    const OptionValue set{&row, row.value.empty() ? "" : value};
    if (auto tried = row.set(row, scratch, set.value); !tried) return in_file(tried.error(), config, entry);
    values.push_back(set);
  }
  spdlog::info("{}: line {}: [{}] {} = {}", config.path, entry.line, entry.section, entry.name,
               fmt::join(entry.values, ", "));
  return {};
}

}  // namespace

std::string config_path() {
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);
    return std::string(value ? value : "");
  };
  const std::string folder = variable("XDG_CONFIG_HOME"), home = variable("HOME");
  if (folder.starts_with('/')) return folder + "/continuo/config.toml";
  return home.empty() ? "" : home + "/.config/continuo/config.toml";
}

Result<ConfigFile> parse_config(const std::string& path, std::string_view text) {
  ConfigFile config{path, {}};
  std::string section = "default";
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view bytes = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (bytes.ends_with('\r')) bytes.remove_suffix(1);
    Line line(bytes, fmt::format("{}: line {}", path, number));
    if (line.at_end()) continue;
    if (!line.take('[')) {
      CONTINUO_TRY(ConfigEntry entry, parse_entry(line, section, number));
      if (const ConfigEntry* other = same_option(config, entry)) {
        return line.error(fmt::format("'{}' is set in line {} already", entry.name, other->line));
      }
      config.entries.push_back(std::move(entry));
      continue;
    }
    section = line.word();
    if (section.empty() || !line.take(']') || !line.at_end()) return line.error("expected [NAME] on a line of its own");
    config.entries.push_back({section, "", {}, number});  // so that an empty section is a profile as well
  }
  return config;
}

Result<ConfigFile> load_config() {
  const std::string path = config_path();
  struct stat status {};
  if (path.empty() || stat(path.c_str(), &status) != 0) {
    if (path.empty() || errno == ENOENT || errno == ENOTDIR) return ConfigFile();
    return Error{.kind = ErrorKind::usage,
                 .what = std::string("cannot read the configuration: ") + std::strerror(errno),
                 .file = path,
                 .hint = "--no-config goes without"};
  }
  std::ifstream file(path, std::ios::binary);
  std::string text(std::min<std::size_t>(static_cast<std::size_t>(status.st_size), kLargest + 1), '\0');
  if (!S_ISREG(status.st_mode) || text.size() > kLargest ||
      !file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    return Error{.kind = ErrorKind::usage,
                 .what = "cannot read the configuration, expected a readable file of at most 1 MiB",
                 .file = path,
                 .hint = "--no-config goes without"};
  }
  return parse_config(path, text);
}

Result<std::vector<OptionValue>> config_values(const ConfigFile& config, const std::string& profile,
                                               OptionGroups groups, const std::vector<OptionValue>& typed) {
  std::set<std::string> names;
  std::vector<const ConfigEntry*> chosen;  // those of [default] first
  for (const ConfigEntry& entry : config.entries) {
    names.insert(entry.section);
    if (entry.section == "default") chosen.push_back(&entry);
  }
  for (const ConfigEntry& entry : config.entries) {
    if (entry.section != profile || profile == "default") continue;
    std::erase_if(chosen, [&](const ConfigEntry* other) { return other->name == entry.name; });
    chosen.push_back(&entry);
  }
  std::vector<OptionValue> values;
  for (const ConfigEntry* entry : chosen) {
    const OptionRow* const row = row_in(groups, entry->name);
    if (!row || std::ranges::count(typed, row, &OptionValue::row) > 0) continue;
    CONTINUO_TRY_VOID(add_values(config, *entry, *row, values));
  }
  if (profile.empty() || names.count(profile) > 0) return values;
  const std::string file = config.path.empty() ? config_path() : config.path;
  return Error{.kind = ErrorKind::usage,
               .what = config.path.empty() ? fmt::format("there is no such file, so no profile '{}'", profile)
                                           : fmt::format("there is no profile '{}'", profile),
               .file = file,
               .hint = names.empty() ? "" : fmt::format("there are: {}", fmt::join(names, ", "))};
}

}  // namespace continuo
