// Any bytes as a tokenizer.model: they are refused, or make a tokenizer that encodes and decodes.
#include <cstddef>
#include <cstdint>

#include "text/tokenizer_files.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace continuo;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto tokenizer = load_tokenizer([&](std::string_view name) -> Result<std::optional<TokenizerFile>> {
    if (name != "tokenizer.model") return std::optional<TokenizerFile>();
    return std::optional(TokenizerFile{bytes, nullptr, "tokenizer.model"});
  });
  if (!tokenizer) return 0;
  const std::string_view text = bytes.substr(0, 200);
  if (const auto ids = tokenizer->try_encode(text, true)) (void)tokenizer->decode(*ids, false);
  (void)tokenizer->try_encode("tick tock <sep>  abcab\xff \xe2\x96\x81", false);
  return 0;
}
