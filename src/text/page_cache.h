// Tables about all characters, made a page of 256 at a time when a text first needs it: nothing at start, and
// memory for the scripts in use alone.
#pragma once

#include <array>
#include <atomic>
#include <memory>

#include "base/check.h"

namespace continuo {

// For static storage: zeroed memory until a page is made; pages stay until the process ends. Any thread may
// ask.
template <class Value>
class PageCache {
 public:
  using Page = std::array<Value, 256>;

  // `make(number)` makes the page of the characters from number * 256 on, as a unique_ptr.
  template <class Make>
  const Value& at(char32_t code, Make make) {
    CONTINUO_CHECK(code < 0x110000, "a character is below U+110000");
    std::atomic<const Page*>& place = pages_[code >> 8];
    const Page* page = place.load(std::memory_order_acquire);
    if (!page) {
      std::unique_ptr<Page> made = make(static_cast<char32_t>(code >> 8));
      if (place.compare_exchange_strong(page, made.get(), std::memory_order_acq_rel)) page = made.release();
    }
    return (*page)[code & 0xff];
  }

 private:
  std::array<std::atomic<const Page*>, 0x110000 / 256> pages_{};
};

}  // namespace continuo
