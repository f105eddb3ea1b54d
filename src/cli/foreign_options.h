// Options of llama.cpp, ollama and transformers that continuo does not have: what to type instead. Those that
// mean the same here are aliases in the table of options.
#pragma once

#include <string_view>

namespace continuo {

// What to do instead of `typed` ("-ngl", "--num-ctx"), or empty.
std::string_view instead_of_foreign(std::string_view typed);

// True for options that other tools write with one dash and several letters, such as -ngl.
bool is_foreign_single_dash(std::string_view typed);

}  // namespace continuo
