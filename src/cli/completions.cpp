#include "cli/completions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <vector>

#include "cli/command.h"
#include "cli/output.h"

namespace continuo {

namespace {

// What can stand for the value of an option.
enum class Values : std::uint8_t { none, choices, files, folders };

Values values_of(const OptionRow& row) {
  if (!row.choices.empty()) return Values::choices;
  if (row.value == "FILE" || row.value == "MODEL") return Values::files;
  return row.value == "FOLDER" ? Values::folders : Values::none;
}

std::vector<const OptionRow*> rows_of(const Command& command) {
  std::vector<const OptionRow*> rows;
  for (const OptionGroup* group : command.groups) {
    for (const OptionRow& row : group->rows) rows.push_back(&row);
  }
  return rows;
}

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) {
    if (!command.name.empty()) names.push_back(command.name);
  }
  return names;
}

// "-m" and "--model"
std::vector<std::string> typed(const OptionRow& row) {
  std::vector<std::string> names = {fmt::format("--{}", row.name)};
  if (row.letter) names.push_back(fmt::format("-{}", row.letter));
  return names;
}

std::string replaced(std::string_view text, std::string_view characters, std::string_view before) {
  std::string out;
  for (const char c : text) {
    if (characters.find(c) != std::string_view::npos) out += before;
    out += c;
  }
  return out;
}

// For all three shells: 'it'\''s'.
std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + '\'';
}

std::string choices_of(const OptionRow& row) { return fmt::format("{}", fmt::join(split_list(row.choices), " ")); }

// ---- bash ----

std::string bash_values(const OptionRow& row) {
  switch (values_of(row)) {
    case Values::choices:
      return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", choices_of(row));
    case Values::files:
      return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")";
    case Values::folders:
      return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\")";
    case Values::none:
      break;
  }
  return ":";
}

std::string bash_words(Words words) {
  switch (words) {
    case Words::file:
    case Words::files:
      return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\")";
    case Words::shell:
      return "COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$current\"))";
    case Words::none:
    case Words::text:
      break;
  }
  return ":";
}

std::string bash_command(const Command& command) {
  std::string out = fmt::format("    {})\n      case $previous in\n", command.name.empty() ? "''" : command.name);
  std::vector<std::string> options;
  for (const OptionRow* row : rows_of(command)) {
    const std::vector<std::string> names = typed(*row);
    options.insert(options.end(), names.begin(), names.end());
    if (row->value.empty()) continue;
    out += fmt::format("        {}) {}; return ;;\n", fmt::join(names, "|"), bash_values(*row));
  }
  out += "      esac\n";
  out += fmt::format("      options='{}'\n", fmt::join(options, " "));
  return out + fmt::format("      [[ $current == -* ]] || {{ {}; }}\n      ;;\n", bash_words(command.words));
}

std::string bash() {
  const std::string names = fmt::format("{}", fmt::join(command_names(), "|"));
  std::string out =
      "# bash completion for continuo: source this file, or put it into bash-completion's folder as "
      "continuo.\n"
      "_continuo() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command= options=\n"
      "  COMPREPLY=()\n"
      "  if [[ $current == '=' ]]; then\n"
      "    current=\n"
      "  elif [[ $previous == '=' ]]; then\n"
      "    previous=${COMP_WORDS[COMP_CWORD - 2]}\n"
      "  fi\n";
  out += fmt::format(
      "  if ((COMP_CWORD > 1)); then\n    case ${{COMP_WORDS[1]}} in {}) command=${{COMP_WORDS[1]}} ;; "
      "esac\n  fi\n",
      names);
  out += "  case $command in\n";
  for (const Command& command : commands()) out += bash_command(command);
  out +=
      "  esac\n"
      "  if [[ $current == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n";
  out += fmt::format("  elif ((COMP_CWORD == 1)); then\n    COMPREPLY=($(compgen -W '{}' -- \"$current\"))\n  fi\n",
                     fmt::join(command_names(), " "));
  return out + "}\ncomplete -F _continuo continuo\n";
}

// ---- zsh ----

std::string zsh_values(const OptionRow& row) {
  switch (values_of(row)) {
    case Values::choices:
      return fmt::format("({})", choices_of(row));
    case Values::files:
      return "_files";
    case Values::folders:
      return "_files -/";
    case Values::none:
      break;
  }
  return " ";
}

std::string zsh_row(const OptionRow& row) {
  const std::string text = fmt::format("[{}]", replaced(row.help, "[]:\\", "\\"));
  const std::string value =
      row.value.empty() ? "" : fmt::format(":{}:{}", replaced(row.value, ":\\", "\\"), zsh_values(row));
  const std::string before = row.repeatable ? "*" : row.letter ? fmt::format("(-{} --{})", row.letter, row.name) : "";
  const std::string end = row.value.empty() ? "" : "=";
  std::string out = "        " + quoted(fmt::format("{}--{}{}{}{}", before, row.name, end, text, value)) + " \\\n";
  if (row.letter) {
    out += "        " +
           quoted(fmt::format("{}-{}{}{}{}", before, row.letter, row.value.empty() ? "" : "+", text, value)) + " \\\n";
  }
  return out;
}

std::string_view zsh_words(Words words) {
  switch (words) {
    case Words::file:
      return "':file:_files'";
    case Words::files:
      return "'*:file:_files'";
    case Words::shell:
      return "':shell:(bash zsh fish)'";
    case Words::text:
      return "'*:text: '";
    case Words::none:
      break;
  }
  return "";
}

std::string zsh_command(const Command& command) {
  std::string out = fmt::format("    {})\n      _arguments -s -S : \\\n", command.name.empty() ? "*" : command.name);
  for (const OptionRow* row : rows_of(command)) out += zsh_row(*row);
  return out + fmt::format("        {}\n      ;;\n", zsh_words(command.words));
}

std::string zsh() {
  std::string out =
      "#compdef continuo\n"
      "# zsh completion for continuo: put this file as _continuo into a folder of $fpath.\n"
      "_continuo() {\n"
      "  local -a commands\n"
      "  commands=(\n";
  for (const Command& command : commands()) {
    if (!command.name.empty()) {
      out += "    " + quoted(fmt::format("{}:{}", command.name, replaced(command.summary, ":\\", "\\"))) + '\n';
    }
  }
  out +=
      "  )\n"
      "  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n";
  out += fmt::format("  local command=\n  if [[ $words[2] == ({}) ]]; then\n", fmt::join(command_names(), "|"));
  out +=
      "    command=$words[2]\n"
      "    shift words\n"
      "    (( CURRENT-- ))\n"
      "  fi\n"
      "  case $command in\n";
  for (const Command& command : commands().subspan(1)) out += zsh_command(command);
  out += zsh_command(commands().front());
  return out +
         "  esac\n}\n"
         "if [[ $funcstack[1] == _continuo ]]; then\n  _continuo \"$@\"\nelse\n  compdef _continuo "
         "continuo\nfi\n";
}

// ---- fish ----

std::string fish_row(const Command& command, const OptionRow& row) {
  std::string out = fmt::format("complete -c continuo -n '__continuo_is {}' -l {}",
                                command.name.empty() ? "-" : command.name, row.name);
  if (row.letter) out += fmt::format(" -s {}", row.letter);
  switch (values_of(row)) {
    case Values::choices:
      out += fmt::format(" -x -a {}", quoted(choices_of(row)));
      break;
    case Values::files:
      out += " -r -F";
      break;
    case Values::folders:
      out += " -x -a '(__fish_complete_directories)'";
      break;
    case Values::none:
      out += row.value.empty() ? "" : " -x";
      break;
  }
  return out + fmt::format(" -d {}\n", quoted(replaced(row.help, "\\", "\\")));
}

std::string fish_words(const Command& command) {
  switch (command.words) {
    case Words::file:
    case Words::files:
      return fmt::format("complete -c continuo -n '__continuo_is {}' -F\n", command.name);
    case Words::shell:
      return fmt::format("complete -c continuo -n '__continuo_is {}' -a 'bash zsh fish'\n", command.name);
    case Words::none:
    case Words::text:
      break;
  }
  return "";
}

std::string fish() {
  std::string out =
      "# fish completion for continuo: put this file as continuo.fish into ~/.config/fish/completions.\n"
      "function __continuo_is\n"
      "    set -l words (commandline -opc)\n"
      "    set -l command -\n";
  out += fmt::format("    if set -q words[2]; and contains -- $words[2] {}\n", fmt::join(command_names(), " "));
  out +=
      "        set command $words[2]\n"
      "    end\n"
      "    test $command = $argv[1]\n"
      "end\n"
      "function __continuo_is_first\n"
      "    test (count (commandline -opc)) -eq 1\n"
      "end\n"
      "complete -c continuo -f\n";
  for (const Command& command : commands()) {
    if (command.name.empty()) continue;
    out +=
        fmt::format("complete -c continuo -n __continuo_is_first -a {} -d {}\n", command.name, quoted(command.summary));
  }
  for (const Command& command : commands()) {
    for (const OptionRow* row : rows_of(command)) out += fish_row(command, *row);
    out += fish_words(command);
  }
  return out;
}

}  // namespace

Result<std::string> completions(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return usage_error(fmt::format("there are no completions for '{}', expected bash, zsh or fish", shell));
}

Result<void> run_completions(const Options& options) {
  if (options.words.size() != 1) {
    return usage_error("expected the name of one shell: bash, zsh or fish", "see continuo completions --help");
  }
  CONTINUO_TRY(const std::string script, completions(options.words.front()));
  return print(script);
}

}  // namespace continuo
