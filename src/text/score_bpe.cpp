#include "text/score_bpe.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "text/utf8.h"
#include "text/words.h"

namespace continuo {

namespace {

constexpr std::uint32_t kNone = 0xffffffffu;
constexpr std::uint32_t kNoRank = 0xffffffffu;  // no number has it

// Scores as ranks: the higher the score, the lower its rank.
std::uint32_t rank_of(float score) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0f);  // -0 is 0
  const std::uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return ~ascending;
}

}  // namespace

Result<ScoreBpe> ScoreBpe::create(std::shared_ptr<const Vocabulary> vocabulary, std::vector<float> scores,
                                  ScoreBpeOptions options, const std::string& file) {
  ScoreBpe bpe;
  bpe.vocabulary_ = std::move(vocabulary);
  bpe.scores_ = std::move(scores);
  bpe.options_ = std::move(options);
  bpe.blanks_begin_words_ = true;
  for (std::size_t i = 0; i < bpe.scores_.size(); ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view piece = bpe.vocabulary_->piece(id);
    if (std::isnan(bpe.scores_[i])) {
      return model_error(file, fmt::format("the score of the piece '{}' is not a number", piece));
    }
    const PieceKind kind = bpe.kind(id);
    if (kind == PieceKind::user_defined && !piece.empty() && !bpe.user_defined_.add(piece, id)) {
      return model_error(file, "the user-defined symbols are too many, longer than 1024 bytes, or chosen to collide");
    }
    if (kind != PieceKind::normal && kind != PieceKind::user_defined && kind != PieceKind::unused) continue;
    bpe.has_unused_ = bpe.has_unused_ || kind == PieceKind::unused;
    bpe.blanks_begin_words_ = bpe.blanks_begin_words_ && find_word_begin(piece, 0) == piece.size();
  }
  if (bpe.options_.byte_fallback) {
    CONTINUO_TRY(bpe.byte_pieces_, find_byte_pieces(*bpe.vocabulary_, file));
  }
  return bpe;
}

// A piece that text can become.
std::optional<TokenId> ScoreBpe::find(std::string_view piece) const {
  const auto id = vocabulary_->find(piece);
  if (!id) return std::nullopt;
  const PieceKind is = kind(*id);
  const bool of_text = is == PieceKind::normal || is == PieceKind::user_defined || is == PieceKind::unused;
  return of_text ? id : std::nullopt;
}

void ScoreBpe::encode(std::string_view text, Scratch& scratch, std::vector<TokenId>& out) const {
  // Unknown characters on both sides of a word's beginning are one run.
  const WordRules rules{blanks_begin_words_, options_.byte_fallback ? -1 : options_.unk_id.value_or(-1)};
  encode_words(text, rules, scratch, out, [&](std::string_view word) { encode_word(word, scratch); });
}

void ScoreBpe::first_symbols(std::string_view word, Scratch& scratch) const {
  scratch.symbols.clear();
  for (std::size_t at = 0; at < word.size();) {
    Scratch::Symbol symbol{.begin = static_cast<std::uint32_t>(at), .rank = kNoRank};
    if (const auto fixed = user_defined_.longest_prefix(word.substr(at))) {
      symbol.size = static_cast<std::uint32_t>(fixed->size);
      symbol.id = fixed->value;
      symbol.is_fixed = true;
    } else {
      symbol.size = utf8_at(word, at).size;
      symbol.id = find(word.substr(at, symbol.size)).value_or(-1);
    }
    const auto index = static_cast<std::uint32_t>(scratch.symbols.size());
    at += symbol.size;
    symbol.previous = index > 0 ? index - 1 : kNone;
    symbol.next = at < word.size() ? index + 1 : kNone;
    scratch.symbols.push_back(symbol);
  }
}

// What joining the symbol with the next one would make.
void ScoreBpe::look(std::string_view word, std::uint32_t at, Scratch& scratch) const {
  Scratch::Symbol& left = scratch.symbols[at];
  left.rank = kNoRank;
  if (left.next == kNone) return;
  const Scratch::Symbol& right = scratch.symbols[left.next];
  if (left.is_fixed || right.is_fixed) return;
  const std::string_view both = word.substr(left.begin, left.size + right.size);
  const auto id = find(both);
  if (!id) return;
  left.rank = rank_of(scores_[static_cast<std::size_t>(*id)]);
  left.joined = *id;
  scratch.queue.push(left.rank, at);
  if (has_unused_ && kind(*id) == PieceKind::unused) scratch.splits[both] = left.size;
}

// Into scratch.ids.
void ScoreBpe::encode_word(std::string_view word, Scratch& scratch) const {
  first_symbols(word, scratch);
  scratch.splits.clear();
  std::vector<Scratch::Symbol>& symbols = scratch.symbols;
  for (std::uint32_t i = 0; i < symbols.size(); ++i) look(word, i, scratch);
  while (!scratch.queue.empty()) {
    const auto [rank, position] = scratch.queue.pop();
    Scratch::Symbol& left = symbols[position];
    if (left.rank != rank) continue;  // the pair has changed since
    Scratch::Symbol& right = symbols[left.next];
    left.id = left.joined;
    left.size += right.size;
    left.next = right.next;
    right.rank = kNoRank;
    if (left.next != kNone) symbols[left.next].previous = position;
    if (left.previous != kNone) look(word, left.previous, scratch);
    look(word, position, scratch);
  }
  scratch.ids.clear();
  for (std::uint32_t i = 0; i != kNone; i = symbols[i].next)
    put_symbol(word.substr(symbols[i].begin, symbols[i].size), symbols[i].id, scratch);
}

// An unused piece is taken apart again, the way it was joined.
void ScoreBpe::put_symbol(std::string_view piece, TokenId id, Scratch& scratch) const {
  if (!has_unused_) return put(piece, id, scratch.ids);
  std::vector<std::pair<std::string_view, TokenId>> left_over = {{piece, id}};
  while (!left_over.empty()) {
    const auto [part, part_id] = left_over.back();
    left_over.pop_back();
    const bool unused = part_id >= 0 && kind(part_id) == PieceKind::unused;
    const auto split = unused ? scratch.splits.find(part) : scratch.splits.end();
    if (split == scratch.splits.end()) {
      put(part, part_id, scratch.ids);
      continue;
    }
    const std::string_view left = part.substr(0, split->second), right = part.substr(split->second);
    left_over.emplace_back(right, find(right).value_or(-1));
    left_over.emplace_back(left, find(left).value_or(-1));
  }
}

void ScoreBpe::put(std::string_view piece, TokenId id, std::vector<TokenId>& out) const {
  if (id >= 0) {
    out.push_back(id);
  } else if (byte_pieces_) {
    for (const char byte : piece) out.push_back((*byte_pieces_)[static_cast<unsigned char>(byte)]);
  } else if (options_.unk_id && (out.empty() || out.back() != *options_.unk_id)) {
    out.push_back(*options_.unk_id);
  }
}

}  // namespace continuo
