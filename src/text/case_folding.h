// Characters whose case folding is a sequence of others ("ß": "ss"): where case is ignored, the
// regular-expression engine of the reference library takes one for the other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace continuo {

struct CaseFolding {
  std::string sequence;              // in lower case
  std::vector<char32_t> characters;  // all that fold to it

  // The expression "SEQUENCE|CHARACTER|...".
  std::string alternatives() const;
};

const std::vector<CaseFolding>& case_foldings();

// The folding of what `text` begins with, spelled out (the longest such) or as one character; null: none.
// `size`: of that beginning in bytes.
const CaseFolding* find_folding(std::string_view text, std::size_t& size);

}  // namespace continuo
