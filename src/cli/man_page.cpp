#include "cli/man_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "cli/help.h"

namespace continuo {

namespace {

// Text as roff has it: every dash is a dash that can be copied.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

// A line of text, which is no instruction to roff.
std::string text_line(std::string_view roff_text) {
  const bool instruction = roff_text.starts_with('.') || roff_text.starts_with('\'');
  return fmt::format("{}{}\n", instruction ? "\\&" : "", roff_text);
}

std::string bold(std::string_view text) { return fmt::format("\\fB{}\\fR", roff(text)); }
std::string italic(std::string_view text) { return fmt::format("\\fI{}\\fR", roff(text)); }

// Short lines, which roff joins again.
std::string running(std::string_view text) {
  std::string out;
  const std::string lines = wrapped(roff(text), 78, 0);
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    out += text_line(std::string_view(lines).substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    out += (out.empty() ? "" : ".PP\n") + running(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return out;
}

// Lines as they are.
std::string verbatim(std::string_view text) {
  std::string out = ".EX\n";
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    out += text_line(roff(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out + ".EE\n";
}

// "as many as help" -> "As many as help."
std::string sentence(std::string_view text) {
  std::string out(text);
  if (out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out + '.';
}

std::string tag(const OptionRow& row) {
  std::string out = row.letter ? bold({"-", 1}) + bold({&row.letter, 1}) + ", " : "";
  out += bold(fmt::format("--{}", row.name));
  if (!row.value.empty()) out += ' ' + italic(row.value);
  return out;
}

std::string entry(const OptionRow& row) {
  std::string text = fmt::format("{} {}", sentence(row.help), row.details);
  if (!row.choices.empty()) text += fmt::format(" One of {}.", fmt::join(split_list(row.choices), ", "));
  if (!row.fallback.empty()) text += fmt::format(" Default: {}.", row.fallback);
  if (row.repeatable) text += " The option may be repeated.";
  std::vector<std::string> also;
  for (const std::string_view alias : split_list(row.aliases)) {
    also.push_back(fmt::format("{}{}", alias.size() == 1 ? "-" : "--", alias));
  }
  if (!also.empty()) text += fmt::format(" Also typed {}.", fmt::join(also, ", "));
  return fmt::format(".TP\n{}\n{}", tag(row), running(text));
}

std::string own_options(OptionGroups groups, OptionGroups shared) {
  std::string out;
  for (const OptionGroup* group : groups) {
    if (std::ranges::find(shared, group) != shared.end()) continue;
    for (const OptionRow& row : group->rows) out += entry(row);
  }
  return out;
}

std::string shared_options(OptionGroups groups, OptionGroups shared) {
  std::vector<std::string> names;
  for (const OptionGroup* group : groups) {
    if (std::ranges::find(shared, group) == shared.end()) continue;
    for (const OptionRow& row : group->rows) names.push_back(fmt::format("--{}", row.name));
  }
  if (names.empty()) return {};
  return ".PP\n" + running(fmt::format("As above: {}.", fmt::join(names, ", ")));
}

std::string titled_options(OptionGroups groups) {
  std::string out;
  for (const OptionGroup* group : groups) {
    if (!group->title.empty()) out += fmt::format(".SS \"{}\"\n", roff(group->title));
    for (const OptionRow& row : group->rows) out += entry(row);
  }
  return out;
}

std::string synopsis_lines() {
  std::string out;
  for (const Command& command : commands()) {
    out += fmt::format("{}{} {}\n", out.empty() ? "" : ".br\n", bold("continuo"), roff(usage(command)));
  }
  return out;
}

std::string command_section(const Command& command, OptionGroups shared) {
  std::string out = fmt::format(".SS \"continuo {}\"\n", roff(usage(command)));
  out += running(sentence(command.summary));
  out += ".PP\n" + paragraphs(command.description);
  out += own_options(command.groups, shared);
  out += shared_options(command.groups, shared);
  return out + ".PP\n" + verbatim(command.examples);
}

template <class Rows>
std::string list(const Rows& rows) {
  std::string out;
  for (const auto& [term, meaning] : rows)
    out += fmt::format(".TP\n{}\n{}", bold(fmt::format("{}", term)), running(meaning));
  return out;
}

}  // namespace

std::string man_page() {
  const Command& plain = commands().front();
  std::string out =
      fmt::format(".TH CONTINUO 1 {} \"continuo {}\" \"User Commands\"\n", CONTINUO_DATE, CONTINUO_VERSION);
  out += ".SH NAME\ncontinuo \\- continue a text with a language model\n";
  out += ".SH SYNOPSIS\n" + synopsis_lines();
  out += ".SH DESCRIPTION\n" + running(sentence(plain.summary)) + ".PP\n" + paragraphs(plain.description);
  out += ".SH OPTIONS\n" + titled_options(plain.groups);
  out += ".SH COMMANDS\n";
  for (const Command& command : commands()) {
    if (!command.name.empty()) out += command_section(command, plain.groups);
  }
  out += ".SH \"EXIT STATUS\"\n" + list(exit_codes());
  out += ".SH ENVIRONMENT\n" + list(environment());
  out += ".SH FILES\n.TP\n" + bold("~/.config/continuo/config.toml") + '\n' + paragraphs(configuration_text());
  return out + ".SH EXAMPLES\n" + verbatim(plain.examples);
}

}  // namespace continuo
