// Byte fallback (SentencePiece, arXiv:1808.06226): the pieces "<0x00>" to "<0xFF>" spell what a vocabulary
// lacks.
#pragma once

#include <array>
#include <string>

#include "base/error.h"
#include "base/types.h"
#include "text/vocabulary.h"

namespace continuo {

using BytePieces = std::array<TokenId, 256>;

// An error if one of them is missing.
Result<BytePieces> find_byte_pieces(const Vocabulary& vocabulary, const std::string& file);

}  // namespace continuo
