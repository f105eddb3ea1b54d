// The checksums by which a hub names contents: SHA-1 (FIPS 180-4, as git uses it) and SHA-256.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace continuo::hub {

enum class HashKind : std::uint8_t { sha1, sha256 };

class Hash {
 public:
  explicit Hash(HashKind kind);
  void add(std::string_view bytes);
  // In hexadecimal digits. Called once, last.
  std::string digest();

 private:
  void add_block(const unsigned char* block);
  void sha1_block(const unsigned char* block);
  void sha256_block(const unsigned char* block);

  HashKind kind_;
  std::array<std::uint32_t, 8> state_{};  // of SHA-1 the first five
  std::array<unsigned char, 64> pending_{};
  std::uint64_t size_ = 0;  // bytes so far
};

}  // namespace continuo::hub
