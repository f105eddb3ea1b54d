// Checksums against the examples of FIPS 180-4 and git.
#include "hub/sha.h"

#include "catch.h"

using namespace continuo::hub;

namespace {

std::string hash_of(HashKind kind, std::string_view text, std::size_t step) {
  Hash hash(kind);
  for (std::size_t at = 0; at < text.size(); at += step) hash.add(text.substr(at, step));
  return hash.digest();
}

}  // namespace

TEST_CASE("checksums of the standard's examples") {
  const std::string million(1'000'000, 'a');
  const std::string two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  struct Example {
    std::string text, sha1, sha256;
  };
  const Example examples[] = {
      {"", "da39a3ee5e6b4b0d3255bfef95601890afd80709",
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "a9993e364706816aba3e25717850c26c9cd0d89d",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {two_blocks, "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const Example& example : examples) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{55}, std::size_t{64}, std::size_t{1} << 20}) {
      CHECK(hash_of(HashKind::sha1, example.text, step) == example.sha1);
      CHECK(hash_of(HashKind::sha256, example.text, step) == example.sha256);
    }
  }
}

TEST_CASE("git's name of a blob") {
  const std::string blob = std::string("blob 12") + '\0' + "hello world\n";
  CHECK(hash_of(HashKind::sha1, blob, 5) == "3b18e512dba79e4c8300dd08aeb37f8e728b8dad");
}
