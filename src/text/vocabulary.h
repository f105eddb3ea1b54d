// The pieces a model knows and their ids: one arena of bytes, a table by id, and an open-addressing hash by
// piece.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace continuo {

// Vocabularies are held at 32-bit offsets; files above this size are refused.
inline constexpr std::size_t kMaxVocabularyBytes = std::size_t{1} << 30;
// No tokenizer comes near it; an id from a file is never a size to allocate.
inline constexpr std::int64_t kMaxTokenId = (1 << 24) - 1;
// Ids must be reasonably dense: at most this many for a vocabulary of `entries` pieces.
constexpr std::size_t max_id_count(std::size_t entries) { return 4 * entries + 100'000; }

class Vocabulary {
 public:
  // First add() every piece, then index() once; the rest works on the indexed vocabulary.
  void add(std::string_view piece, TokenId id);
  // Refuses ids that are too sparse, ids or pieces that occur twice. `file` is named in errors.
  Result<void> index(const std::string& file);

  std::optional<TokenId> find(std::string_view piece) const;
  // The same in three steps for callers with many pieces at hand, so that the waits for memory overlap: first
  // prefetch_slot for all of them, then prefetch_record, then find. `hash` is hash_bytes(piece).
  void prefetch_slot(std::uint64_t hash) const;
  void prefetch_record(std::uint64_t hash) const;
  std::optional<TokenId> find(std::string_view piece, std::uint64_t hash) const;
  // Empty for an unused id.
  std::string_view piece(TokenId id) const;
  // 1 + the largest id; 0 if there is none.
  std::size_t id_count() const { return by_id_.size(); }
  std::size_t size() const { return entries_; }
  // As index() was told.
  const std::string& file() const { return file_; }

 private:
  // A piece is a record in the arena: its id, its size, its bytes. One place, one cache miss.
  using Offset = std::uint32_t;
  static constexpr Offset kNowhere = 0xffffffffu;
  struct Record {
    TokenId id;
    std::string_view piece;
  };
  struct Slot {
    std::uint32_t tag = 0;  // upper half of the hash
    Offset record = kNowhere;
  };
  Record record(Offset offset) const;
  struct Added {
    std::uint64_t hash;
    Offset record;
  };
  Result<void> insert(Added added, const std::string& file);

  std::string file_;
  std::string arena_;
  std::vector<Added> added_;  // in the file's order, until index()
  std::vector<Offset> by_id_;
  std::vector<Slot> slots_;  // a power of two
  std::size_t entries_ = 0;
};

// Mixes 8 bytes at a time; for tables in memory only.
std::uint64_t hash_bytes(std::string_view bytes);

// Linear probing that needs more steps than this was built on purpose (a good hash at these loads needs about
// 100).
inline constexpr std::size_t kMaxProbes = 1024;

}  // namespace continuo
