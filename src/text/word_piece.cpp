#include "text/word_piece.h"

#include <fmt/format.h>

#include "text/utf8.h"

namespace continuo {

namespace {

// Whether `text` has more than `most` characters; bytes that are not UTF-8 count like characters.
bool is_longer(std::string_view text, std::size_t most) {
  if (text.size() <= most) return false;
  for (std::size_t at = 0; at < text.size(); at += utf8_at(text, at).size) {
    if (most-- == 0) return true;
  }
  return false;
}

}  // namespace

Result<WordPiece> WordPiece::create(const Vocabulary& vocabulary, const WordPieceOptions& options,
                                    const std::string& file) {
  WordPiece model;
  const auto unk = vocabulary.find(options.unk_token);
  if (!unk) {
    return model_error(file,
                       fmt::format("model 'WordPiece': the vocabulary lacks the unk_token '{}'", options.unk_token));
  }
  model.unk_id_ = *unk;
  model.max_chars_ = options.max_input_chars_per_word;
  const std::string& prefix = options.continuing_subword_prefix;
  for (std::size_t i = 0; i < vocabulary.id_count(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view piece = vocabulary.piece(id);
    if (piece.empty()) continue;
    bool fits = model.first_.add(piece, id);
    if (piece.size() > prefix.size() && piece.starts_with(prefix)) {
      fits = fits && model.continuing_.add(piece.substr(prefix.size()), id);
    }
    if (!fits)
      return model_error(file, "the vocabulary's pieces are too many, longer than 1024 bytes, or chosen to collide");
  }
  return model;
}

void WordPiece::encode(std::string_view word, Scratch& scratch, std::vector<TokenId>& out) const {
  const std::span<const TokenId> known = scratch.cache.find(word);
  if (!known.empty()) {
    out.insert(out.end(), known.begin(), known.end());
    return;
  }
  encode_word(word, scratch.ids);
  scratch.cache.remember(word, scratch.ids);
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

void WordPiece::encode_word(std::string_view word, std::vector<TokenId>& ids) const {
  ids.clear();
  const bool too_long = is_longer(word, max_chars_);
  for (std::size_t at = 0; at < word.size() && !too_long;) {
    const auto longest = (at == 0 ? first_ : continuing_).longest_prefix(word.substr(at));
    if (!longest) {
      ids.clear();
      break;
    }
    ids.push_back(longest->value);
    at += longest->size;
  }
  if (ids.empty() && !word.empty()) ids.push_back(unk_id_);
}

}  // namespace continuo
