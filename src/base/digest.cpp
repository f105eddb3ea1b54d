#include "base/digest.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace continuo {

namespace {

// Odd numbers: multiplying by one can be undone, so no two words come to the same.
constexpr std::uint64_t kInner = 0x9fb21c651e98df25, kOuter = 0xff51afd7ed558ccd;

// Words are read as little-endian numbers.
std::uint64_t word_at(const std::byte* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

std::uint64_t mixed(std::uint64_t lane, std::uint64_t word) { return std::rotl(lane ^ (word * kInner), 29) * kOuter; }

// Every bit of x changes about half of the bits.
std::uint64_t spread(std::uint64_t x) {
  x = (x ^ x >> 33) * kOuter;
  x = (x ^ x >> 29) * kInner;
  return x ^ x >> 32;
}

}  // namespace

void Digester::mix_block(std::array<std::uint64_t, kLanes>& lanes, const std::byte* block) {
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = mixed(lanes[i], word_at(block + i * sizeof(std::uint64_t)));
}

void Digester::add(std::span<const std::byte> bytes) {
  const std::size_t held = bytes_ % kBlock;
  bytes_ += bytes.size();
  if (held > 0) {
    const std::size_t n = std::min(kBlock - held, bytes.size());
    std::copy_n(bytes.begin(), n, rest_.begin() + static_cast<std::ptrdiff_t>(held));
    bytes = bytes.subspan(n);
    if (held + n < kBlock) return;
    mix_block(lanes_, rest_.data());
  }
  auto lanes = lanes_;  // in registers
  for (; bytes.size() >= kBlock; bytes = bytes.subspan(kBlock)) mix_block(lanes, bytes.data());
  lanes_ = lanes;
  std::copy(bytes.begin(), bytes.end(), rest_.begin());
}

Digest Digester::finish() const {
  auto lanes = lanes_;
  auto rest = rest_;
  std::fill(rest.begin() + static_cast<std::ptrdiff_t>(bytes_ % kBlock), rest.end(), std::byte{});
  mix_block(lanes, rest.data());
  Digest digest{bytes_, ~bytes_};
  for (std::size_t i = 0; i < kLanes; ++i) {
    digest[0] = spread(digest[0] ^ lanes[i]);
    digest[1] = spread(digest[1] + std::rotl(lanes[i], 17 + static_cast<int>(i)));
  }
  return digest;
}

Digest digest_of(std::span<const std::byte> bytes) {
  Digester digester;
  digester.add(bytes);
  return digester.finish();
}

}  // namespace continuo
