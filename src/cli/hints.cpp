#include "cli/hints.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/command.h"
#include "cli/spelling.h"

namespace continuo {

namespace {

struct OtherCommand {
  std::string_view word;     // a command of other tools
  std::string_view instead;  // what to type
};

constexpr OtherCommand kOtherCommands[] = {
    {"help", "continuo --help"},
    {"version", "continuo --version"},
    {"man", "continuo --man"},
    {"completion", "continuo completions SHELL"},
    {"run", "continuo -m MODEL PROMPT"},
    {"generate", "continuo PROMPT"},
    {"complete", "continuo PROMPT"},
    {"chat", "continuo --user TEXT"},
    {"info", "continuo inspect"},
    {"show", "continuo inspect"},
    {"perplexity", "continuo score"},
    {"eval", "continuo score"},
    {"detokenize", "continuo tokenize --decode"},
    {"decode", "continuo tokenize --decode"},
    {"encode", "continuo tokenize"},
    {"convert", "continuo quantize"},
    {"benchmark", "continuo bench"},
};

// The command that `word` is, or is a misspelling of.
std::string_view meant_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& command : commands()) {
    if (!command.name.empty()) names.push_back(command.name);
  }
  const bool lower = std::ranges::all_of(word, [](char c) { return (c >= 'a' && c <= 'z') || c == '-'; });
  return lower && word.size() >= 3 ? nearest_word(word, names) : std::string_view();
}

std::string_view instead_of(std::string_view word) {
  const auto* found = std::ranges::find(kOtherCommands, word, &OtherCommand::word);
  return found == std::end(kOtherCommands) ? std::string_view() : found->instead;
}

bool is_command(std::string_view word) {
  return std::ranges::any_of(commands(), [&](const Command& c) { return !word.empty() && c.name == word; });
}

}  // namespace

std::string hint_for_words(const Options& options) {
  const std::vector<std::string>& words = options.words;
  if (options.words_marked || words.empty() || words.size() > 2) return {};
  const std::string& first = words.front();
  if (words.size() == 2) {
    if (first == "help" && is_command(words[1])) {
      return fmt::format("\"help {}\" is continued as a text; is \"continuo {} --help\" meant?", words[1], words[1]);
    }
    // A command's text is mostly quoted: tokenise "Once upon a time".
    if (words[1].find(' ') == std::string::npos || is_command(first)) return {};
  } else if (const std::string_view instead = instead_of(first); !instead.empty()) {
    return fmt::format("\"{}\" is continued as a text; is \"{}\" meant?", first, instead);
  }
  const std::string_view meant = meant_command(first);
  if (meant.empty()) return {};
  if (meant == first) {
    return fmt::format("\"{}\" is continued as a text, because a command is one only as the first argument", first);
  }
  return fmt::format("\"{}\" is continued as a text; is \"continuo {}\" meant?", first, meant);
}

bool is_run_model(const Options& options) {
  return !options.words_marked && options.words.size() > 1 && options.words.front() == "run";
}

}  // namespace continuo
