// What every command takes.
#include "cli/option_setters.h"

namespace continuo {

namespace {

Result<void> be_quiet(const OptionRow&, Options& options, const std::string&) {
  options.verbosity = -1;
  return {};
}

Result<void> say_more(const OptionRow&, Options& options, const std::string&) {
  ++options.verbosity;
  return {};
}

constexpr OptionRow kManualRows[] = {
    {.name = "man",
     .help = "print the manual page, which says more",
     .details = "It is roff: continuo --man | man -l - shows it.",
     .set = turn_on<&Options::man>},
};

constexpr OptionRow kGeneralRows[] = {
    {.name = "quiet",
     .letter = 'q',
     .help = "print errors only on stderr",
     .details = "Warnings, hints and progress are left out.",
     .set = be_quiet},
    {.name = "verbose",
     .letter = 'v',
     .help = "say on stderr what is going on; -vv says more",
     .details = "Model, kernels, threads, seed, tokens and times are told.",
     .repeatable = true,
     .set = say_more},
    {.name = "profile",
     .value = "NAME",
     .help = "also take options from section NAME of the configuration file",
     .details = "Options of the profile count before those of section [default], and typed options before both.",
     .expected = "the name of a section",
     .set = set_text<&Options::profile>},
    {.name = "no-config",
     .help = "do not read the configuration file",
     .details = "For scripts, whose result should depend on nothing but their own command lines.",
     .set = turn_on<&Options::no_config>},
    {.name = "version",
     .help = "print the version",
     .details = "Prints one line, \"continuo\" and the version.",
     .set = turn_on<&Options::version>},
    {.name = "help",
     .letter = 'h',
     .help = "print this",
     .details = "continuo --help is about continuing a text, continuo COMMAND --help about a command.",
     .set = turn_on<&Options::help>},
};

}  // namespace

const OptionGroup kGeneralOptions{"General", kGeneralRows};
const OptionGroup kManualOptions{"", kManualRows};

}  // namespace continuo
