// What a sequence remembers of a text, in a file: computed once, continued by any process.
//
// All numbers are little-endian. The file:
//   8 bytes      "CTNSTATE"
//   u32          version of this layout: 1
//   u32          1: computed with fused multiply-add; 2: with integer products; or the sum of both
//   16 bytes     version of continuo, zeros behind it
//   8 bytes      format of keys and values, zeros behind it
//   2 u64        digest of the model
//   2 u64        digest of its adapters; zeros: none
//   4 u64        number of tokens, of caches of keys and values, of recurrent states, of floats of each of these
//   i32          for each token: its id; zeros up to a multiple of 8 bytes
//   2 u64        for each cache: bytes of a page; number of its first page (a window has left those before)
//   bytes        for each cache its pages up to the last token's, as kernels/kv_page.h lays them out
//   u64, f32     for each recurrent state: how many tokens it has seen; its floats
//   2 u64        digest of all bytes before it
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/error.h"
#include "state/sequence_state.h"

namespace continuo {

// What the bits of a state depend on besides the tokens.
struct StateOrigin {
  Digest model = {}, adapters = {};
  Format kv_type = Format::f32;
  bool fused = true;  // KernelTable::fused
  bool int8 = true;   // products of quantized weights in integers; false: exact ones
};

struct SavedState {
  std::vector<TokenId> tokens;
  // For each cache of keys and values its pages of the tokens; null are the first ones that a window has left.
  std::vector<std::vector<PageRef>> kv;
  struct Recurrent {
    std::size_t length;         // tokens that it has seen
    std::vector<float> floats;  // as SequenceState keeps them
  };
  std::vector<Recurrent> recurrent;  // the last has seen all tokens
};

// Writes the file into `descriptor`. An error names `path`.
Result<void> write_state(const SavedState& state, const StateOrigin& origin, const ModelSpec& spec, int descriptor,
                         const std::string& path);

// The bytes of such a file, which messages call `name`.
struct StateFileBytes {
  std::span<const std::byte> bytes;
  const std::string& name;
};

// Reads it into pages of `pools`, whose format is origin.kv_type. Errors: a file that is cut or altered, of another
// origin, of ids outside the vocabulary, or of more than `pools` can hold.
Result<SavedState> read_state(StateFileBytes file, const StateOrigin& origin, const ModelSpec& spec, StatePools& pools);

}  // namespace continuo
