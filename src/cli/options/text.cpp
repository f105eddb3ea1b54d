// Where the text comes from, and where the answer ends.
#include "cli/option_setters.h"

namespace continuo {

namespace {

Result<void> set_prompt(const OptionRow&, Options& options, const std::string& value) {
  options.prompt = value;
  return {};
}

Result<void> add_stop(const OptionRow&, Options& options, const std::string& value) {
  if (value.empty()) return usage_error("--stop is empty, expected some text", "is a variable unset?");
  options.stop.push_back(value);
  return {};
}

constexpr OptionRow kPromptRows[] = {
    {.name = "prompt",
     .letter = 'p',
     .value = "TEXT",
     .help = "the text, byte for byte; the same as TEXT without the option",
     .details = "TEXT is taken byte for byte, and \"-\" is no special case: escapes such as \\n are not "
                "interpreted.",
     .expected = "a text",
     .set = set_prompt},
    {.name = "file",
     .letter = 'f',
     .aliases = "prompt-file",
     .value = "FILE",
     .help = "the text is in FILE (\"-\": stdin)",
     .details = "The one newline that ends FILE is dropped, unless --exact is given. All other bytes are "
                "taken as they "
                "are.",
     .expected = "a file, or - for stdin",
     .set = set_text<&Options::file>},
    {.name = "exact",
     .help = "keep the newline that ends stdin or FILE",
     .details =
         "Without this option one newline at the end of stdin or of a file is dropped, as $(...) in a shell "
         "would.",
     .set = turn_on<&Options::exact>},
};

constexpr OptionRow kIdsRows[] = {
    {.name = "ids",
     .help = "the text is token ids, with blanks or commas between",
     .details =
         "Nothing is added to the ids, not even the token that begins a text. The answer is ids as well.",
     .set = turn_on<&Options::ids>},
};

constexpr OptionRow kLengthRows[] = {
    {.name = "max-tokens",
     .letter = 'n',
     .aliases = "n-predict,predict,num-predict,max-new-tokens,max-completion-tokens",
     .value = "N",
     .help = "most tokens to generate; -1: until the model ends or its context is full",
     .details =
         "N counts generated tokens, not those of the prompt. 0 computes the prompt and generates nothing.",
     .fallback = "128",
     .expected = "a whole number >= 0, or -1 for no limit",
     .set = set_whole<-1, INT64_MAX, &Options::max_tokens>},
    {.name = "stop",
     .aliases = "stop-token",
     .value = "TEXT",
     .help = "end before TEXT",
     .details = "The answer ends before the first occurrence of TEXT, which is never printed, not even its "
                "beginning. "
                "Of several stop texts the first to occur counts.",
     .expected = "a text",
     .repeatable = true,
     .set = add_stop},
    {.name = "ignore-eos",
     .help = "go on past the model's end token",
     .details = "The end token is generated like any other, and the text goes on behind it.",
     .set = turn_on<&Options::ignore_eos>},
};

}  // namespace

const OptionGroup kPromptOptions{"Text", kPromptRows};
const OptionGroup kIdsOptions{"", kIdsRows};
const OptionGroup kLengthOptions{"Where to end", kLengthRows};

}  // namespace continuo
