// The table of options. One row says all there is to say about an option: the parser, --help, the manual page
// and the completions are made from it. A new option is one row in a file of options/ and one case in
// tests/unit/cli.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/options.h"

namespace continuo {

struct OptionRow {
  std::string_view name;           // "max-tokens", typed --max-tokens
  char letter = 0;                 // 'n', typed -n; 0 if there is none
  std::string_view aliases = {};   // "predict,n-predict": other names for the same; one character is a letter
  std::string_view value = {};     // what follows, for the reader: "N"; empty for a switch
  std::string_view help;           // a few words for --help
  std::string_view details;        // sentences for the manual page
  std::string_view fallback = {};  // what holds without the option: "128"
  std::string_view choices = {};   // "f32,f16,q8_0": every value there is
  std::string_view expected = {};  // what a value has to be, for errors: "a whole number >= 0"
  bool repeatable = false;         // each use adds to the others; without it the last use counts
  Result<void> (*set)(const OptionRow& row, Options& options, const std::string& value);
};

struct OptionGroup {
  std::string_view title;  // empty: goes on with the group before
  std::span<const OptionRow> rows;
};

using OptionGroups = std::span<const OptionGroup* const>;

extern const OptionGroup kChatOptions, kTemplateOptions, kTemplateValueOptions, kSuffixOptions, kModelOptions,
    kFillOptions, kEmbedOptions, kPromptOptions, kIdsOptions, kLengthOptions, kConstraintOptions, kLoopOptions,
    kExitOptions, kLookupOptions, kStateOptions, kLoraOptions, kNamedLoraOptions, kSamplingOptions, kAnswerOptions,
    kBatchOptions, kBatchAnswerOptions, kBatchRunOptions, kTokenizeOptions, kScoreOptions, kInspectOptions,
    kBenchOptions, kQuantizeOptions, kImatrixOptions, kExplainOptions, kPullOptions, kServeOptions, kServeLimitOptions,
    kGeneralOptions, kManualOptions;

// A row and what was given for it; empty for a switch.
struct OptionValue {
  const OptionRow* row;
  std::string value;
};

// The values of `choices`.
std::vector<std::string_view> split_list(std::string_view list);

// "NAME is 'VALUE', expected EXPECTED".
Error bad_value(const OptionRow& row, const std::string& value);

}  // namespace continuo
