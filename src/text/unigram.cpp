#include "text/unigram.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "text/utf8.h"
#include "text/words.h"

namespace continuo {

namespace {

constexpr std::uint32_t kNone = 0xffffffffu;
constexpr double kUnknownPenalty = 10;  // below the lowest score
// A user-defined symbol wins against any other way to cut its bytes.
constexpr double kUserDefinedPenalty = 0.1;

}  // namespace

Result<Unigram> Unigram::create(std::shared_ptr<const Vocabulary> vocabulary, const std::vector<double>& scores,
                                UnigramOptions options, const std::string& file) {
  Unigram unigram;
  unigram.vocabulary_ = std::move(vocabulary);
  unigram.options_ = std::move(options);
  unigram.scores_ = scores;
  unigram.blanks_begin_words_ = true;
  const auto& unk = unigram.options_.unk_id;
  if (unk && unigram.vocabulary_->piece(*unk).empty()) {
    return model_error(file, fmt::format("unk_id {} is not in the vocabulary", *unk));
  }
  double lowest = std::numeric_limits<double>::infinity(), largest = -lowest;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    CONTINUO_TRY_VOID(unigram.add(id, scores[i], file));
    if (unigram.kind(id) != PieceKind::normal) continue;
    lowest = std::min(lowest, scores[i]);
    largest = std::max(largest, scores[i]);
  }
  const bool any = lowest <= largest;
  unigram.unk_score_ = (any ? lowest : 0) - kUnknownPenalty;
  unigram.largest_score_ = any ? largest : 0;
  if (unigram.options_.byte_fallback) {
    CONTINUO_TRY(unigram.byte_pieces_, find_byte_pieces(*unigram.vocabulary_, file));
  }
  return unigram;
}

PieceKind Unigram::kind(TokenId id) const {
  return options_.kinds.empty() ? PieceKind::normal : options_.kinds[static_cast<std::size_t>(id)];
}

Result<void> Unigram::add(TokenId id, double score, const std::string& file) {
  const std::string_view piece = vocabulary_->piece(id);
  if (!std::isfinite(score)) {
    return model_error(file, fmt::format("the score of the piece '{}' is not a finite number", piece));
  }
  const PieceKind is = kind(id);
  if (piece.empty() || (is != PieceKind::normal && is != PieceKind::user_defined)) return {};
  if (!trie_.add(piece, id)) {
    return model_error(file, "the vocabulary's pieces are too many, longer than 1024 bytes, or chosen to collide");
  }
  blanks_begin_words_ = blanks_begin_words_ && find_word_begin(piece, 0) == piece.size();
  return {};
}

void Unigram::encode(std::string_view text, Scratch& scratch, std::vector<TokenId>& out) const {
  // Unknown characters on both sides of a word's beginning are one run.
  const WordRules rules{blanks_begin_words_, options_.byte_fallback ? -1 : options_.unk_id.value_or(-1)};
  encode_words(text, rules, scratch, out, [&](std::string_view word) { encode_word(word, scratch); });
}

void Unigram::find_best(std::string_view word, Scratch& scratch) const {
  std::vector<Scratch::Node>& best = scratch.best;
  best.assign(word.size() + 1, {0, -1, kNone});
  best[0].begin = 0;
  const TokenId unk = options_.unk_id.value_or(-1);
  for (std::size_t begin = 0; begin < word.size();) {
    const double so_far = best[begin].score;
    const std::size_t character = utf8_at(word, begin).size;
    const auto offer = [&](std::size_t size, TokenId id, double score) {
      Scratch::Node& node = best[begin + size];
      if (node.begin == kNone || so_far + score > node.score)
        node = {so_far + score, id, static_cast<std::uint32_t>(begin)};
    };
    bool has_character = false;
    trie_.each_prefix(word.substr(begin), [&](ByteTrie::Match match) {
      const bool always = kind(match.value) == PieceKind::user_defined;
      offer(match.size, match.value,
            always ? static_cast<double>(match.size) * largest_score_ - kUserDefinedPenalty
                   : scores_[static_cast<std::size_t>(match.value)]);
      has_character = has_character || match.size == character;
    });
    if (!has_character) offer(character, unk, unk_score_);
    begin += character;
  }
}

// Into scratch.ids.
void Unigram::encode_word(std::string_view word, Scratch& scratch) const {
  find_best(word, scratch);
  std::vector<std::uint32_t>& ends = scratch.ends;
  ends.clear();
  for (auto end = static_cast<std::uint32_t>(word.size()); end > 0; end = scratch.best[end].begin) ends.push_back(end);
  scratch.ids.clear();
  const TokenId unk = options_.unk_id.value_or(-1);
  for (auto end = ends.rbegin(); end != ends.rend(); ++end) {
    const Scratch::Node& node = scratch.best[*end];
    if (node.id != unk) {
      scratch.ids.push_back(node.id);
      continue;
    }
    while (end + 1 != ends.rend() && scratch.best[*(end + 1)].id == unk) ++end;
    put_unknown(word.substr(node.begin, *end - node.begin), scratch.ids);
  }
}

// A run of unknown characters.
void Unigram::put_unknown(std::string_view text, std::vector<TokenId>& out) const {
  // The reference of tokenizer.json looks for the run as a whole.
  if (options_.kinds.empty()) {
    if (const auto id = vocabulary_->find(text)) return out.push_back(*id);
  }
  if (byte_pieces_) {
    for (const char byte : text) out.push_back((*byte_pieces_)[static_cast<unsigned char>(byte)]);
  } else if (options_.unk_id) {
    out.push_back(*options_.unk_id);
  }
}

}  // namespace continuo
