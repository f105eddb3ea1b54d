#include "base/digest.h"

#include <random>
#include <set>
#include <string>
#include <vector>

#include "catch.h"

using namespace continuo;

namespace {

std::vector<std::byte> random_bytes(std::size_t n) {
  std::mt19937 random(5);
  std::vector<std::byte> bytes(n);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

}  // namespace

TEST_CASE("a digest does not depend on how its bytes were cut") {
  const auto bytes = random_bytes(1000);
  const Digest whole = digest_of(bytes);
  std::mt19937 random(6);
  for (int i = 0; i < 50; ++i) {
    Digester digester;
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t n = std::min<std::size_t>(random() % (i < 25 ? 9 : 200), bytes.size() - at);
      digester.add(std::span(bytes).subspan(at, n));
      at += n;
    }
    CHECK(digester.finish() == whole);
  }
}

TEST_CASE("every flipped bit, every length, every exchange of words changes it") {
  std::set<Digest> seen;
  auto bytes = random_bytes(131);
  for (std::size_t n = 0; n <= bytes.size(); ++n) CHECK(seen.insert(digest_of(std::span(bytes).first(n))).second);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    CHECK(seen.insert(digest_of(bytes)).second);
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
  }
  for (std::size_t word = 1; word < bytes.size() / 8; ++word) {
    auto exchanged = bytes;
    std::swap_ranges(exchanged.begin(), exchanged.begin() + 8,
                     exchanged.begin() + static_cast<std::ptrdiff_t>(8 * word));
    CHECK(seen.insert(digest_of(exchanged)).second);
  }
  const std::vector<std::byte> zeros(200);  // zeros count, too
  for (std::size_t n = 1; n < zeros.size(); ++n) CHECK(seen.insert(digest_of(std::span(zeros).first(n))).second);
}

TEST_CASE("half of the bits change with each bit of the input") {
  auto bytes = random_bytes(64);
  const Digest before = digest_of(bytes);
  double changed = 0;
  for (std::size_t bit = 0; bit < 512; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    const Digest after = digest_of(bytes);
    for (std::size_t i = 0; i < 2; ++i) changed += __builtin_popcountll(before[i] ^ after[i]);
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
  }
  CHECK(changed / 512 > 62);
  CHECK(changed / 512 < 66);
}
