#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>

#include "cli/foreign_options.h"
#include "cli/spelling.h"

namespace continuo {

namespace {

// ---- what CLI11 must not interpret ----
//
// CLI11 gives a meaning to empty values, to brackets and braces, and (each version in its own way) to what
// follows a dash. No argument of a process contains a NUL, so one behind an argument takes that meaning away,
// and is easy to take off again. Plain names of options stay as they are.

constexpr std::string_view kPlainMark("\0", 1);
constexpr std::string_view kForeignMark("\0-", 2);  // behind "-ngl" written as "--ngl"

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// "-", "--", "-abc", "--name", "--na_me"
bool is_option_name(std::string_view argument) {
  if (!argument.starts_with('-')) return false;
  const bool is_long = argument.starts_with("--");
  return std::ranges::all_of(argument.substr(is_long ? 2 : 1),
                             [&](char c) { return is_letter_or_digit(c) || (is_long && (c == '-' || c == '_')); });
}

std::string shield(const std::string& argument) {
  if (is_foreign_single_dash(argument)) return fmt::format("-{}{}", argument, kForeignMark);
  if (is_option_name(argument)) return argument;
  return argument + std::string(kPlainMark);
}

std::string unshield(std::string argument) {
  if (argument.ends_with(kForeignMark)) return argument.substr(1, argument.size() - 1 - kForeignMark.size());
  if (argument.ends_with(kPlainMark)) argument.pop_back();
  return argument;
}

// ---- names ----

std::string dashed(std::string_view name) { return fmt::format("{}{}", name.size() == 1 ? "-" : "--", name); }

// Every name of a row, without dashes.
std::vector<std::string_view> names_of(const OptionRow& row) {
  std::vector<std::string_view> names = split_list(row.aliases);
  names.insert(names.begin(), row.name);
  if (row.letter) names.insert(names.begin(), {&row.letter, 1});
  return names;
}

// "-n,--max-tokens,--max_tokens": with '_' for every '-' inside, as Python's tools write it.
std::string cli11_names(const OptionRow& row) {
  std::string out;
  for (const std::string_view name : names_of(row)) {
    out += (out.empty() ? "" : ",") + dashed(name);
    if (name.find('-') == std::string_view::npos) continue;
    std::string other(name);
    std::replace(other.begin(), other.end(), '-', '_');
    out += "," + dashed(other);
  }
  return out;
}

std::string without_underscores(std::string_view name) {
  std::string out(name);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

Error unknown_option(const std::string& typed, OptionGroups groups) {
  const std::string shown = typed.substr(0, typed.find('='));
  const std::string what = fmt::format("unknown option {}", shown);
  if (const std::string_view instead = instead_of_foreign(shown); !instead.empty()) {
    return usage_error(what, std::string(instead));
  }
  std::vector<std::string_view> names;
  for (const OptionGroup* group : groups) {
    for (const OptionRow& row : group->rows) {
      for (const std::string_view name : names_of(row)) names.push_back(name);
    }
  }
  if (shown.starts_with("--") && shown.size() > 3) {
    const std::string_view near = nearest_word(without_underscores(shown.substr(2)), names);
    if (!near.empty()) return usage_error(what, fmt::format("is {} meant?", dashed(near)));
  }
  return usage_error(what, "--help lists all; text that begins with '-' goes after --");
}

// ---- the parser ----

// One command's options as CLI11 has them. Words are not a positional of CLI11: it would look into them.
class Parser : public CLI::App {
 public:
  explicit Parser(OptionGroups groups) : groups_(groups) {
    set_help_flag("");
    allow_extras();
    allow_windows_style_options(false);
    for (const OptionGroup* group : groups) {
      for (const OptionRow& row : group->rows) rows_[add(row)] = &row;
    }
  }

  Result<Arguments> parse_all(std::span<const std::string> arguments) {
    std::vector<std::string> reversed;
    for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
      reversed.push_back(shield(*argument));
    }
    try {
      parse(std::move(reversed));
    } catch (const CLI::ArgumentMismatch&) {
      return needs_value(arguments.back());
    }
    Arguments typed;
    CONTINUO_TRY_VOID(take_words(typed.words));
    CONTINUO_TRY(typed.values, take_values());
    return typed;
  }

 private:
  CLI::Option* add(const OptionRow& row) {
    if (row.value.empty()) return add_flag(cli11_names(row));
    CLI::Option* const option = add_option(cli11_names(row), [](const CLI::results_t&) { return true; });
    return option->expected(1)->allow_extra_args(false)->take_all();
  }

  // The only way to run out of arguments is an option at the end that lacks its value.
  Error needs_value(const std::string& last) const {
    const bool is_long = last.starts_with("--");
    const std::string typed = is_long ? last : std::string{'-', last.back()};
    for (const auto& [option, row] : rows_) {
      if (is_long ? option->check_lname(last.substr(2)) : option->check_sname(typed.substr(1))) {
        return usage_error(fmt::format("{} needs a value: {} {}", typed, typed, row->value));
      }
    }
    return usage_error(fmt::format("{} needs a value", typed));
  }

  Result<void> take_words(Options& options) const {
    bool marked = false;  // "--" was seen
    bool dash = false;
    for (const auto& [kind, shielded] : missing_) {
      if (kind == CLI::detail::Classifier::POSITIONAL_MARK) {
        marked = true;
        continue;
      }
      std::string word = unshield(shielded);
      if (!marked && word.size() > 1 && word[0] == '-') return unknown_option(word, groups_);
      dash = !marked && word == "-";
      options.words_marked = options.words_marked || marked;
      options.words.push_back(std::move(word));
    }
    options.stdin_wanted = dash && options.words.size() == 1;
    return {};
  }

  // In the order in which they were typed, so that the last of two counts.
  Result<std::vector<OptionValue>> take_values() const {
    std::vector<OptionValue> values;
    std::map<const CLI::Option*, std::size_t> taken;
    for (const CLI::Option* option : parse_order()) {
      const OptionRow& row = *rows_.at(option);
      const std::string value = option->results().at(taken[option]++);
      if (row.value.empty() && value != "true") return usage_error(fmt::format("--{} takes no value", row.name));
      values.push_back({&row, row.value.empty() ? "" : unshield(value)});
    }
    return values;
  }

  OptionGroups groups_;
  std::map<const CLI::Option*, const OptionRow*> rows_;
};

}  // namespace

Result<Arguments> parse_arguments(std::span<const std::string> arguments, OptionGroups groups) {
  return Parser(groups).parse_all(arguments);
}

Result<void> set_options(std::span<const OptionValue> values, Options& options) {
  for (const auto& [row, value] : values) CONTINUO_TRY_VOID(row->set(*row, options, value));
  return {};
}

Result<Options> parse_options(std::span<const std::string> arguments, OptionGroups groups) {
  CONTINUO_TRY(Arguments typed, parse_arguments(arguments, groups));
  CONTINUO_TRY_VOID(set_options(typed.values, typed.words));
  return std::move(typed.words);
}

}  // namespace continuo
