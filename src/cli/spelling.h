// Words that were probably meant.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace continuo {

// Letters to insert, delete, change or swap with their neighbour (the restricted Damerau-Levenshtein
// distance).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The word that `typed` is a misspelling of, or empty. A word of up to 4 letters may differ by one, a longer
// one by two; three letters or more that begin exactly one word count as that word.
std::string_view nearest_word(std::string_view typed, const std::vector<std::string_view>& words);

}  // namespace continuo
