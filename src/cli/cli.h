// The command line: options as typed -> settings resolved -> one command run -> an exit code.
#pragma once

namespace continuo {

// The whole program. Never throws for bad input; memory running out is left to main.
int run_command_line(int argc, char** argv);

}  // namespace continuo
