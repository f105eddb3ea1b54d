// What a piece of a SentencePiece vocabulary is for, as tokenizer.model and GGUF number it.
#pragma once

#include <cstdint>
#include <optional>

namespace continuo {

enum class PieceKind : std::uint8_t {
  normal = 1,
  unknown = 2,       // stands for what the vocabulary lacks
  control = 3,       // never made from text: BOS, EOS
  user_defined = 4,  // always one token wherever the text has it
  unused = 5,
  byte = 6,  // "<0x41>", for byte fallback
};

inline std::optional<PieceKind> piece_kind(std::int64_t number) {
  if (number < 1 || number > 6) return std::nullopt;
  return static_cast<PieceKind>(number);
}

}  // namespace continuo
