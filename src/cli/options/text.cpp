// Where the text comes from, and where the answer ends.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "cli/option_setters.h"
#include "grammar/readers.h"

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

Result<void> add_banned(const OptionRow& row, Options& options, const std::string& value) {
  if (value.empty())
    return usage_error(fmt::format("--{} is empty, expected some text", row.name), "is a variable unset?");
  options.banned.push_back(value);
  return {};
}

// MAX, MAX:MIN or MAX:MIN:COUNT.
Result<void> set_repetition(const OptionRow& row, Options& options, const std::string& value) {
  const std::size_t first = value.find(':'), second = first == std::string::npos ? first : value.find(':', first + 1);
  const std::string name = fmt::format("--{}", row.name);
  RepetitionDetection repetition;
  CONTINUO_TRY(repetition.max_pattern, parse_number<std::uint16_t>(value.substr(0, first), name, row.expected));
  if (first != std::string::npos) {
    CONTINUO_TRY(repetition.min_pattern,
                 parse_number<std::uint16_t>(value.substr(first + 1, second - first - 1), name, row.expected));
  }
  if (second != std::string::npos) {
    CONTINUO_TRY(repetition.min_count, parse_number<std::uint16_t>(value.substr(second + 1), name, row.expected));
  }
  options.repetition = repetition;
  return {};
}

Result<std::string> text_of_file(const OptionRow& row, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return usage_error(fmt::format("--{}: cannot read {}", row.name, path), "is it a file?");
  constexpr std::size_t kMost = kMostConstraintBytes;
  std::string text;
  for (std::vector<char> piece(std::size_t{1} << 16); text.size() <= kMost && file;) {
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.bad()) return usage_error(fmt::format("--{}: cannot read {}", row.name, path));
  if (text.size() > kMost)
    return usage_error(fmt::format("--{}: {} is larger than {} MiB", row.name, path, kMost >> 20));
  return text;
}

std::string_view option_of(ConstraintKind kind) {
  switch (kind) {
    case ConstraintKind::none:
      return "";
    case ConstraintKind::choice:
      return "--choice";
    case ConstraintKind::regex:
      return "--regex";
    case ConstraintKind::json:
      return "--json-schema";
    case ConstraintKind::grammar:
      return "--grammar";
  }
  return "";
}

// Choices add up; of the other kinds there is one, and of all kinds together.
Result<void> constrain(const OptionRow& row, Options& options, ConstraintKind kind, std::string text) {
  Constraint& constraint = options.constraint;
  if (constraint.kind != ConstraintKind::none && constraint.kind != kind) {
    return usage_error(fmt::format("--{} and {} together, expected one of them", row.name, option_of(constraint.kind)));
  }
  constraint.kind = kind;
  if (kind != ConstraintKind::choice) constraint.texts.clear();
  constraint.texts.push_back(std::move(text));
  return {};
}

Result<void> add_choice(const OptionRow& row, Options& options, const std::string& value) {
  return constrain(row, options, ConstraintKind::choice, value);
}
Result<void> set_regex(const OptionRow& row, Options& options, const std::string& value) {
  return constrain(row, options, ConstraintKind::regex, value);
}
// What begins as a schema does is one.
Result<void> set_json_schema(const OptionRow& row, Options& options, const std::string& value) {
  const std::size_t first = value.find_first_not_of(" \t\r\n");
  const bool is_text = first != std::string::npos && (value[first] == '{' || value == "true" || value == "false");
  if (is_text) return constrain(row, options, ConstraintKind::json, value);
  CONTINUO_TRY(std::string text, text_of_file(row, value));
  return constrain(row, options, ConstraintKind::json, std::move(text));
}
Result<void> set_grammar(const OptionRow& row, Options& options, const std::string& value) {
  CONTINUO_TRY(std::string text, text_of_file(row, value));
  return constrain(row, options, ConstraintKind::grammar, std::move(text));
}

constexpr OptionRow kPromptRows[] = {
    {.name = "prompt",
     .letter = 'p',
     .value = "TEXT",
     .help = "the text, byte for byte; same as the argument",
     .details = "\"-\" has no special meaning here, and escapes such as \\n are not interpreted.",
     .expected = "a text",
     .set = set_prompt},
    {.name = "file",
     .letter = 'f',
     .aliases = "prompt-file",
     .value = "FILE",
     .help = "read the text from FILE (\"-\": stdin)",
     .details = "continuo drops one newline at the end of FILE, unless --exact is given, and takes all other bytes "
                "as they are.",
     .expected = "a file, or - for stdin",
     .set = set_text<&Options::file>},
    {.name = "exact",
     .help = "keep the newline that ends stdin or FILE",
     .details = "By default continuo drops one newline at the end of stdin or of a file, as $(...) does in a shell.",
     .set = turn_on<&Options::exact>},
};

constexpr OptionRow kIdsRows[] = {
    {.name = "ids",
     .help = "take the text as token ids, separated by blanks or commas",
     .details = "Nothing is added to the ids, not even BOS. The answer is printed as ids too.",
     .set = turn_on<&Options::ids>},
};

constexpr OptionRow kLengthRows[] = {
    {.name = "max-tokens",
     .letter = 'n',
     .aliases = "n-predict,predict,num-predict,max-new-tokens,max-completion-tokens",
     .value = "N",
     .help = "most tokens to generate; -1: until the model ends or its context is full",
     .details = "N counts generated tokens, not those of the prompt. 0 computes the prompt and generates nothing.",
     .fallback = "128",
     .expected = "a whole number >= 0, or -1 for no limit",
     .set = set_whole<-1, INT64_MAX, &Options::max_tokens>},
    {.name = "stop",
     .aliases = "stop-token",
     .value = "TEXT",
     .help = "end before TEXT",
     .details = "The answer ends before the first occurrence of TEXT, which is never printed, not even its beginning. "
                "Of several stop texts the first to occur counts.",
     .expected = "a text",
     .repeatable = true,
     .set = add_stop},
    {.name = "stop-token-id",
     .value = "ID",
     .help = "end at token ID",
     .details = "ID may be several ids separated by commas, and the option may be repeated. The token itself adds "
                "no text.",
     .expected = "a token id",
     .repeatable = true,
     .set = add_token_ids<&Options::stop_token_ids>},
    {.name = "include-stop",
     .aliases = "include-stop-str-in-output",
     .help = "also print the stop text or token",
     .details = "The answer then ends after it, not before it.",
     .set = turn_on<&Options::include_stop>},
    {.name = "min-tokens",
     .value = "N",
     .help = "generate at least N tokens before the model may end",
     .details = "Before that, the end token and the tokens of --stop-token-id cannot be drawn. A stop text still "
                "ends the answer.",
     .fallback = "0",
     .expected = "a whole number >= 0",
     .set = set_whole<0, INT32_MAX, &Options::sampling, &TypedSampling::others, &SamplingOptions::min_tokens>},
    {.name = "repetition-detection",
     .value = "MAX[:MIN[:COUNT]]",
     .help = "end when the last MIN to MAX tokens have come COUNT times in a row",
     .details = "MIN defaults to 1 and COUNT to 2. The finish reason is repetition. 0 turns it off.",
     .fallback = "0",
     .expected = "MAX[:MIN[:COUNT]], such as 20:1:4",
     .set = set_repetition},
    {.name = "ignore-eos",
     .help = "continue past the model's end token",
     .details = "The end token is generated like any other token, and the text continues after it.",
     .set = turn_on<&Options::ignore_eos>},
};

constexpr OptionRow kConstraintRows[] = {
    {.name = "choice",
     .value = "TEXT",
     .help = "answer with TEXT; the model chooses among several",
     .details = "The answer is one of the texts, byte for byte. Tokens that cannot lead to one are masked before "
                "the draw.",
     .expected = "a text",
     .repeatable = true,
     .set = add_choice},
    {.name = "regex",
     .value = "R",
     .help = "make the whole answer match the regular expression R",
     .details = "R may use classes, groups, alternatives and counts; . matches any character but a line feed. "
                "Look-around, back references and anchors inside R are refused.",
     .expected = "a regular expression",
     .set = set_regex},
    {.name = "json-schema",
     .value = "FILE|TEXT",
     .help = "answer with JSON that fits the schema; true: any JSON",
     .details =
         "The schema follows draft 2020-12 or one of 4 to 7. A value that begins with { is the schema itself, anything "
         "else the name of a file. An unsupported keyword is an error that names it.",
     .expected = "a file or a JSON schema",
     .set = set_json_schema},
    {.name = "grammar",
     .aliases = "grammar-file",
     .value = "FILE",
     .help = "make the answer follow the GBNF grammar in FILE",
     .details = "The grammar is read as llama.cpp reads it. The rule root is the whole answer.",
     .expected = "a file",
     .set = set_grammar},
    {.name = "banned-string",
     .aliases = "bad-word,banned-strings",
     .value = "TEXT",
     .help = "never write TEXT",
     .details = "It does not matter how TEXT is cut into tokens. When TEXT is complete, continuo goes back to "
                "where it began and continues differently.",
     .expected = "a text",
     .repeatable = true,
     .set = add_banned},
    {.name = "allowed-token-id",
     .value = "ID",
     .help = "allow only token ID",
     .details = "ID may be several ids separated by commas, and the option may be repeated.",
     .expected = "a token id",
     .repeatable = true,
     .set = add_token_ids<&Options::allowed_token_ids>},
};

}  // namespace

const OptionGroup kPromptOptions{"Text", kPromptRows};
const OptionGroup kIdsOptions{"", kIdsRows};
const OptionGroup kLengthOptions{"Where to end", kLengthRows};
const OptionGroup kConstraintOptions{"What may come", kConstraintRows};

}  // namespace continuo
