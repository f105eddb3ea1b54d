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
     .help = "print the manual page",
     .details = "The page is roff; continuo --man | man -l - shows it.",
     .set = turn_on<&Options::man>},
};

constexpr OptionRow kGeneralRows[] = {
    {.name = "quiet",
     .letter = 'q',
     .help = "print nothing but errors on stderr",
     .details = "This suppresses warnings, hints and progress.",
     .set = be_quiet},
    {.name = "verbose",
     .letter = 'v',
     .help = "report on stderr what happens; -vv reports more",
     .details = "The report names model, kernels, threads, seed, tokens and times.",
     .repeatable = true,
     .set = say_more},
    {.name = "profile",
     .value = "NAME",
     .help = "also take options from section NAME of the configuration file",
     .details = "The profile's options override those of [default]; options on the command line override both.",
     .expected = "the name of a section",
     .set = set_text<&Options::profile>},
    {.name = "no-config",
     .help = "do not read the configuration file",
     .details = "Use it in scripts whose result must depend on their command lines alone.",
     .set = turn_on<&Options::no_config>},
    {.name = "version",
     .help = "print the version",
     .details = "Prints one line, \"continuo\" and the version.",
     .set = turn_on<&Options::version>},
    {.name = "help",
     .letter = 'h',
     .help = "print this help",
     .details = "continuo --help describes how to continue a text; continuo COMMAND --help describes a command.",
     .set = turn_on<&Options::help>},
};

}  // namespace

const OptionGroup kGeneralOptions{"General", kGeneralRows};
const OptionGroup kManualOptions{"", kManualRows};

}  // namespace continuo
