// From argv to Options, by the tables of options.cpp; and the help, by the same tables.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "cli/options.h"

namespace continuo {

namespace {

using Groups = std::span<const FlagGroup* const>;

template <class Matches>
const Flag* find_flag(Groups groups, Matches matches) {
  for (const FlagGroup* group : groups) {
    for (const Flag& flag : group->flags) {
      if (matches(flag)) return &flag;
    }
  }
  return nullptr;
}

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

Error unknown_option(const std::string& typed, std::string_view name, Groups groups) {
  std::string_view nearest;
  std::size_t least = 3;  // further away is another word
  for (const FlagGroup* group : groups) {
    for (const Flag& flag : group->flags) {
      if (name.size() > 64) break;
      if (const std::size_t d = distance(name, flag.name); d < least) {
        least = d;
        nearest = flag.name;
      }
    }
  }
  if (!nearest.empty())
    return usage_error(fmt::format("unknown option {}", typed), fmt::format("is --{} meant?", nearest));
  return usage_error(fmt::format("unknown option {}", typed),
                     "--help lists all; text that begins with '-' goes after --");
}

// Goes through the arguments once.
class Parser {
 public:
  Parser(std::span<const std::string> arguments, Groups groups) : left_(arguments), groups_(groups) {}

  Result<Options> run() {
    while (!left_.empty()) {
      const std::string& argument = take();
      if (argument == "--") {
        while (!left_.empty())
          options_.words.push_back(take());
        return std::move(options_);
      }
      if (argument.starts_with("--")) {
        CONTINUO_TRY_VOID(long_option(argument));
      } else if (argument.size() > 1 && argument[0] == '-') {
        CONTINUO_TRY_VOID(letters(argument));
      } else {
        options_.words.push_back(argument);
        dash_ = argument == "-";
      }
    }
    options_.stdin_wanted = dash_ && options_.words.size() == 1;
    return std::move(options_);
  }

 private:
  const std::string& take() {
    const std::string& argument = left_.front();
    left_ = left_.subspan(1);
    return argument;
  }

  // --name, --name=VALUE, --name VALUE
  Result<void> long_option(const std::string& argument) {
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    const Flag* flag = find_flag(groups_, [&](const Flag& f) { return f.name == name; });
    if (!flag) return unknown_option(argument.substr(0, equals), name, groups_);
    if (equals == std::string::npos) return set(*flag, "--" + name);
    if (flag->value.empty()) return usage_error(fmt::format("--{} takes no value", name));
    return flag->set(options_, argument.substr(equals + 1));
  }

  // -x, -xy, -x VALUE, -xVALUE
  Result<void> letters(const std::string& argument) {
    for (std::size_t i = 1; i < argument.size(); ++i) {
      const Flag* flag = find_flag(groups_, [&](const Flag& f) { return f.letter == argument[i]; });
      if (!flag) return unknown_option(argument, argument, groups_);
      if (!flag->value.empty() && i + 1 < argument.size()) return flag->set(options_, argument.substr(i + 1));
      CONTINUO_TRY_VOID(set(*flag, {'-', argument[i]}));
    }
    return {};
  }

  Result<void> set(const Flag& flag, const std::string& typed) {
    if (flag.value.empty()) return flag.set(options_, {});
    if (left_.empty()) return usage_error(fmt::format("{} needs a value: {} {}", typed, typed, flag.value));
    return flag.set(options_, take());
  }

  std::span<const std::string> left_;
  Groups groups_;
  Options options_;
  bool dash_ = false;
};

constexpr std::size_t kHelpColumn = 28;

std::string describe(const Flag& flag) {
  std::string left = flag.letter ? fmt::format("  -{}, ", flag.letter) : "      ";
  left += fmt::format("--{}", flag.name);
  if (!flag.value.empty()) left += fmt::format(" {}", flag.value);
  std::string out = fmt::format("{:<{}}", left, kHelpColumn);
  if (left.size() >= kHelpColumn) out += ' ';
  for (const char c : flag.help) {
    out += c;
    if (c == '\n') out.append(kHelpColumn, ' ');
  }
  while (out.back() == ' ')
    out.pop_back();
  return out + '\n';
}

}  // namespace

Result<Options> parse_options(std::span<const std::string> arguments, Groups groups) {
  return Parser(arguments, groups).run();
}

std::string describe(Groups groups) {
  std::string out;
  for (const FlagGroup* group : groups) {
    if (!group->title.empty()) out += fmt::format("\n{}:\n", group->title);
    for (const Flag& flag : group->flags)
      out += describe(flag);
  }
  return out;
}

}  // namespace continuo
