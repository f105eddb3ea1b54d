#include <new>

#include "catch.h"
#include "kernels/kernel_table.h"
#include "state/sequence_state.h"

using namespace continuo;

TEST_CASE("keys stand in blocks, values in padded rows, heads apart") {
  const std::size_t head_dim = 5, capacity = 40;
  KvCache cache(2, head_dim, capacity);
  for (std::size_t at = 0; at < capacity; ++at) {
    for (std::size_t head = 0; head < 2; ++head) {
      float key[5], value[5];
      for (std::size_t i = 0; i < head_dim; ++i) {
        key[i] = static_cast<float>(1000 * head + 10 * at + i);
        value[i] = -key[i];
      }
      cache.write(head, at, key, value);
    }
  }
  for (std::size_t head = 0; head < 2; ++head) {
    for (std::size_t at = 0; at < capacity; ++at) {
      for (std::size_t i = 0; i < head_dim; ++i) {
        const float want = static_cast<float>(1000 * head + 10 * at + i);
        REQUIRE(cache.keys(head)[at / kKeyBlock * kKeyBlock * head_dim + i * kKeyBlock + at % kKeyBlock] == want);
        REQUIRE(cache.values(head)[at * kValuePad + i] == -want);
      }
      for (std::size_t i = head_dim; i < kValuePad; ++i) REQUIRE(cache.values(head)[at * kValuePad + i] == 0);
    }
  }
}

TEST_CASE("a cache that no memory can hold is refused, not computed around") {
  REQUIRE_THROWS_AS(KvCache(1 << 20, 1 << 20, std::size_t{1} << 40), std::bad_alloc);
}

TEST_CASE("a sequence counts its positions") {
  ModelSpec spec;
  spec.d_model = 8;
  AttentionSpec attention;
  attention.n_heads = 2;
  attention.n_kv_heads = 1;
  attention.head_dim = 4;
  spec.layers.resize(3);
  for (LayerSpec& layer : spec.layers) layer.mixer = attention;
  SequenceState state(spec, 100, 7);
  REQUIRE(state.length() == 0);
  state.advance(30);
  state.rewind(10);
  REQUIRE(state.length() == 10);
  REQUIRE(state.prompt_length() == 7);
  REQUIRE(SequenceState::bytes(spec, 100) == 3 * KvCache::bytes(1, 4, 100));
}
