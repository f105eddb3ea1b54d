#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chat/jinja/interpreter.h"

namespace continuo::jinja {

namespace {

constexpr std::int64_t kMostRepeats = 1 << 24;

[[noreturn]] void no_such(std::string_view operation, const Value& a, const Value& b) {
  throw Fault{fmt::format("{} {} {} has no meaning", kind_of(a), operation, kind_of(b))};
}

[[noreturn]] void too_large() { throw Fault{"a whole number is too large"}; }

// Rounded down, as in Python.
std::int64_t floor_divide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

Value whole_power(std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  if (base == 0 || base == 1) return Value(exponent == 0 ? std::int64_t{1} : base);
  if (exponent > 64) too_large();
  std::int64_t power = 1;
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(power, base, &power)) too_large();
  }
  return Value(power);
}

Value whole_arithmetic(std::string_view operation, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (operation == "**") return whole_power(a, b);
  if (operation == "+" || operation == "-" || operation == "*") {
    const bool overflow = operation == "+"   ? __builtin_add_overflow(a, b, &result)
                          : operation == "-" ? __builtin_sub_overflow(a, b, &result)
                                             : __builtin_mul_overflow(a, b, &result);
    if (overflow) too_large();
    return Value(result);
  }
  if (b == 0) throw Fault{"a division by zero"};
  if (operation == "/") return Value(static_cast<double>(a) / static_cast<double>(b));
  if (a == INT64_MIN && b == -1) too_large();
  const std::int64_t quotient = floor_divide(a, b);
  return Value(operation == "//" ? quotient : a - quotient * b);
}

Value real_arithmetic(std::string_view operation, double a, double b) {
  if (operation == "+") return Value(a + b);
  if (operation == "-") return Value(a - b);
  if (operation == "*") return Value(a * b);
  if (operation == "**") return Value(std::pow(a, b));
  if (b == 0) throw Fault{"a division by zero"};
  if (operation == "/") return Value(a / b);
  const double quotient = std::floor(a / b);
  return Value(operation == "//" ? quotient : a - quotient * b);
}

Value repeated(Heap& heap, const Value& value, std::int64_t times) {
  times = std::clamp<std::int64_t>(times, 0, kMostRepeats);
  if (const MarkedText* const text = value.text()) {
    MarkedText all;
    for (std::int64_t i = 0; i < times; ++i) {
      heap.spend(1);
      heap.spend_bytes(text->size());
      all.append(*text);
    }
    return heap.text(std::move(all));
  }
  List* const all = heap.list(value.list()->kind);
  for (std::int64_t i = 0; i < times; ++i) {
    heap.spend(1);
    heap.spend_bytes(value.list()->items.size() * sizeof(Value));
    all->items.insert(all->items.end(), value.list()->items.begin(), value.list()->items.end());
  }
  return all;
}

bool is_sequence(const Value& value) {
  return value.text() || (value.list() && value.list()->kind <= List::Kind::tuple);
}

}  // namespace

Value arithmetic(Heap& heap, std::string_view operation, const Value& a, const Value& b) {
  if (a.is_whole() && b.is_whole()) return whole_arithmetic(operation, a.whole(), b.whole());
  if (a.is_number() && b.is_number()) return real_arithmetic(operation, a.number(), b.number());
  if (operation == "*" && is_sequence(a) && b.is_whole()) return repeated(heap, a, b.whole());
  if (operation == "*" && is_sequence(b) && a.is_whole()) return repeated(heap, b, a.whole());
  if (operation == "%" && a.text()) throw Fault{"the operator % of a string is not supported"};
  if (operation != "+" || !is_sequence(a) || !is_sequence(b)) no_such(operation, a, b);
  if (a.text() && b.text()) {
    MarkedText both = *a.text();
    both.append(*b.text());
    return heap.text(std::move(both));
  }
  if (!a.list() || !b.list() || a.list()->kind != b.list()->kind) no_such(operation, a, b);
  std::vector<Value> both = a.list()->items;
  both.insert(both.end(), b.list()->items.begin(), b.list()->items.end());
  return heap.list(std::move(both), a.list()->kind);
}

Value negative(const Value& value) {
  if (value.is<double>()) return Value(-*value.get<double>());
  if (!value.is_whole()) throw Fault{fmt::format("{} has no sign", kind_of(value))};
  if (value.whole() == INT64_MIN) too_large();
  return Value(-value.whole());
}

namespace {

bool is_absent(const Value& bound) { return bound.is_undefined() || bound.is_none(); }

// A bound of a slice as a position from -1 to size: one that is negative counts from the end.
std::int64_t position(const Value& bound, std::int64_t fallback, std::int64_t least, std::int64_t most,
                      std::int64_t size) {
  if (is_absent(bound)) return fallback;
  if (!bound.is_whole()) throw Fault{fmt::format("{} bounds a slice", kind_of(bound))};
  const std::int64_t at = bound.whole();
  return std::clamp(at < 0 ? std::max(at, -size - 1) + size : at, least, most);
}

}  // namespace

Value slice(Heap& heap, const Value& value, const Value& begin, const Value& end, const Value& step_value) {
  if (value.is_undefined()) throw Fault{fmt::format("{} has no items", kind_of(value))};
  if (!is_sequence(value)) return Undefined{};
  const std::int64_t step = is_absent(step_value) ? 1 : step_value.is_whole() ? step_value.whole() : 0;
  if (step == 0) throw Fault{"a slice has no step"};
  const MarkedText* const text = value.text();
  const std::vector<std::size_t> offsets = text ? character_offsets(text->bytes) : std::vector<std::size_t>();
  const auto size = static_cast<std::int64_t>(text ? offsets.size() - 1 : value.list()->items.size());
  heap.spend(static_cast<std::uint64_t>(size) / 4);
  const bool forward = step > 0;
  const std::int64_t least = forward ? 0 : -1, most = forward ? size : size - 1;
  const std::int64_t from = position(begin, forward ? 0 : size - 1, least, most, size);
  const std::int64_t to = position(end, forward ? size : -1, least, most, size);
  std::vector<std::size_t> taken;
  for (std::int64_t at = from; forward ? at < to : at > to;) {
    taken.push_back(static_cast<std::size_t>(at));
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  if (!text) {
    std::vector<Value> items;
    for (const std::size_t at : taken) items.push_back(value.list()->items[at]);
    return heap.list(std::move(items), value.list()->kind);
  }
  if (step == 1) {
    const std::size_t first = offsets[static_cast<std::size_t>(from)];
    const std::size_t last = offsets[static_cast<std::size_t>(std::max(from, to))];
    return heap.text(TextView(*text).substr(first, last - first));
  }
  MarkedText out;
  for (const std::size_t at : taken) out.append(TextView(*text).substr(offsets[at], offsets[at + 1] - offsets[at]));
  return heap.text(std::move(out));
}

}  // namespace continuo::jinja
