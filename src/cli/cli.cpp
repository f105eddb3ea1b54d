#include "cli/cli.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/man_page.h"
#include "cli/output.h"
#include "cli/terminal.h"

namespace continuo {

namespace {

Result<void> run(const Command& command, std::span<const std::string> arguments) {
  CONTINUO_TRY(const Options options, parse_options(arguments, command.groups));
  if (options.help) return print(help(command, text_width(STDOUT_FILENO)));
  if (options.man) return print(man_page());
  if (options.version) return print("continuo " CONTINUO_VERSION "\n");
  if (!options.words.empty() && command.words == Words::none) {
    return usage_error(
        fmt::format("'{}' is not an option of continuo {}", options.words.front(), command.name));
  }
  set_up_logging(options.verbosity);
  return command.run(options);
}

}  // namespace

int run_command_line(int argc, char** argv) {
  set_up_descriptors();
  set_up_logging(0);
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i)
    arguments.emplace_back(argv[i]);
  const Command* command = &commands().front();
  for (const Command& candidate : commands()) {
    if (!arguments.empty() && !candidate.name.empty() && arguments[0] == candidate.name) command = &candidate;
  }
  const bool named = !command->name.empty();
  const auto result = run(*command, std::span<const std::string>(arguments).subspan(named ? 1 : 0));
  if (result) return 0;
  if (result.error().kind != ErrorKind::interrupted) spdlog::error("{}", result.error().message());
  return exit_code(result.error().kind);
}

}  // namespace continuo
