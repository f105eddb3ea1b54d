#include "hub/sha.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace continuo::hub {

namespace {

constexpr std::array<std::uint32_t, 5> kSha1Start = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};

// SHA-256's constants are the first 32 bits of the fractions of roots of the first primes: the start of square roots, the
// rounds' of cube roots. Integer roots give them exactly.
struct Sha256Constants {
  std::array<std::uint32_t, 8> start{};
  std::array<std::uint32_t, 64> round{};
};

constexpr bool is_prime(std::uint32_t n) {
  for (std::uint32_t d = 2; d * d <= n; ++d) {
    if (n % d == 0) return false;
  }
  return true;
}

// The largest r with r^power <= n * 2^(32 * power): its low 32 bits are the fraction of the root of n.
constexpr std::uint32_t root_fraction(std::uint32_t n, int power) {
  using Wide = unsigned __int128;
  std::uint64_t low = 0, high = std::uint64_t{1} << 37;
  while (high - low > 1) {
    const std::uint64_t middle = low + (high - low) / 2;
    Wide value = 1;
    for (int i = 0; i < power; ++i) value *= middle;
    (value <= Wide{n} << (32 * power) ? low : high) = middle;
  }
  return static_cast<std::uint32_t>(low);
}

constexpr Sha256Constants make_sha256_constants() {
  Sha256Constants constants;
  std::size_t found = 0;
  for (std::uint32_t n = 2; found < constants.round.size(); ++n) {
    if (!is_prime(n)) continue;
    if (found < constants.start.size()) constants.start[found] = root_fraction(n, 2);
    constants.round[found++] = root_fraction(n, 3);
  }
  return constants;
}

constexpr Sha256Constants kSha256 = make_sha256_constants();

std::uint32_t word_at(const unsigned char* bytes) {
  return static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
         static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
}

}  // namespace

Hash::Hash(HashKind kind) : kind_(kind) {
  if (kind == HashKind::sha256) {
    state_ = kSha256.start;
  } else {
    std::copy(kSha1Start.begin(), kSha1Start.end(), state_.begin());
  }
}

void Hash::add(std::string_view bytes) {
  std::size_t filled = size_ % pending_.size();
  size_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t taken = std::min(bytes.size(), pending_.size() - filled);
    std::memcpy(pending_.data() + filled, bytes.data(), taken);
    bytes.remove_prefix(taken);
    filled += taken;
    if (filled < pending_.size()) return;
    add_block(pending_.data());
    filled = 0;
  }
}

std::string Hash::digest() {
  const std::uint64_t bits = size_ * 8;
  std::string end(1, '\x80');
  while ((size_ + end.size()) % 64 != 56) end += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) end += static_cast<char>(bits >> shift & 0xff);
  add(end);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < (kind_ == HashKind::sha1 ? 5u : 8u); ++i) {
    for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[state_[i] >> shift & 0xf];
  }
  return text;
}

void Hash::add_block(const unsigned char* block) { kind_ == HashKind::sha1 ? sha1_block(block) : sha256_block(block); }

// FIPS 180-4, 6.1.2.
void Hash::sha1_block(const unsigned char* block) {
  std::array<std::uint32_t, 80> w;
  for (std::size_t t = 0; t < 16; ++t) w[t] = word_at(block + 4 * t);
  for (std::size_t t = 16; t < 80; ++t) w[t] = std::rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
  auto [a, b, c, d, e] = std::array{state_[0], state_[1], state_[2], state_[3], state_[4]};
  for (std::size_t t = 0; t < 80; ++t) {
    const std::uint32_t f = t < 20 ? (b & c) | (~b & d) : t >= 40 && t < 60 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
    constexpr std::array<std::uint32_t, 4> k = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    const std::uint32_t next = std::rotl(a, 5) + f + e + k[t / 20] + w[t];
    e = d, d = c, c = std::rotl(b, 30), b = a, a = next;
  }
  const std::array sums{a, b, c, d, e};
  for (std::size_t i = 0; i < sums.size(); ++i) state_[i] += sums[i];
}

// FIPS 180-4, 6.2.2.
void Hash::sha256_block(const unsigned char* block) {
  std::array<std::uint32_t, 64> w;
  for (std::size_t t = 0; t < 16; ++t) w[t] = word_at(block + 4 * t);
  for (std::size_t t = 16; t < 64; ++t) {
    const std::uint32_t s0 = std::rotr(w[t - 15], 7) ^ std::rotr(w[t - 15], 18) ^ w[t - 15] >> 3;
    const std::uint32_t s1 = std::rotr(w[t - 2], 17) ^ std::rotr(w[t - 2], 19) ^ w[t - 2] >> 10;
    w[t] = w[t - 16] + s0 + w[t - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t t = 0; t < 64; ++t) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kSha256.round[t] + w[t];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array sums{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < sums.size(); ++i) state_[i] += sums[i];
}

}  // namespace continuo::hub
