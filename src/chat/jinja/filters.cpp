// What can stand behind |.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "chat/jinja/interpreter.h"
#include "text/utf8.h"

namespace continuo::jinja {

namespace {

using Filter = Value (*)(Interpreter& in, const Value& input, Arguments& arguments);

constexpr std::size_t kAll = std::string_view::npos;

Value whole_value(std::size_t n) { return Value(static_cast<std::int64_t>(n)); }

// ---- of texts ----

Value trim(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("trim", arguments, {"chars"});
  const MarkedText text = to_text(in.heap(), input);
  const MarkedText* const characters = bound.text(0);
  if (characters && characters->size() == 0) return in.text(text);
  return in.text(strip(text, characters ? std::string_view(characters->bytes) : std::string_view(), true, true));
}

template <Case Wanted>
Value change_case(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("upper", arguments, {});
  const MarkedText text = to_text(in.heap(), input);
  in.heap().spend(text.size() / 4);
  return in.text(with_case(text, Wanted));
}

// Words begin behind white space and - ( { [ <, unlike those of str.title().
Value title(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("title", arguments, {});
  const MarkedText text = to_text(in.heap(), input);
  const auto is_between = [&](std::size_t at, const Utf8Char& c) {
    return (c.valid && is_space(c.code)) || std::string_view("-({[<").find(text.bytes[at]) != kAll;
  };
  MarkedText out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    const bool between = is_between(at, utf8_at(text.bytes, at));
    while (end < text.size() && is_between(end, utf8_at(text.bytes, end)) == between)
      end += utf8_at(text.bytes, end).size;
    out.append(with_case(TextView(text).substr(at, end - at), Case::capitalized));
    at = end;
  }
  return in.text(std::move(out));
}

Value replace_filter(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("replace", arguments, {"old", "new", "count"});
  const bool has_count = bound[2] && !bound[2]->is_none();
  const std::int64_t count = has_count ? bound.whole(2, -1) : -1;
  const MarkedText text = to_text(in.heap(), input);
  return in.text(replace_within(in.heap(), text, to_text(in.heap(), bound.required(0)),
                                to_text(in.heap(), bound.required(1)),
                                count < 0 ? kAll : static_cast<std::size_t>(count)));
}

Value indent(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("indent", arguments, {"width", "first", "blank"});
  const std::int64_t width = bound[0] && bound[0]->text() ? 0 : std::clamp<std::int64_t>(bound.whole(0, 4), 0, 1000);
  const MarkedText before =
      bound[0] && bound[0]->text() ? *bound[0]->text() : MarkedText(std::string(static_cast<std::size_t>(width), ' '));
  const bool blank = bound.flag(2, false);
  MarkedText text = to_text(in.heap(), input);
  text.append("\n");
  const std::vector<TextView> lines = split_lines(text, false);
  in.heap().spend_bytes(text.size() + lines.size() * before.size());
  MarkedText out;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out.append("\n");
    if (i == 0 ? bound.flag(1, false) : blank || !lines[i].empty()) out.append(before);
    out.append(lines[i]);
  }
  return in.text(std::move(out));
}

Value escape(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("escape", arguments, {});
  MarkedText text = to_text(in.heap(), input);
  in.heap().spend_bytes(text.size() * 5);
  constexpr std::pair<std::string_view, std::string_view> kEscapes[] = {
      {"&", "&amp;"}, {">", "&gt;"}, {"<", "&lt;"}, {"'", "&#39;"}, {"\"", "&#34;"}};
  for (const auto& [character, instead] : kEscapes) text = replace(text, character, instead, kAll);
  return in.text(std::move(text));
}

Value to_string(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("string", arguments, {});
  return input.text() ? input : in.text(to_text(in.heap(), input));
}

Value to_json_filter(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style{.sort_keys = bound.flag(3, false), .ascii = bound.flag(0, false)};
  if (bound[1] && !bound[1]->is_none())
    style.indent = static_cast<int>(std::clamp<std::int64_t>(bound.whole(1, 0), 0, 100));
  if (style.indent >= 0) style.item_separator = ",";
  if (bound[2] && !bound[2]->is_none()) {
    const std::vector<Value> both = items_of(in.heap(), *bound[2]);
    if (both.size() != 2 || !both[0].text() || !both[1].text()) throw Fault{"tojson: separators are two strings"};
    style.item_separator = both[0].text()->bytes;
    style.key_separator = both[1].text()->bytes;
  }
  return in.text(to_json(in.heap(), input, style));
}

// ---- of numbers ----

std::optional<double> read_real(const MarkedText& text) {
  const std::string_view trimmed = strip(text, {}, true, true).bytes;
  double number = 0;
  const char* const begin = trimmed.data() + (trimmed.starts_with('+') ? 1 : 0);
  const auto [stop, failed] = std::from_chars(begin, trimmed.data() + trimmed.size(), number);
  if (trimmed.empty() || failed != std::errc() || stop != trimmed.data() + trimmed.size()) return std::nullopt;
  return number;
}

Value to_whole(Interpreter&, const Value& input, Arguments& arguments) {
  const Bound bound("int", arguments, {"default", "base"});
  if (bound.whole(1, 10) != 10) throw Fault{"int: another base than 10 is not supported"};
  const Value fallback = bound.get(0, Value(std::int64_t{0}));
  if (input.is_whole()) return Value(input.whole());
  std::optional<double> real;
  if (input.is<double>()) real = *input.get<double>();
  if (input.text()) {
    const std::string_view trimmed = strip(*input.text(), {}, true, true).bytes;
    std::int64_t number = 0;
    const char* const begin = trimmed.data() + (trimmed.starts_with('+') ? 1 : 0);
    const auto [stop, failed] = std::from_chars(begin, trimmed.data() + trimmed.size(), number);
    if (!trimmed.empty() && failed == std::errc() && stop == trimmed.data() + trimmed.size()) return Value(number);
    real = read_real(*input.text());
  }
  if (!real || !(std::fabs(*real) < 9.2e18)) return fallback;
  return Value(static_cast<std::int64_t>(std::trunc(*real)));
}

Value to_real(Interpreter&, const Value& input, Arguments& arguments) {
  const Bound bound("float", arguments, {"default"});
  if (input.is_number()) return Value(input.number());
  const std::optional<double> real = input.text() ? read_real(*input.text()) : std::nullopt;
  return real ? Value(*real) : bound.get(0, Value(0.0));
}

Value absolute(Interpreter&, const Value& input, Arguments& arguments) {
  const Bound none("abs", arguments, {});
  if (input.is<double>()) return Value(std::fabs(*input.get<double>()));
  return input.is_whole() && input.whole() >= 0 ? Value(input.whole()) : negative(input);
}

Value round_filter(Interpreter&, const Value& input, Arguments& arguments) {
  const Bound bound("round", arguments, {"precision", "method"});
  const std::int64_t precision = bound.whole(0, 0);
  const std::string method = bound.text(1) ? bound.text(1)->bytes : "common";
  if (!input.is_number()) throw Fault{fmt::format("round: {} is no number", kind_of(input))};
  if (precision != 0) throw Fault{"round: a precision is not supported"};
  const double number = input.number();
  if (method == "ceil") return Value(std::ceil(number));
  if (method == "floor") return Value(std::floor(number));
  return Value(std::nearbyint(number));  // halves to even
}

// ---- of sequences ----

Value length(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("length", arguments, {});
  return whole_value(length_of(in.heap(), input));
}

Value first(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("first", arguments, {});
  const std::vector<Value> items = items_of(in.heap(), input);
  return items.empty() ? Value(Undefined{}) : items.front();
}

Value last(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("last", arguments, {});
  if (input.list() && input.list()->kind == List::Kind::generator) throw Fault{"last: a generator has no last item"};
  const std::vector<Value> items = items_of(in.heap(), input);
  return items.empty() ? Value(Undefined{}) : items.back();
}

Value to_list(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("list", arguments, {});
  return in.heap().list(items_of(in.heap(), input));
}

Value reverse(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("reverse", arguments, {});
  if (input.text()) return slice(in.heap(), input, None{}, None{}, Value(std::int64_t{-1}));
  std::vector<Value> items = items_of(in.heap(), input);
  std::reverse(items.begin(), items.end());
  return in.heap().list(std::move(items), List::Kind::generator);
}

// item.a.b for "a.b"; a part that is a number is an index.
Value attribute_at(Interpreter& in, Value value, const Value& path) {
  if (!path.text()) return in.item(value, path);
  for (const TextView& part : split(*path.text(), ".", kAll, false)) {
    const bool is_index = !part.empty() && std::ranges::all_of(part.bytes, [](char c) { return c >= '0' && c <= '9'; });
    std::int64_t index = 0;
    if (is_index) std::from_chars(part.bytes.data(), part.bytes.data() + part.size(), index);
    value = in.item(value, is_index ? Value(index) : in.text(part));
  }
  return value;
}

Value join(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("join", arguments, {"d", "attribute"});
  const MarkedText between = bound[0] ? to_text(in.heap(), *bound[0]) : MarkedText();
  MarkedText all;
  bool begun = false;
  for (Value item : items_of(in.heap(), input)) {
    if (bound[1] && !bound[1]->is_none()) item = attribute_at(in, item, *bound[1]);
    const MarkedText text = to_text(in.heap(), item);
    in.heap().spend_bytes(text.size() + between.size());
    if (std::exchange(begun, true)) all.append(between);
    all.append(text);
  }
  return in.text(std::move(all));
}

// The items of what is true; of anything else, as in Jinja, none, even where it cannot be gone through.
std::vector<Value> items_if_true(Interpreter& in, const Value& input) {
  return is_true(input) ? items_of(in.heap(), input) : std::vector<Value>();
}

// The arguments behind the first `n`.
Arguments rest_of(const Arguments& arguments, std::size_t n) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() + static_cast<std::ptrdiff_t>(std::min(n, rest.positional.size())));
  return rest;
}

const MarkedText& name_of(const Arguments& arguments, std::size_t i, std::string_view filter) {
  if (arguments.positional.size() <= i || !arguments.positional[i].text())
    throw Fault{fmt::format("{} needs a name", filter)};
  return *arguments.positional[i].text();
}

Value map(Interpreter& in, const Value& input, Arguments& arguments) {
  std::vector<Value> items = items_if_true(in, input);
  if (arguments.positional.empty()) {
    const Bound bound("map", arguments, {"attribute", "default"});
    for (Value& item : items) {
      item = attribute_at(in, item, bound.required(0));
      if (item.is_undefined() && bound[1]) item = *bound[1];
    }
  } else {
    const MarkedText& filter = name_of(arguments, 0, "map");
    for (Value& item : items) {
      Arguments rest = rest_of(arguments, 1);
      item = apply_filter(in, filter.bytes, item, rest);
    }
  }
  return in.heap().list(std::move(items), List::Kind::generator);
}

// Keeps the items whose test, or the test of whose attribute, has the result `Keep`.
template <bool Keep, bool Attribute>
Value select(Interpreter& in, const Value& input, Arguments& arguments) {
  constexpr std::size_t kTest = Attribute ? 1 : 0;
  if (Attribute && arguments.positional.empty()) throw Fault{"selectattr needs the name of an attribute"};
  std::vector<Value> kept;
  for (const Value& item : items_if_true(in, input)) {
    const Value tested = Attribute ? attribute_at(in, item, arguments.positional[0]) : item;
    bool passes = false;
    if (arguments.positional.size() > kTest) {
      Arguments rest = rest_of(arguments, kTest + 1);
      passes = apply_test(in, name_of(arguments, kTest, "select").bytes, tested, rest);
    } else {
      passes = is_true(tested);
    }
    if (passes == Keep) kept.push_back(item);
  }
  return in.heap().list(std::move(kept), List::Kind::generator);
}

// What items are compared by: their attribute, texts without regard to case where that is asked.
Value sort_key(Interpreter& in, Value value, const Value* attribute, bool with_case_of_letters) {
  if (attribute && !attribute->is_none()) value = attribute_at(in, value, *attribute);
  return value.text() && !with_case_of_letters ? in.text(with_case(*value.text(), Case::lower)) : value;
}

using Keyed = std::vector<std::pair<Value, Value>>;  // key, item

void sort_by_key(Interpreter& in, Keyed& items, bool reverse) {
  std::stable_sort(items.begin(), items.end(), [&](const auto& a, const auto& b) {
    return reverse ? compare(in.heap(), a.first, b.first) > 0 : compare(in.heap(), a.first, b.first) < 0;
  });
}

Value list_of(Interpreter& in, const Keyed& items) {
  std::vector<Value> values;
  for (const auto& [key, item] : items) values.push_back(item);
  return in.heap().list(std::move(values));
}

Value sort(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("sort", arguments, {"reverse", "case_sensitive", "attribute"});
  Keyed items;
  for (const Value& item : items_of(in.heap(), input))
    items.emplace_back(sort_key(in, item, bound[2], bound.flag(1, false)), item);
  sort_by_key(in, items, bound.flag(0, false));
  return list_of(in, items);
}

Value dictsort(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("dictsort", arguments, {"case_sensitive", "by", "reverse"});
  if (!input.dict()) throw Fault{fmt::format("dictsort: {} is no mapping", kind_of(input))};
  const bool by_value = bound.text(1) && bound.text(1)->bytes == "value";
  Keyed items;
  for (const auto& [key, value] : input.dict()->entries) {
    items.emplace_back(sort_key(in, by_value ? value : key, nullptr, bound.flag(0, false)),
                       in.heap().list({key, value}, List::Kind::tuple));
  }
  sort_by_key(in, items, bound.flag(2, false));
  return list_of(in, items);
}

Value unique(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("unique", arguments, {"case_sensitive", "attribute"});
  std::vector<Value> keys, kept;
  for (const Value& item : items_of(in.heap(), input)) {
    const Value key = sort_key(in, item, bound[1], bound.flag(0, false));
    if (std::ranges::any_of(keys, [&](const Value& k) { return equal(in.heap(), k, key); })) continue;
    keys.push_back(key);
    kept.push_back(item);
  }
  return in.heap().list(std::move(kept), List::Kind::generator);
}

template <int Sign>
Value extreme(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("min", arguments, {"case_sensitive", "attribute"});
  Value best = Undefined{}, best_key;
  bool found = false;
  for (const Value& item : items_of(in.heap(), input)) {
    const Value key = sort_key(in, item, bound[1], bound.flag(0, false));
    if (found && compare(in.heap(), key, best_key) * Sign <= 0) continue;
    best = item;
    best_key = key;
    found = true;
  }
  return best;
}

Value sum(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("sum", arguments, {"attribute", "start"});
  Value total = bound.get(1, Value(std::int64_t{0}));
  for (Value item : items_of(in.heap(), input)) {
    if (bound[0] && !bound[0]->is_none()) item = attribute_at(in, item, *bound[0]);
    total = arithmetic(in.heap(), "+", total, item);
  }
  return total;
}

Value items(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound none("items", arguments, {});
  List* const all = in.heap().list(List::Kind::generator);
  if (input.is_undefined()) return all;
  if (!input.dict()) throw Fault{fmt::format("items: {} is no mapping", kind_of(input))};
  for (const auto& [key, value] : input.dict()->entries)
    all->items.push_back(in.heap().list({key, value}, List::Kind::tuple));
  return all;
}

Value default_value(Interpreter& in, const Value& input, Arguments& arguments) {
  const Bound bound("default", arguments, {"default_value", "boolean"});
  const bool replaced = input.is_undefined() || (bound.flag(1, false) && !is_true(input));
  return !replaced ? input : bound[0] ? *bound[0] : in.text({});
}

struct Row {
  std::string_view name;
  Filter filter;
};
constexpr Row kFilters[] = {
    {"trim", trim},
    {"upper", change_case<Case::upper>},
    {"lower", change_case<Case::lower>},
    {"capitalize", change_case<Case::capitalized>},
    {"title", title},
    {"replace", replace_filter},
    {"indent", indent},
    {"escape", escape},
    {"e", escape},
    {"safe", to_string},
    {"string", to_string},
    {"tojson", to_json_filter},
    {"int", to_whole},
    {"float", to_real},
    {"abs", absolute},
    {"round", round_filter},
    {"length", length},
    {"count", length},
    {"first", first},
    {"last", last},
    {"list", to_list},
    {"reverse", reverse},
    {"join", join},
    {"map", map},
    {"select", select<true, false>},
    {"reject", select<false, false>},
    {"selectattr", select<true, true>},
    {"rejectattr", select<false, true>},
    {"sort", sort},
    {"dictsort", dictsort},
    {"unique", unique},
    {"min", extreme<-1>},
    {"max", extreme<1>},
    {"sum", sum},
    {"items", items},
    {"default", default_value},
    {"d", default_value},
};

}  // namespace

Value apply_filter(Interpreter& in, std::string_view name, const Value& input, Arguments& arguments) {
  for (const Row& row : kFilters) {
    if (row.name == name) return row.filter(in, input, arguments);
  }
  throw Fault{fmt::format("the filter '{}' is not supported", name)};
}

}  // namespace continuo::jinja
