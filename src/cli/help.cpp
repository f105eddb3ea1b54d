#include "cli/help.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace continuo {

namespace {

constexpr std::size_t kColumn = 28;        // where the texts of options begin
constexpr std::size_t kNarrowColumn = 10;  // the same where lines are short
constexpr std::size_t kNarrow = 72;

std::string row_lines(const OptionRow& row, std::size_t width) {
  const std::size_t column = width < kNarrow ? kNarrowColumn : kColumn;
  std::string out = fmt::format("{}{}", row.letter ? "  " : "      ", synopsis(row));
  out = out.size() + 2 <= column ? fmt::format("{:<{}}", out, column) : out + '\n' + std::string(column, ' ');
  std::string text(row.help);
  if (const std::string note = values_note(row); !note.empty()) text += ' ' + note;
  if (row.repeatable) text += "; may be repeated";
  return out + wrapped(text, width - column, column) + '\n';
}

std::string option_lines(OptionGroups groups, std::size_t width) {
  std::string out;
  for (const OptionGroup* group : groups) {
    if (!group->title.empty()) out += fmt::format("\n{}:\n", wrapped(group->title, width - 1, 0));
    for (const OptionRow& row : group->rows) out += row_lines(row, width);
  }
  return out;
}

std::string capitalized(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

std::string command_lines(std::size_t width) {
  std::string out = "\nCommands:\n";
  for (const Command& command : commands()) {
    if (command.name.empty()) continue;
    out += fmt::format("  {:<13}{}\n", command.name, wrapped(command.summary, width - 15, 15));
  }
  return out;
}

std::string explained_lines(std::string_view title, std::span<const Explained> rows, std::size_t width) {
  std::string out = fmt::format("\n{}:\n", title);
  for (const auto& [term, meaning] : rows) out += fmt::format("  {:<5}{}\n", term, wrapped(meaning, width - 7, 7));
  return out;
}

std::string paragraphs(std::string_view text, std::size_t width) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    out += '\n' + wrapped(text.substr(0, end), width, 0) + '\n';
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t column = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty()) continue;
    if (column > 0 && column + 1 + word.size() > width) {
      out += '\n' + std::string(indent, ' ');
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string synopsis(const OptionRow& row) {
  std::string out = row.letter ? fmt::format("-{}, --{}", row.letter, row.name) : fmt::format("--{}", row.name);
  if (!row.value.empty()) out += fmt::format(" {}", row.value);
  return out;
}

std::string values_note(const OptionRow& row) {
  std::string note;
  if (!row.choices.empty()) note = fmt::format("one of {}", fmt::join(split_list(row.choices), ", "));
  if (!row.fallback.empty()) note += fmt::format("{}default: {}", note.empty() ? "" : "; ", row.fallback);
  return note.empty() ? note : fmt::format("({})", note);
}

std::string usage(const Command& command) {
  return fmt::format("{}{}{}", command.name, command.name.empty() ? "" : " ", command.synopsis);
}

std::string help(const Command& command, std::size_t width) {
  std::string out = fmt::format("Usage: continuo {}\n", usage(command));
  const bool unnamed = command.name.empty();
  if (unnamed) out += "       continuo COMMAND [OPTION]...\n";
  out += '\n' + wrapped(capitalized(command.summary) + '.', width, 0) + '\n';
  if (unnamed) out += command_lines(width);
  out += option_lines(command.groups, width);
  out += paragraphs(command.description, width);
  out += fmt::format("\nExamples:\n{}", command.examples);
  if (unnamed) out += explained_lines("Exit codes", exit_codes(), width);
  if (unnamed) out += "\nA command's options: continuo COMMAND --help. All of it as a manual page: continuo --man.\n";
  return out;
}

}  // namespace continuo
