// The logits of a text, and their comparison bit for bit.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "catch.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "model/model.h"

namespace continuo::test {

using Logits = std::vector<float>;

// Names the first difference, as a position and a vocabulary entry.
inline void require_same(const Logits& got, const Logits& want, std::size_t vocab) {
  REQUIRE(got.size() == want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::memcmp(&got[i], &want[i], sizeof(float)) != 0) {
      FAIL("position " << i / vocab << ", logit " << i % vocab << ": " << got[i] << " instead of " << want[i]);
    }
  }
}

struct Setting {
  const KernelTable& kernels = best_kernels();
  int threads = 1;
  Format kv_type = Format::f32;
};

// Logits of every position when the text is fed in pieces of the given lengths (the last one repeats).
inline Logits logits_of(const Model& model, const std::vector<TokenId>& ids, const std::vector<std::size_t>& pieces,
                        Setting setting = {}) {
  ThreadPool threads(setting.threads, setting.threads);
  ForwardPass forward(model, setting.kernels, threads);
  SequenceState state(model.spec, ids.size(), ids.size(), setting.kv_type);
  Logits all;
  for (std::size_t piece = 0; state.length() < ids.size(); ++piece) {
    const std::size_t n = std::min(pieces[std::min(piece, pieces.size() - 1)], ids.size() - state.length());
    const Segment segment{&state, std::span(ids).subspan(state.length(), n), n};
    const auto rows = forward(std::span(&segment, 1));
    all.insert(all.end(), rows.begin(), rows.end());
  }
  return all;
}

}  // namespace continuo::test
