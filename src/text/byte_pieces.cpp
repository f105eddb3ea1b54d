#include "text/byte_pieces.h"

#include <fmt/format.h>

namespace continuo {

Result<BytePieces> find_byte_pieces(const Vocabulary& vocabulary, const std::string& file) {
  BytePieces pieces{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::string piece = fmt::format("<0x{:02X}>", byte);
    const auto id = vocabulary.find(piece);
    if (!id) return model_error(file, fmt::format("byte_fallback needs the piece '{}' in the vocabulary", piece));
    pieces[byte] = *id;
  }
  return pieces;
}

}  // namespace continuo
