// The commands: one file each, one row each in cli.cpp.
#pragma once

#include <span>
#include <string_view>

#include "base/error.h"
#include "cli/options.h"

namespace continuo {

struct Command {
  std::string_view name;  // empty: continuing, which has no name
  std::string_view synopsis;
  std::string_view summary;
  std::span<const FlagGroup* const> flags;
  std::string_view notes;  // the help's end: examples and what is worth knowing
  bool takes_words;        // a text may stand on the command line
  Result<void> (*run)(const Options& options);
};

Result<void> run_continue(const Options& options);
Result<void> run_batch(const Options& options);
Result<void> run_score(const Options& options);
Result<void> run_tokenize(const Options& options);
Result<void> run_inspect(const Options& options);
Result<void> run_bench(const Options& options);
Result<void> run_quantize(const Options& options);
Result<void> run_explain(const Options& options);

}  // namespace continuo
