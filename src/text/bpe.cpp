#include "text/bpe.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/utf8.h"

namespace continuo {

namespace {

constexpr std::string_view kBlank = "\xe2\x96\x81";  // "▁", SentencePiece's blank
constexpr std::size_t kShortWord = 32;               // up to here looking at all pairs is faster than a queue
constexpr std::size_t kLongestWord = std::size_t{1} << 30;  // positions are 32-bit; longer pieces are cut
constexpr std::uint32_t kNone = 0xffffffffu;

// "▁" after something else than "▁".
std::size_t find_word_begin(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find(kBlank, from); at != std::string_view::npos;
       at = text.find(kBlank, at + 1)) {
    if (at >= 3 ? text.substr(at - 3, 3) != kBlank : at > 0) return at;
  }
  return text.size();
}

}  // namespace

Result<Bpe> Bpe::create(std::shared_ptr<const Vocabulary> vocabulary, BpeOptions options, JsonScanner merges,
                        const std::string& file) {
  Bpe bpe;
  bpe.vocabulary_ = std::move(vocabulary);
  bpe.options_ = std::move(options);
  CONTINUO_TRY_VOID(bpe.fill_tables(file));
  CONTINUO_TRY_VOID(bpe.read_merges(std::move(merges), file));
  return bpe;
}

Result<void> Bpe::fill_tables(const std::string& file) {
  for (char32_t code = 0; code < kTableSize; ++code) {
    std::string bytes;
    append_utf8(bytes, code);
    characters_[code] = vocabulary_->find(bytes).value_or(-1);
  }
  if (options_.unk_token) {
    const auto id = vocabulary_->find(*options_.unk_token);
    if (!id)
      return model_error(file, fmt::format("unk_token '{}' is not in the vocabulary", *options_.unk_token));
    unk_ = *id;
  }
  if (!options_.byte_fallback) return {};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::string piece = fmt::format("<0x{:02X}>", byte);
    const auto id = vocabulary_->find(piece);
    if (!id)
      return model_error(file, fmt::format("byte_fallback needs the piece '{}' in the vocabulary", piece));
    byte_pieces_[byte] = *id;
  }
  return {};
}

namespace {

struct MergeLine {
  TokenId left, right, merged;
};

// Reads merges: "left right" (neither may contain a blank), or ["left", "right"]. Looks their pieces up in batches.
class MergeReader {
 public:
  MergeReader(const Vocabulary& vocabulary, JsonScanner json)
      : vocabulary_(vocabulary), json_(std::move(json)) {}

  Result<std::vector<MergeLine>> read_all() {
    CONTINUO_TRY_VOID(json_.expect('[', "to begin the merges"));
    if (json_.accept(']')) return std::move(lines_);
    do {
      CONTINUO_TRY_VOID(read(batch_[batched_]));
      if (++batched_ == batch_.size()) CONTINUO_TRY_VOID(look_up_batch());
    } while (json_.accept(','));
    CONTINUO_TRY_VOID(look_up_batch());
    CONTINUO_TRY_VOID(json_.expect(']', "to end the merges"));
    return std::move(lines_);
  }

 private:
  struct Pending {
    std::string both;  // left and right, one after the other
    std::size_t left_size = 0;
    std::uint64_t left_hash = 0, right_hash = 0;
    std::size_t offset = 0;  // in the file
    std::string_view left() const { return std::string_view(both).substr(0, left_size); }
    std::string_view right() const { return std::string_view(both).substr(left_size); }
  };

  Result<void> read(Pending& into) {
    if (json_.peek() == '"') {
      CONTINUO_TRY(const std::string_view line, json_.string());
      const std::size_t blank = line.find(' ');
      if (blank == std::string_view::npos || line.find(' ', blank + 1) != std::string_view::npos) {
        return json_.error(fmt::format("the merge '{}' is not two pieces with a blank between", line));
      }
      into.both.assign(line.substr(0, blank));
      into.both += line.substr(blank + 1);
      into.left_size = blank;
    } else {
      CONTINUO_TRY_VOID(json_.expect('[', "to begin a merge"));
      CONTINUO_TRY(const std::string_view left, json_.string());
      into.both.assign(left);
      into.left_size = left.size();
      CONTINUO_TRY_VOID(json_.expect(',', "between the two pieces of a merge"));
      CONTINUO_TRY(const std::string_view right, json_.string());
      into.both += right;
      CONTINUO_TRY_VOID(json_.expect(']', "after the two pieces of a merge"));
    }
    into.offset = json_.offset();
    into.left_hash = hash_bytes(into.left());
    into.right_hash = hash_bytes(into.right());
    vocabulary_.prefetch_slot(into.left_hash);
    vocabulary_.prefetch_slot(into.right_hash);
    return {};
  }

  Result<void> look_up_batch() {
    for (std::size_t i = 0; i < batched_; ++i) {
      vocabulary_.prefetch_record(batch_[i].left_hash);
      vocabulary_.prefetch_record(batch_[i].right_hash);
    }
    for (std::size_t i = 0; i < batched_; ++i) {
      const Pending& merge = batch_[i];
      const auto left = vocabulary_.find(merge.left(), merge.left_hash);
      if (!left) return unknown(merge, merge.left());
      const auto right = vocabulary_.find(merge.right(), merge.right_hash);
      if (!right) return unknown(merge, merge.right());
      // Most files number the merged pieces in the order of the merges, or list all merges to one piece in a row.
      if (vocabulary_.piece(merged_) != merge.both && vocabulary_.piece(++merged_) != merge.both) {
        const auto merged = vocabulary_.find(merge.both);
        if (!merged) return unknown(merge, merge.both);
        merged_ = *merged;
      }
      lines_.push_back({*left, *right, merged_});
    }
    batched_ = 0;
    return {};
  }

  Error unknown(const Pending& merge, std::string_view piece) const {
    Error error = json_.error(fmt::format("a merge needs the piece '{}', which the vocabulary lacks", piece));
    error.offset = merge.offset;
    return error;
  }

  const Vocabulary& vocabulary_;
  JsonScanner json_;
  std::vector<MergeLine> lines_;
  std::array<Pending, 32> batch_;
  std::size_t batched_ = 0;
  TokenId merged_ = 0;  // of the last merge
};

}  // namespace

Result<void> Bpe::read_merges(JsonScanner json, const std::string& file) {
  CONTINUO_TRY(const std::vector<MergeLine> lines, MergeReader(*vocabulary_, std::move(json)).read_all());
  if (lines.size() >= kNoRank) return model_error(file, "there are more merges than 32 bits can count");
  blanks_begin_words_ = vocabulary_->find(kBlank).has_value();
  merges_.reserve(lines.size());
  for (std::size_t rank = 0; rank < lines.size(); ++rank) {
    const MergeLine& line = lines[rank];
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
      for (const char byte : bytes)
        scratch.ids.push_back(byte_pieces_[static_cast<unsigned char>(byte)]);
    } else if (unk_ >= 0) {
      if (!options_.fuse_unk) flush();
      pending = true;
    }
  }
  flush();
}

void Bpe::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (options_.ignore_merges) {
    if (const auto id = vocabulary_->find(piece)) {
      out.push_back(*id);
      return;
    }
  }
  while (!piece.empty()) {
    std::size_t size = blanks_begin_words_ ? find_word_begin(piece, 1) : piece.size();
    size = std::min(size, kLongestWord);
    encode_word(piece.substr(0, size), scratch, out);
    piece.remove_prefix(size);
  }
}

void Bpe::encode_word(std::string_view word, Scratch& scratch, std::vector<TokenId>& out) const {
  if (const auto ids = scratch.cache.find(word); !ids.empty()) {
    out.insert(out.end(), ids.begin(), ids.end());
    return;
  }
  first_symbols(word, scratch);
  if (scratch.ids.size() <= kShortWord) {
    merge_short(scratch);
  } else {
    merge_long(scratch);
  }
  scratch.cache.remember(word, scratch.ids);
  out.insert(out.end(), scratch.ids.begin(), scratch.ids.end());
}

void Bpe::merge_short(Scratch& scratch) const {
  std::vector<TokenId>& ids = scratch.ids;
  std::vector<std::uint32_t>& ranks = scratch.ranks;  // ranks[i]: of the pair (i, i + 1)
  ranks.assign(ids.size(), kNoRank);
  for (std::size_t i = 0; i + 1 < ids.size(); ++i)
    ranks[i] = merges_.find(ids[i], ids[i + 1]).rank;
  while (ids.size() > 1) {
    const auto best = std::min_element(ranks.begin(), ranks.end() - 1);
    if (*best == kNoRank) return;
    const auto i = static_cast<std::size_t>(best - ranks.begin());
    ids[i] = merges_.find(ids[i], ids[i + 1]).merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    ranks.erase(best + 1);
    if (i > 0) ranks[i - 1] = merges_.find(ids[i - 1], ids[i]).rank;
    ranks[i] = i + 1 < ids.size() ? merges_.find(ids[i], ids[i + 1]).rank : kNoRank;
  }
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
  for (std::uint32_t i = 0; i < count; ++i)
    look(i);
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
  for (std::uint32_t i = 0; i != kNone; i = symbols[i].next)
    scratch.ids.push_back(symbols[i].id);
}

}  // namespace continuo
