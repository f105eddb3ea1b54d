// A SentencePiece model (arXiv:1808.06226) as plain values, from a tokenizer.model or from a GGUF file, and
// the tokenizer it makes.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/added_tokens.h"
#include "text/piece_kind.h"
#include "text/tokenizer_parts.h"

namespace continuo {

struct SentencePieceModel {
  enum class Type { unigram, bpe };
  struct Piece {
    std::string_view text;  // empty: the id is not used
    float score = 0;
    PieceKind kind = PieceKind::normal;
  };

  Type type = Type::unigram;
  std::vector<Piece> pieces;  // by id
  bool byte_fallback = false;
  std::optional<TokenId> unk_id = {}, bos_id = {}, eos_id = {};

  std::string_view precompiled_charsmap = {};
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;

  // Beyond SentencePiece: what is put around a prompt, and tokens beside the pieces. Control pieces written
  // out in a text are those tokens, as with a tokenizer.json.
  bool add_bos = false, add_eos = false;
  std::vector<AddedToken> added = {};
  // User-defined symbols are looked for before anything else happens to the text, not in the normalized text.
  bool symbols_come_first = false;
};

// tokenizer.model; the model's views point into `bytes`.
Result<SentencePieceModel> parse_sentencepiece(std::string_view bytes, const std::string& file);

Result<TokenizerParts> build_sentencepiece(const SentencePieceModel& model, const std::string& file);

}  // namespace continuo
