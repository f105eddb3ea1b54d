// Any bytes as a saved state, behind a right digest: with a wrong one none of them would be looked at.
#include <stdio.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/digest.h"
#include "state/saved_state.h"

using namespace continuo;

namespace {

// Attention with a window, attention without, and a recurrent layer.
ModelSpec small_spec() {
  ModelSpec spec;
  spec.vocab_size = 100;
  spec.context_length = 1000;
  spec.d_model = 16;
  for (const int window : {0, 8}) {
    AttentionSpec attention;
    attention.n_heads = attention.n_kv_heads = 1;
    attention.head_dim = 16;
    attention.window = window;
    spec.layers.push_back({.mixer = attention});
  }
  ShortConvSpec convolution;
  convolution.d_inner = 4;
  spec.layers.push_back({.mixer = convolution});
  return spec;
}

// What stands in every file of this model, up to the counts.
std::vector<std::byte> beginning(const ModelSpec& spec) {
  std::FILE* const file = std::tmpfile();
  SavedState state{.tokens = {1}, .kv = {}, .recurrent = {}};
  if (!write_state(state, {}, spec, fileno(file), "fuzz.state")) std::abort();
  std::vector<std::byte> bytes(72);
  std::rewind(file);
  if (std::fread(bytes.data(), 1, bytes.size(), file) != bytes.size()) std::abort();
  std::fclose(file);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ModelSpec spec = small_spec();
  constexpr std::size_t kAtMost = std::size_t{1} << 16;
  static const std::vector<std::byte> first = beginning(spec);
  std::vector<std::byte> bytes = first;
  for (std::size_t i = 0; i < size; ++i) bytes.push_back(std::byte{data[i]});
  const Digest digest = digest_of(bytes);
  const auto end = std::as_bytes(std::span(digest));
  bytes.insert(bytes.end(), end.begin(), end.end());
  const std::string name = "fuzz.state";
  StatePools pools(spec, kAtMost, kAtMost, Format::f32);
  static_cast<void>(read_state({bytes, name}, {}, spec, pools));
  return 0;
}
