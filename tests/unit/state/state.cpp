#include <algorithm>
#include <new>

#include "catch.h"
#include "kernels/kernel_table.h"
#include "state/sequence_state.h"

using namespace continuo;

namespace {

AttentionSpec attention(int n_kv_heads, int head_dim, int window = 0) {
  AttentionSpec spec;
  spec.n_heads = n_kv_heads;
  spec.n_kv_heads = n_kv_heads;
  spec.head_dim = head_dim;
  spec.window = window;
  return spec;
}

ModelSpec model(std::vector<AttentionSpec> layers) {
  ModelSpec spec;
  spec.d_model = 8;
  for (const AttentionSpec& layer : layers) spec.layers.emplace_back().mixer = layer;
  return spec;
}

// A cache of one head of four values whose positions [from, to) hold their own numbers.
void fill(KvCache& cache, std::size_t from, std::size_t to) {
  cache.reserve(to);
  for (std::size_t at = from; at < to; ++at) {
    const auto x = static_cast<float>(at);
    const float row[] = {x, x, x, x};
    cache.write(0, at, row, row);
  }
}

float value_at(const KvCache& cache, std::size_t at) { return cache.value(0, at, 0); }

}  // namespace

TEST_CASE("pages hold all heads: keys in blocks, values in padded rows") {
  const std::size_t head_dim = 5, capacity = 2 * kPageKeys + 10;
  PagePool pool(KvCache::page_bytes(attention(2, head_dim), Format::f32), 3);
  KvCache cache(attention(2, head_dim), pool);
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
      const auto* const keys = reinterpret_cast<const float*>(cache.pages()[at / kPageKeys] + cache.head_offset(head));
      const float* const values = keys + kPageKeys * head_dim;
      for (std::size_t i = 0; i < head_dim; ++i) {
        const float want = number(head, at, i);
        REQUIRE(keys[in_page / kKeyBlock * kKeyBlock * head_dim + i * kKeyBlock + in_page % kKeyBlock] == want);
        REQUIRE(values[in_page * kValuePad + i] == -want);
        REQUIRE(cache.key(head, at, i) == want);
        REQUIRE(cache.value(head, at, i) == -want);
      }
    }
  }
}

TEST_CASE("a pool's format decides what a page takes") {
  const AttentionSpec spec = attention(3, 64);
  REQUIRE(KvCache::page_bytes(spec, Format::f32) == kPageKeys * 3 * 2 * 64 * 4);
  REQUIRE(KvCache::page_bytes(spec, Format::f16) == kPageKeys * 3 * 2 * 64 * 2);
  REQUIRE(KvCache::page_bytes(spec, Format::q8_0) == kPageKeys * 3 * 2 * (64 + 2 * 2));
  REQUIRE(SequenceState::bytes(model({spec}), 1000, Format::f16) <
          SequenceState::bytes(model({spec}), 1000, Format::f32) * 51 / 100);
  for (const Format type : kv_types()) {
    PagePool pool(KvCache::page_bytes(spec, type), 1, type);
    KvCache cache(spec, pool);
    cache.reserve(1);
    std::vector<float> key(64, 0.3f), value(64, -12.7f);
    cache.write(2, 0, key.data(), value.data());
    REQUIRE(cache.key(2, 0, 63) == Approx(0.3f).epsilon(0.01));
    REQUIRE(cache.value(2, 0, 63) == Approx(-12.7f).epsilon(0.01));
    REQUIRE((cache.key(2, 0, 63) == 0.3f) == (type == Format::f32));
  }
}

TEST_CASE("reserving more leaves what is there in its place") {
  PagePool pool(KvCache::page_bytes(attention(1, 4), Format::f32), std::size_t{1} << 30);  // a limit is not memory
  KvCache cache(attention(1, 4), pool);
  cache.reserve(1);
  const std::byte* const first = cache.pages()[0];
  const float key[] = {1, 2, 3, 4}, value[] = {5, 6, 7, 8};
  cache.write(0, 0, key, value);
  cache.reserve(100 * kPageKeys);
  REQUIRE(cache.pages()[0] == first);
  REQUIRE(value_at(cache, 0) == 5);
}

TEST_CASE("a page that no memory can hold is refused, not computed around") {
  REQUIRE_THROWS_AS(SequenceState(model({attention(1 << 30, 1 << 30)}), 1, 1), std::bad_alloc);
  REQUIRE_THROWS_AS(SequenceState::bytes(model({attention(1 << 20, 1 << 20)}), std::size_t{1} << 40, Format::f32),
                    std::bad_alloc);
}

TEST_CASE("a sequence counts its positions") {
  const ModelSpec spec = model({attention(1, 4), attention(1, 4), attention(1, 4)});
  SequenceState state(spec, 100, 7);
  REQUIRE(state.length() == 0);
  state.reserve(30);
  state.advance(30);
  state.rewind(10);
  REQUIRE(state.length() == 10);
  REQUIRE(state.prompt_length() == 7);
  REQUIRE(state.needs(60).kv_pages == 3);  // of which a page of each layer is there
  REQUIRE(SequenceState::bytes(spec, 100, Format::f32) ==
          3 * 2 * PagePool::footprint(SequenceState::page_bytes(spec, Format::f32)));
}

TEST_CASE("a page is free when nobody holds it, and used again") {
  PagePool pool(100, 2);
  PageRef a = pool.take();
  std::byte* const bytes = a.bytes();
  PageRef b = a, c = pool.take();
  REQUIRE(a.holders() == 2);
  REQUIRE(pool.available() == 0);
  a = {};
  REQUIRE(pool.available() == 0);
  b = {};
  REQUIRE(pool.available() == 1);
  a = pool.take();
  REQUIRE(a.bytes() == bytes);
  b = std::move(a);
  REQUIRE(!a);
  REQUIRE(pool.in_use() == 2);
}

TEST_CASE("pages lie apart, whatever their size") {
  for (const std::size_t bytes : {4, 64, 4000, 400000}) {
    PagePool pool(bytes, 50);
    std::vector<PageRef> pages;
    for (int i = 0; i < 50; ++i) {
      pages.push_back(pool.take());
      std::fill_n(pages.back().bytes(), bytes, static_cast<std::byte>(i));
    }
    for (int i = 0; i < 50; ++i) {
      REQUIRE(std::count(pages[i].bytes(), pages[i].bytes() + bytes, static_cast<std::byte>(i)) ==
              static_cast<std::ptrdiff_t>(bytes));
    }
  }
}

TEST_CASE("going back never writes a page that others hold") {
  PagePool pool(KvCache::page_bytes(attention(1, 4), Format::f32), 10);
  KvCache cache(attention(1, 4), pool);
  fill(cache, 0, 150);
  const PageRef shared = cache.page(1);
  cache.truncate(100);
  REQUIRE(cache.page(1) != shared);
  REQUIRE(value_at(cache, 99) == 99);
  REQUIRE(pool.in_use() == 3);
  const PageRef own = cache.page(0);
  cache.truncate(64);
  REQUIRE(cache.page(0) == own);  // whole pages are read, never written
  cache.truncate(0);
  REQUIRE(pool.in_use() == 2);
}

TEST_CASE("a window gives its pages back, and needs no more than it sees") {
  const AttentionSpec spec = attention(1, 4, 100);
  PagePool pool(KvCache::page_bytes(spec, Format::f32), KvCache::most_pages(spec, 100000, 30));
  KvCache cache(spec, pool);
  for (std::size_t length = 0; length < 2000; length += 30) {
    fill(cache, length, length + 30);
    cache.drop_out_of_window(length + 30);
    for (std::size_t seen = length + 30 > 99 ? length + 30 - 99 : 0; seen < length + 30; ++seen)
      REQUIRE(value_at(cache, seen) == static_cast<float>(seen));
  }
  REQUIRE(cache.pages()[0] == nullptr);
}

TEST_CASE("states share what they begin with") {
  const ModelSpec spec = model({attention(1, 4), attention(1, 4, 30)});
  StatePools pools(spec, 100, 0, Format::f32);
  SequenceState first(spec, pools, 1000, 10);
  first.reserve(200);
  for (std::size_t layer = 0; layer < 2; ++layer) fill(first.kv(layer), 0, 200);
  first.advance(200);
  const PageSet a = first.page_set(0), b = first.page_set(1), c = first.page_set(2);
  const KnownBeginning whole{.whole = {&a, &b}};
  SequenceState second(spec, pools, 1000, 10);
  const std::size_t before = pools.kv.in_use();
  second.share(whole);
  REQUIRE(pools.kv.in_use() == before);
  second.copy(c, 5);
  REQUIRE(pools.kv.in_use() == before + 2);
  REQUIRE(second.length() == 133);
  const KvCache& all = second.kv(0);
  const KvCache& window = second.kv(1);
  REQUIRE(all.page(0) == a.kv[0]);
  REQUIRE(all.page(2) != c.kv[0]);
  REQUIRE(value_at(all, 132) == 132);
  REQUIRE(!window.page(0));  // too far back to be seen
  REQUIRE(window.page(1) == b.kv[1]);
  REQUIRE(value_at(window, 132) == 132);
}
