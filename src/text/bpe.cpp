#include "text/bpe.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/byte_level.h"
#include "text/utf8.h"
#include "text/words.h"

namespace continuo {

namespace {

constexpr std::size_t kShortWord = 48;  // up to here looking at all pairs is faster than a queue
constexpr std::uint32_t kNone = 0xffffffffu;
constexpr TokenId kJoined = -2;    // in the place of a symbol that the one before it has taken in
constexpr std::size_t kAhead = 8;  // merges whose places in the table are on their way from memory

}  // namespace

Result<Bpe> Bpe::create(std::shared_ptr<const Vocabulary> vocabulary, BpeOptions options,
                        std::span<const MergeLine> merges, const std::string& file) {
  Bpe bpe;
  bpe.vocabulary_ = std::move(vocabulary);
  bpe.options_ = std::move(options);
  CONTINUO_TRY_VOID(bpe.fill_tables(file));
  CONTINUO_TRY_VOID(bpe.add_merges(merges, file));
  return bpe;
}

Result<void> Bpe::fill_tables(const std::string& file) {
  for (char32_t code = 0; code < kTableSize; ++code) {
    std::string bytes;
    append_utf8(bytes, code);
    characters_[code] = vocabulary_->find(bytes).value_or(-1);
  }
  has_all_bytes_ = options_.byte_level;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string spelled;
    append_byte_level(spelled, std::string(1, static_cast<char>(static_cast<unsigned char>(byte))));
    bytes_[byte] = vocabulary_->find(spelled).value_or(-1);
    has_all_bytes_ = has_all_bytes_ && bytes_[byte] >= 0;
  }
  if (options_.unk_token) {
    const auto id = vocabulary_->find(*options_.unk_token);
    if (!id) return model_error(file, fmt::format("unk_token '{}' is not in the vocabulary", *options_.unk_token));
    unk_ = *id;
  }
  if (options_.byte_fallback) {
    CONTINUO_TRY(byte_pieces_, find_byte_pieces(*vocabulary_, file));
  }
  return {};
}

Result<void> Bpe::add_merges(std::span<const MergeLine> merges, const std::string& file) {
  if (merges.size() >= kNoRank) return model_error(file, "there are more merges than 32 bits can count");
  // Where unknown characters vanish, what stood on both sides of them may merge.
  const bool vanishes = unk_ < 0 && !options_.byte_fallback;
  blanks_begin_words_ = !options_.byte_level && !vanishes && vocabulary_->find(kVisibleBlank).has_value();
  merges_.reserve(merges.size());
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const MergeLine& line = merges[rank];
    if (rank + kAhead < merges.size()) merges_.prefetch(merges[rank + kAhead].left, merges[rank + kAhead].right);
    if (!merges_.add(line.left, line.right, {static_cast<std::uint32_t>(rank), line.merged})) {
      return model_error(file, "the merges were chosen to collide in a hash table");
    }
    if (!blanks_begin_words_) continue;
    const std::string_view merged = vocabulary_->piece(line.merged);
    blanks_begin_words_ = find_word_begin(merged, 0) == merged.size();
  }
  return {};
}

TokenId Bpe::find_character(std::string_view bytes, char32_t code) const {
  if (code < kTableSize) return characters_[code];
  return vocabulary_->find(bytes).value_or(-1);
}

void Bpe::first_symbols(std::string_view word, Scratch& scratch) const {
  scratch.ids.clear();
  bool pending = false;  // an unk_token that may still grow
  const auto flush = [&] {
    if (pending) scratch.ids.push_back(unk_);
    pending = false;
  };
  for (std::size_t at = 0; at < word.size();) {
    const Utf8Char c = utf8_at(word, at);
    const std::string_view bytes = word.substr(at, c.size);
    at += c.size;
    if (const TokenId id = c.valid ? find_character(bytes, c.code) : -1; id >= 0) {
      flush();
      scratch.ids.push_back(id);
    } else if (options_.byte_fallback) {
      for (const char byte : bytes) scratch.ids.push_back(byte_pieces_[static_cast<unsigned char>(byte)]);
    } else if (unk_ >= 0) {
      if (!options_.fuse_unk) flush();
      pending = true;
    }
  }
  flush();
}

// Every byte has a symbol: no character is unknown.
void Bpe::first_symbols_of_bytes(std::string_view word, Scratch& scratch) const {
  scratch.ids.resize(word.size());
  for (std::size_t i = 0; i < word.size(); ++i) scratch.ids[i] = bytes_[static_cast<unsigned char>(word[i])];
}

std::optional<TokenId> Bpe::find_whole(std::string_view piece, Scratch& scratch) const {
  if (!options_.byte_level) return vocabulary_->find(piece);
  scratch.spelled.clear();
  append_byte_level(scratch.spelled, piece);
  return vocabulary_->find(scratch.spelled);
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (options_.ignore_merges && blanks_begin_words_) {
    if (const auto id = find_whole(piece, scratch)) {
      out.push_back(*id);
      return;
    }
  }
  encode_words(piece, {blanks_begin_words_}, scratch, out, [&](std::string_view word) { encode_word(word, scratch); });
}

// Into scratch.ids.
void Bpe::encode_word(std::string_view word, Scratch& scratch) const {
  if (options_.ignore_merges && !blanks_begin_words_) {
    if (const auto id = find_whole(word, scratch)) {
      scratch.ids.assign(1, *id);
      return;
    }
  }
  if (has_all_bytes_) {
    first_symbols_of_bytes(word, scratch);
  } else if (options_.byte_level) {
    scratch.spelled.clear();
    append_byte_level(scratch.spelled, word);
    first_symbols(scratch.spelled, scratch);
  } else {
    first_symbols(word, scratch);
  }
  if (scratch.ids.size() <= kShortWord) {
    merge_short(scratch);
  } else {
    merge_long(scratch);
  }
}

// Looks for the best pair among all places each time; those that were joined to the one before them have no
// rank.
void Bpe::merge_short(Scratch& scratch) const {
  std::array<std::uint32_t, kShortWord> ranks;  // of place i with the next one
  std::array<TokenId, kShortWord> merged;       // what the two become
  std::array<std::uint8_t, kShortWord> next, previous;
  std::vector<TokenId>& ids = scratch.ids;
  const std::size_t count = ids.size();
  if (count < 2) return;
  const auto look = [&](std::size_t i) {
    const Merge merge = merges_.find(ids[i], ids[next[i]]);
    ranks[i] = merge.rank;
    merged[i] = merge.merged;
  };
  for (std::size_t i = 0; i < count; ++i) {
    next[i] = static_cast<std::uint8_t>(i + 1);
    previous[i] = static_cast<std::uint8_t>(i - 1);
  }
  for (std::size_t i = 0; i + 1 < count; ++i) look(i);
  ranks[count - 1] = kNoRank;
  for (;;) {
    std::size_t best = 0;
    std::uint32_t best_rank = ranks[0];
    for (std::size_t i = 1; i < count; ++i) {
      best = ranks[i] < best_rank ? i : best;
      best_rank = std::min(ranks[i], best_rank);
    }
    if (best_rank == kNoRank) break;
    const std::size_t right = next[best];
    ids[best] = merged[best];
    ids[right] = kJoined;
    ranks[right] = kNoRank;
    next[best] = next[right];
    if (best > 0) look(previous[best]);
    if (next[best] == count) {
      ranks[best] = kNoRank;
    } else {
      previous[next[best]] = static_cast<std::uint8_t>(best);
      look(best);
    }
  }
  std::erase(ids, kJoined);
}

void Bpe::merge_long(Scratch& scratch) const {
  std::vector<Scratch::Symbol>& symbols = scratch.symbols;
  RankQueue& queue = scratch.queue;
  const auto count = static_cast<std::uint32_t>(scratch.ids.size());
  symbols.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    symbols[i] = {scratch.ids[i], i > 0 ? i - 1 : kNone, i + 1 < count ? i + 1 : kNone, kNoRank};
  }
  const auto look = [&](std::uint32_t left) {
    Scratch::Symbol& symbol = symbols[left];
    symbol.rank = symbol.next == kNone ? kNoRank : merges_.find(symbol.id, symbols[symbol.next].id).rank;
    if (symbol.rank != kNoRank) queue.push(symbol.rank, left);
  };
  for (std::uint32_t i = 0; i < count; ++i) look(i);
  while (!queue.empty()) {
    const auto [rank, position] = queue.pop();
    Scratch::Symbol& left = symbols[position];
    if (left.rank != rank) continue;  // the pair has changed since
    Scratch::Symbol& right = symbols[left.next];
    left.id = merges_.find(left.id, right.id).merged;
    left.next = right.next;
    right.rank = kNoRank;
    if (left.next != kNone) symbols[left.next].previous = position;
    if (left.previous != kNone) look(left.previous);
    look(position);
  }
  scratch.ids.clear();
  for (std::uint32_t i = 0; i != kNone; i = symbols[i].next) scratch.ids.push_back(symbols[i].id);
}

}  // namespace continuo
