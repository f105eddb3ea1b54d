// Any bytes as a safetensors file.
#include "io/checkpoint.h"

using namespace continuo;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Checkpoint checkpoint;
  static_cast<void>(
      read_safetensors(Blob(std::as_bytes(std::span(data, size)), nullptr, "fuzz.safetensors"), checkpoint));
  return 0;
}
