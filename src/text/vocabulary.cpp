#include "text/vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace continuo {

std::uint64_t hash_bytes(std::string_view bytes) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15u;
  std::uint64_t hash = (bytes.size() + 1) * kOdd;
  const auto mix = [&](std::uint64_t word) {
    hash = (hash ^ word) * kOdd;
    hash ^= hash >> 32;
  };
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    mix(word);
  }
  if (left > 0) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, left);
    mix(word);
  }
  hash *= kOdd;
  return hash ^ hash >> 29;
}

void Vocabulary::add(std::string_view piece, TokenId id) {
  CONTINUO_CHECK(arena_.size() + piece.size() + 8 < kNowhere, "a vocabulary of more than 4 GiB");
  added_.push_back({hash_bytes(piece), static_cast<Offset>(arena_.size())});
  const auto size = static_cast<std::uint32_t>(piece.size());
  char head[8];
  std::memcpy(head, &id, 4);
  std::memcpy(head + 4, &size, 4);
  arena_.append(head, 8);
  arena_ += piece;
}

Vocabulary::Record Vocabulary::record(Offset offset) const {
  const char* at = arena_.data() + offset;
  TokenId id;
  std::uint32_t size;
  std::memcpy(&id, at, 4);
  std::memcpy(&size, at + 4, 4);
  return {id, {at + 8, size}};
}

Result<void> Vocabulary::index(const std::string& file) {
  file_ = file;
  entries_ = added_.size();
  TokenId largest = -1;
  for (const Added& added : added_) largest = std::max(largest, record(added.record).id);
  const auto count = static_cast<std::size_t>(largest + 1);
  if (count > max_id_count(entries_)) {
    return model_error(file, fmt::format("the vocabulary has {} pieces but ids up to {}", entries_, largest),
                       "are the ids damaged?");
  }
  by_id_.assign(count, kNowhere);
  slots_.resize(std::bit_ceil(entries_ * 3 / 2 + 2));
  constexpr std::size_t kAhead = 16;  // slots that are on their way from memory
  for (std::size_t i = 0; i < added_.size(); ++i) {
    if (i + kAhead < added_.size()) prefetch_slot(added_[i + kAhead].hash);
    const Record added = record(added_[i].record);
    constexpr std::size_t kLongestPiece = 65'536;
    if (added.piece.size() > kLongestPiece) {
      return model_error(file, fmt::format("the piece of the id {} has {} bytes, expected at most {}", added.id,
                                           added.piece.size(), kLongestPiece));
    }
    Offset& place = by_id_[static_cast<std::size_t>(added.id)];
    if (place != kNowhere) {
      return model_error(file, fmt::format("the vocabulary gives the id {} to both '{}' and '{}'", added.id,
                                           record(place).piece, added.piece));
    }
    place = added_[i].record;
    CONTINUO_TRY_VOID(insert(added_[i], file));
  }
  added_ = {};
  return {};
}

Result<void> Vocabulary::insert(Added added, const std::string& file) {
  const std::string_view piece = record(added.record).piece;
  const std::uint64_t hash = added.hash;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t probe = 0; probe < kMaxProbes; ++probe) {
    Slot& slot = slots_[(hash + probe) & mask];
    if (slot.record == kNowhere) {
      slot = {tag, added.record};
      return {};
    }
    if (slot.tag == tag && record(slot.record).piece == piece) {
      return model_error(file, fmt::format("the vocabulary has the piece '{}' twice", piece));
    }
  }
  return model_error(file, "the vocabulary's pieces were chosen to collide in a hash table");
}

void Vocabulary::prefetch_slot(std::uint64_t hash) const {
  if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
}

void Vocabulary::prefetch_record(std::uint64_t hash) const {
  if (slots_.empty()) return;
  const Offset offset = slots_[hash & (slots_.size() - 1)].record;
  if (offset != kNowhere) __builtin_prefetch(arena_.data() + offset);
}

std::optional<TokenId> Vocabulary::find(std::string_view piece) const { return find(piece, hash_bytes(piece)); }

std::optional<TokenId> Vocabulary::find(std::string_view piece, std::uint64_t hash) const {
  if (slots_.empty()) return std::nullopt;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask; slots_[i].record != kNowhere; i = (i + 1) & mask) {
    if (slots_[i].tag != tag) continue;
    const Record found = record(slots_[i].record);
    if (found.piece == piece) return found.id;
  }
  return std::nullopt;
}

std::string_view Vocabulary::piece(TokenId id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= by_id_.size()) return {};
  const Offset offset = by_id_[static_cast<std::size_t>(id)];
  return offset == kNowhere ? std::string_view() : record(offset).piece;
}

}  // namespace continuo
