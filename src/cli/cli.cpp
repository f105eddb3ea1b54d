#include "cli/cli.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/config_file.h"
#include "cli/help.h"
#include "cli/hints.h"
#include "cli/man_page.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace continuo {

namespace {

// The configuration file's options, and over them the typed ones.
Result<Options> with_config(const Arguments& typed, const Options& options, const Command& command) {
  if (options.no_config && !options.profile.empty()) {
    return usage_error("--no-config and --profile are both given", "a profile is a section of the configuration file");
  }
  if (options.no_config) return options;
  CONTINUO_TRY(const ConfigFile config, load_config());
  CONTINUO_TRY(const auto values, config_values(config, options.profile, command.groups, typed.values));
  Options resolved = typed.words;
  CONTINUO_TRY_VOID(set_options(values, resolved));
  CONTINUO_TRY_VOID(set_options(typed.values, resolved));
  return resolved;
}

// For a person alone: what a script sends is continued without a word.
void give_hint(const Options& options) {
  if (!isatty(STDERR_FILENO)) return;
  if (const std::string hint = hint_for_words(options); !hint.empty()) spdlog::warn("{}", hint);
}

Result<void> run(const Command& command, std::span<const std::string> arguments) {
  CONTINUO_TRY(const Arguments typed, parse_arguments(arguments, command.groups));
  Options options = typed.words;
  CONTINUO_TRY_VOID(set_options(typed.values, options));
  set_up_logging(options.verbosity);
  if (options.help) return print(help(command, text_width(STDOUT_FILENO)));
  if (options.man) return print(man_page());
  if (options.version) return print("continuo " CONTINUO_VERSION "\n");
  if (!options.words.empty() && command.words == Words::none) {
    return usage_error(fmt::format("'{}' is not an option of continuo {}", options.words.front(), command.name));
  }
  if (is_run_model(options) && command.name.empty()) {
    return usage_error("there is no command 'run'", "continuo -m MODEL PROMPT; a text that begins so goes after --");
  }
  CONTINUO_TRY(options, with_config(typed, options, command));
  set_up_logging(options.verbosity);
  if (command.name.empty()) give_hint(options);
  return command.run(options);
}

// The request's field that is at fault, by the name of the option that sets it; a file's field keeps its name.
Error in_options_words(Error error, const Command& command) {
  if (!error.file.empty()) return error;
  for (const OptionGroup* group : command.groups) {
    for (const OptionRow& row : group->rows) {
      std::string field(row.name);
      std::replace(field.begin(), field.end(), '-', '_');
      if (field == error.field) error.field = fmt::format("--{}", row.name);
    }
  }
  return error;
}

}  // namespace

int run_command_line(int argc, char** argv) {
  set_up_descriptors();
  set_up_logging(0);
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) arguments.emplace_back(argv[i]);
  const Command* command = &commands().front();
  for (const Command& candidate : commands()) {
    if (!arguments.empty() && !candidate.name.empty() && arguments[0] == candidate.name) command = &candidate;
  }
  const bool named = !command->name.empty();
  const auto result = run(*command, std::span<const std::string>(arguments).subspan(named ? 1 : 0));
  if (result) return 0;
  if (result.error().kind != ErrorKind::interrupted) {
    spdlog::error("{}", in_options_words(result.error(), *command).message());
  }
  return exit_code(result.error().kind);
}

}  // namespace continuo
