// The commands: one file each, one row each in commands.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "cli/option_row.h"

namespace continuo {

// What stands on the command line besides options.
enum class Words : std::uint8_t { none, text, file, files, shell };

struct Command {
  std::string_view name;      // empty: continuing, which has no name
  std::string_view synopsis;  // behind the name: "[OPTION]... [TEXT]..."
  std::string_view summary;   // "log-probability of each token of a text, perplexity"
  OptionGroups groups;
  std::string_view description;  // paragraphs with empty lines between
  std::string_view examples;     // a command a line; what follows two blanks or more is a remark
  Words words;
  Result<void> (*run)(const Options& options);
};

// The first is the one without a name.
std::span<const Command> commands();

struct Explained {
  std::string_view term, meaning;
};
std::span<const Explained> exit_codes();
std::span<const Explained> environment();  // variables
std::string_view configuration_text();     // what the configuration file is

Result<void> run_continue(const Options& options);
Result<void> run_batch(const Options& options);
Result<void> run_score(const Options& options);
Result<void> run_embed(const Options& options);
Result<void> run_fill(const Options& options);
Result<void> run_serve(const Options& options);
Result<void> run_tokenize(const Options& options);
Result<void> run_inspect(const Options& options);
Result<void> run_bench(const Options& options);
Result<void> run_quantize(const Options& options);
Result<void> run_imatrix(const Options& options);
Result<void> run_pull(const Options& options);
Result<void> run_explain(const Options& options);
Result<void> run_completions(const Options& options);

}  // namespace continuo
