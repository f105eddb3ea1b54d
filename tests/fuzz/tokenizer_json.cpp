// Any bytes as a tokenizer.json: they are refused, or make a tokenizer that encodes and decodes.
#include <cstddef>
#include <cstdint>

#include "text/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = continuo::Tokenizer::parse(bytes, "fuzz.json");
  if (!tokenizer) return 0;
  const std::string_view text = bytes.substr(0, 200);
  if (const auto ids = tokenizer->try_encode(text, true)) (void)tokenizer->decode(*ids, false);
  (void)tokenizer->try_encode("tick tock, abcab\xff \xe2\x96\x81", false);
  return 0;
}
