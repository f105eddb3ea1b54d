// Any bytes as a GGUF file: parsed, and bound to a model if they say that they are one.
#include "io/gguf.h"
#include "io/checkpoint.h"
#include "model/model.h"

using namespace continuo;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Blob blob(std::as_bytes(std::span(data, size)), nullptr, "fuzz.gguf");
  const auto file = GgufFile::parse(blob);
  if (!file) return 0;
  auto checkpoint = gguf_checkpoint(std::span(&*file, 1), "fuzz");
  if (checkpoint) static_cast<void>(build_model(std::move(*checkpoint)));
  return 0;
}
