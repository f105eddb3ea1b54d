// A digest of 128 bits, for bytes that may be damaged or mixed up: any change within eight bytes in a row changes it, and
// other changes go unseen once in 2^64. It is no defence against somebody who makes two inputs alike on purpose.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace continuo {

using Digest = std::array<std::uint64_t, 2>;

// The digest of all that was added, however it was cut. Several gigabytes a second.
class Digester {
 public:
  void add(std::span<const std::byte> bytes);
  void add(std::string_view text) { add(std::as_bytes(std::span(text))); }
  template <class T>
  requires std::is_integral_v<T>
  void add_number(T number) {
    const auto wide = static_cast<std::uint64_t>(number);
    add(std::as_bytes(std::span(&wide, 1)));
  }
  // With its length, so that neighbours cannot run together.
  void add_text(std::string_view text) {
    add_number(text.size());
    add(text);
  }
  Digest finish() const;

 private:
  static constexpr std::size_t kLanes = 4, kBlock = kLanes * sizeof(std::uint64_t);
  static void mix_block(std::array<std::uint64_t, kLanes>& lanes, const std::byte* block);

  std::array<std::uint64_t, kLanes> lanes_ = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
                                              0xd6e8feb86659fd93};
  std::array<std::byte, kBlock> rest_ = {};
  std::uint64_t bytes_ = 0;
};

Digest digest_of(std::span<const std::byte> bytes);

}  // namespace continuo
