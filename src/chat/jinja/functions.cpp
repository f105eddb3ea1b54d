// The functions that all templates know.
#include <fmt/format.h>

#include <array>
#include <ctime>

#include "chat/jinja/interpreter.h"

namespace continuo::jinja {

namespace {

constexpr std::int64_t kLongestRange = 100'000;  // as Jinja's sandbox has it

Value range(Heap& heap, Arguments& arguments) {
  const Bound bound("range()", arguments, {"start", "stop", "step"});
  const bool one = !bound[1];
  bound.required(0);
  const std::int64_t begin = one ? 0 : bound.whole(0, 0), end = one ? bound.whole(0, 0) : bound.whole(1, 0);
  const std::int64_t step = bound.whole(2, 1);
  if (step == 0) throw Fault{"range() has no step"};
  std::vector<Value> items;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end;) {
    if (items.size() == kLongestRange) throw Fault{fmt::format("range() has more than {} numbers", kLongestRange)};
    items.emplace_back(i);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  heap.spend(items.size());
  return heap.list(std::move(items));
}

// From a mapping, from pairs, and from named arguments.
Value make_dict(Heap& heap, Arguments& arguments, bool is_namespace) {
  Dict* const dict = heap.dict();
  if (arguments.positional.size() > 1) throw Fault{"a mapping is made of at most one other"};
  if (!arguments.positional.empty()) {
    const Value& other = arguments.positional[0];
    if (other.dict()) {
      for (const auto& [key, value] : other.dict()->entries) set_entry(heap, *dict, key, value);
    } else {
      for (const Value& pair : items_of(heap, other)) {
        const std::vector<Value> both = items_of(heap, pair);
        if (both.size() != 2) throw Fault{"a mapping is made of pairs"};
        set_entry(heap, *dict, both[0], both[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named)
    set_entry(heap, *dict, heap.text(MarkedText(std::string(name))), value);
  dict->is_namespace = is_namespace;
  return dict;
}

// 26 July 2024, always: the same messages are the same prompt on any day. It is the day that the templates which ask
// for one take where they have no clock.
std::tm fixed_day() {
  std::tm day{};
  day.tm_year = 2024 - 1900;
  day.tm_mon = 6;
  day.tm_mday = 26;
  day.tm_wday = 5;
  day.tm_yday = 207;
  return day;
}

Value strftime_now(Heap& heap, Arguments& arguments) {
  const Bound bound("strftime_now()", arguments, {"format"});
  bound.required(0);
  const std::string& format = bound.text(0)->bytes;
  if (format.empty()) return heap.text({});
  const std::tm day = fixed_day();
  std::array<char, 256> buffer;
  const std::size_t size = std::strftime(buffer.data(), buffer.size(), format.c_str(), &day);
  if (size == 0) throw Fault{"strftime_now() makes too long a text"};
  const Origin origin = bound.text(0)->origins.empty() ? from_template : from_message;
  return heap.text(MarkedText(std::string(buffer.data(), size), origin));
}

}  // namespace

void add_functions(Heap& heap, Scope& scope) {
  const auto add = [&](std::string_view name, std::function<Value(Arguments&)> call) {
    if (!scope.find(name)) scope.set(name, heap.function(std::string(name), std::move(call)));
  };
  add("range", [&heap](Arguments& arguments) { return range(heap, arguments); });
  add("dict", [&heap](Arguments& arguments) { return make_dict(heap, arguments, false); });
  add("namespace", [&heap](Arguments& arguments) { return make_dict(heap, arguments, true); });
  add("strftime_now", [&heap](Arguments& arguments) { return strftime_now(heap, arguments); });
  add("raise_exception", [&heap](Arguments& arguments) -> Value {
    const Bound bound("raise_exception()", arguments, {"message"});
    throw Fault{.what = to_text(heap, bound.required(0)).bytes, .raised = true};
  });
}

}  // namespace continuo::jinja
