#include <algorithm>
#include <new>

#include "catch.h"
#include "kernels/kernel_table.h"
#include "state/sequence_state.h"

using namespace continuo;

TEST_CASE("pages hold all heads: keys in blocks, values in padded rows") {
  const std::size_t head_dim = 5, capacity = 2 * kPageKeys + 10;
  KvCache cache(2, head_dim, capacity);
  const auto number = [](std::size_t head, std::size_t at, std::size_t i) {
    return static_cast<float>(10000 * head + 10 * at + i);
  };
  for (std::size_t at = 0; at < capacity; ++at) {
    if (at % 30 == 0) cache.reserve(std::min(at + 30, capacity));
    for (std::size_t head = 0; head < 2; ++head) {
      float key[head_dim], value[head_dim];
      for (std::size_t i = 0; i < head_dim; ++i) {
        key[i] = number(head, at, i);
        value[i] = -key[i];
      }
      cache.write(head, at, key, value);
    }
  }
  for (std::size_t head = 0; head < 2; ++head) {
    for (std::size_t at = 0; at < capacity; ++at) {
      const std::size_t in_page = at % kPageKeys;
      const float* const keys = cache.pages()[at / kPageKeys] + cache.head_offset(head);
      const float* const values = keys + kPageKeys * head_dim;
      for (std::size_t i = 0; i < head_dim; ++i) {
        const float want = number(head, at, i);
        REQUIRE(keys[in_page / kKeyBlock * kKeyBlock * head_dim + i * kKeyBlock + in_page % kKeyBlock] ==
                want);
        REQUIRE(values[in_page * kValuePad + i] == -want);
      }
      for (std::size_t i = head_dim; i < kValuePad; ++i)
        REQUIRE(values[in_page * kValuePad + i] == 0);
    }
  }
}

TEST_CASE("reserving more leaves what is there in its place") {
  KvCache cache(1, 4, std::size_t{1} << 30);  // room is not memory
  cache.reserve(1);
  const float* const first = cache.pages()[0];
  const float key[] = {1, 2, 3, 4}, value[] = {5, 6, 7, 8};
  cache.write(0, 0, key, value);
  cache.reserve(100 * kPageKeys);
  REQUIRE(cache.pages()[0] == first);
  REQUIRE(first[0] == 1);
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
  for (LayerSpec& layer : spec.layers)
    layer.mixer = attention;
  SequenceState state(spec, 100, 7);
  REQUIRE(state.length() == 0);
  state.advance(30);
  state.rewind(10);
  REQUIRE(state.length() == 10);
  REQUIRE(state.prompt_length() == 7);
  REQUIRE(SequenceState::bytes(spec, 100) == 3 * KvCache::bytes(1, 4, 100));
}
