// Words that are continued as a text and look like something else.
#pragma once

#include <string>

#include "cli/options.h"

namespace continuo {

// What a person who typed these words probably wanted, as one sentence; empty where the words are a text like any
// other. `words` are all words of `continuo` without a command.
std::string hint_for_words(const Options& options);

// Of `run MODEL ...`, which is ollama's way to name a model.
bool is_run_model(const Options& options);

}  // namespace continuo
