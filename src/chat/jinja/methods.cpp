// The methods of Python's str, dict and list. Those that would change a value are refused, as in the sandbox that
// transformers renders in.
#include <fmt/format.h>

#include <algorithm>

#include "chat/jinja/interpreter.h"
#include "text/utf8.h"

namespace continuo::jinja {

Bound::Bound(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names)
    : function_(function), names_(names), values_(names.size(), nullptr) {
  if (arguments.positional.size() > names.size()) {
    throw Fault{fmt::format("{} takes at most {} arguments, {} are given", function, names.size(),
                            arguments.positional.size())};
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto known = std::ranges::find(names_, name);
    if (known == names_.end()) throw Fault{fmt::format("{} takes no argument '{}'", function, name)};
    values_[static_cast<std::size_t>(known - names_.begin())] = &value;
  }
}

const Value& Bound::required(std::size_t i) const {
  if (!values_[i]) throw Fault{fmt::format("{} needs its argument '{}'", function_, names_[i])};
  return *values_[i];
}

std::int64_t Bound::whole(std::size_t i, std::int64_t fallback) const {
  if (!values_[i]) return fallback;
  if (!values_[i]->is_whole())
    throw Fault{fmt::format("{}: '{}' is {}, expected a whole number", function_, names_[i], kind_of(*values_[i]))};
  return values_[i]->whole();
}

const MarkedText* Bound::text(std::size_t i) const {
  if (!values_[i] || values_[i]->is_none()) return nullptr;
  if (!values_[i]->text())
    throw Fault{fmt::format("{}: '{}' is {}, expected a string", function_, names_[i], kind_of(*values_[i]))};
  return values_[i]->text();
}

namespace {

using Text = const MarkedText&;
constexpr std::size_t kAll = std::string_view::npos;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_letter_or_digit(char c) { return is_digit(c) || is_letter(c); }
bool is_blank(char c) { return is_space(static_cast<unsigned char>(c)); }

// How often a part, which is not empty, stands in a text.
std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != kAll; at = text.find(part, at + part.size())) ++count;
  return count;
}

std::size_t as_count(std::int64_t most) { return most < 0 ? kAll : static_cast<std::size_t>(most); }

Value list_of(Interpreter& in, const std::vector<TextView>& parts) {
  std::vector<Value> items;
  for (const TextView& part : parts) items.push_back(in.text(part));
  return in.heap().list(std::move(items));
}

// ---- of strings ----

template <bool Left, bool Right>
Value do_strip(Interpreter& in, Text text, Arguments& arguments) {
  const Bound bound("strip()", arguments, {"chars"});
  const MarkedText* const characters = bound.text(0);
  if (characters && characters->size() == 0) return &text;
  const std::string_view set = characters ? std::string_view(characters->bytes) : std::string_view();
  in.heap().spend(text.size() * (set.size() + 1) / 16);
  return in.text(strip(text, set, Left, Right));
}

template <bool FromRight>
Value do_split(Interpreter& in, Text text, Arguments& arguments) {
  const Bound bound("split()", arguments, {"sep", "maxsplit"});
  const MarkedText* const separator = bound.text(0);
  const std::size_t most = as_count(bound.whole(1, -1));
  if (separator && separator->size() == 0) throw Fault{"split() has an empty separator"};
  spend_search(in.heap(), text.size(), separator ? separator->size() : 1);
  return list_of(in, separator ? split(text, separator->bytes, most, FromRight) : split_words(text, most, FromRight));
}

Value do_splitlines(Interpreter& in, Text text, Arguments& arguments) {
  return list_of(in, split_lines(text, Bound("splitlines()", arguments, {"keepends"}).flag(0, false)));
}

Value do_replace(Interpreter& in, Text text, Arguments& arguments) {
  const Bound bound("replace()", arguments, {"old", "new", "count"});
  bound.required(0), bound.required(1);
  return in.text(replace_within(in.heap(), text, *bound.text(0), *bound.text(1), as_count(bound.whole(2, -1))));
}

template <bool AtStart>
Value do_starts(Interpreter&, Text text, Arguments& arguments) {
  const Bound bound(AtStart ? "startswith()" : "endswith()", arguments, {"prefix"});
  const auto fits = [&](const Value& part) {
    if (!part.text()) throw Fault{fmt::format("startswith() is given {}, expected a string", kind_of(part))};
    const std::string_view all = text.bytes;
    return AtStart ? all.starts_with(part.text()->bytes) : all.ends_with(part.text()->bytes);
  };
  const Value& parts = bound.required(0);
  if (!parts.list()) return Value(fits(parts));
  return Value(std::ranges::any_of(parts.list()->items, fits));
}

template <Case Wanted>
Value do_case(Interpreter& in, Text text, Arguments& arguments) {
  const Bound none("upper()", arguments, {});
  in.heap().spend(text.size() / 4);
  return in.text(with_case(text, Wanted));
}

// A position of bytes as one of characters.
Value character_at(Text text, std::size_t at) {
  if (at == kAll) return Value(std::int64_t{-1});
  return Value(static_cast<std::int64_t>(count_characters(std::string_view(text.bytes).substr(0, at))));
}

template <bool FromRight>
Value do_find(Interpreter& in, Text text, Arguments& arguments) {
  const Bound bound("find()", arguments, {"sub"});
  bound.required(0);
  const std::string& part = bound.text(0)->bytes;
  spend_search(in.heap(), text.size(), part.size());
  return character_at(text, FromRight ? text.bytes.rfind(part) : text.bytes.find(part));
}

Value do_index(Interpreter& in, Text text, Arguments& arguments) {
  const Value at = do_find<false>(in, text, arguments);
  if (at.whole() < 0) throw Fault{"index(): the string does not hold what is looked for"};
  return at;
}

Value do_count(Interpreter& in, Text text, Arguments& arguments) {
  const Bound bound("count()", arguments, {"sub"});
  bound.required(0);
  const std::string& part = bound.text(0)->bytes;
  spend_search(in.heap(), text.size(), part.size());
  if (part.empty()) return Value(static_cast<std::int64_t>(count_characters(text.bytes) + 1));
  return Value(static_cast<std::int64_t>(count_of(text.bytes, part)));
}

Value do_join(Interpreter& in, Text text, Arguments& arguments) {
  const Bound bound("join()", arguments, {"iterable"});
  MarkedText all;
  bool first = true;
  for (const Value& item : items_of(in.heap(), bound.required(0))) {
    if (!item.text()) throw Fault{fmt::format("join() is given {}, expected a string", kind_of(item))};
    in.heap().spend_bytes(text.size() + item.text()->size());
    if (!std::exchange(first, false)) all.append(text);
    all.append(*item.text());
  }
  return in.text(std::move(all));
}

// What stands for {}, {0} or {name}; nothing if there is none of them.
const Value* replacement(const Arguments& arguments, std::string_view name, std::size_t& next) {
  const bool is_number = !name.empty() && std::ranges::all_of(name, is_digit);
  if (name.empty() || (is_number && name.size() < 4)) {
    const std::size_t i = name.empty() ? next++ : std::stoul(std::string(name));
    return i < arguments.positional.size() ? &arguments.positional[i] : nullptr;
  }
  const auto found = std::ranges::find(arguments.named, name, &std::pair<std::string_view, Value>::first);
  return found == arguments.named.end() ? nullptr : &found->second;
}

Value do_format(Interpreter& in, Text text, Arguments& arguments) {
  MarkedText out;
  std::size_t next = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text.bytes[at];
    const bool doubled = text.bytes.compare(at, 2, "{{") == 0 || text.bytes.compare(at, 2, "}}") == 0;
    if ((c != '{' && c != '}') || doubled) {
      out.append(TextView(text).substr(at, 1));
      at += doubled ? 2 : 1;
      continue;
    }
    const std::size_t end = text.bytes.find('}', at);
    if (c == '}' || end == kAll) throw Fault{"format(): a brace is not closed"};
    const std::string_view name = std::string_view(text.bytes).substr(at + 1, end - at - 1);
    if (name.find_first_of(":!.[") != kAll) throw Fault{fmt::format("format(): {{{}}} is not supported", name)};
    const Value* const value = replacement(arguments, name, next);
    if (!value) throw Fault{fmt::format("format(): nothing is given for {{{}}}", name)};
    out.append(to_text(in.heap(), *value));
    in.heap().spend_bytes(out.size() / 16);
    at = end + 1;
  }
  return in.text(std::move(out));
}

template <bool Prefix>
Value do_remove(Interpreter& in, Text text, Arguments& arguments) {
  const Bound bound("removeprefix()", arguments, {"prefix"});
  bound.required(0);
  const std::string& part = bound.text(0)->bytes;
  const std::string_view all = text.bytes;
  if (Prefix ? !all.starts_with(part) : !all.ends_with(part)) return &text;
  return in.text(TextView(text).substr(Prefix ? part.size() : 0, text.size() - part.size()));
}

// Of ASCII; a character outside of it is refused rather than judged.
template <bool (*Fits)(char)>
Value do_is(Interpreter&, Text text, Arguments& arguments) {
  const Bound none("isdigit()", arguments, {});
  if (!std::ranges::all_of(text.bytes, [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    throw Fault{"the kinds of characters outside of ASCII are not supported"};
  return Value(text.size() > 0 && std::ranges::all_of(text.bytes, Fits));
}

template <Case Wanted>
Value do_is_case(Interpreter&, Text text, Arguments& arguments) {
  const Bound none("isupper()", arguments, {});
  const bool has_case = with_case(text, Case::upper).bytes != with_case(text, Case::lower).bytes;
  return Value(has_case && with_case(text, Wanted).bytes == text.bytes);
}

struct TextMethod {
  std::string_view name;
  Value (*call)(Interpreter&, Text, Arguments&);
};
constexpr TextMethod kTextMethods[] = {
    {"strip", do_strip<true, true>},
    {"lstrip", do_strip<true, false>},
    {"rstrip", do_strip<false, true>},
    {"split", do_split<false>},
    {"rsplit", do_split<true>},
    {"splitlines", do_splitlines},
    {"replace", do_replace},
    {"startswith", do_starts<true>},
    {"endswith", do_starts<false>},
    {"upper", do_case<Case::upper>},
    {"lower", do_case<Case::lower>},
    {"capitalize", do_case<Case::capitalized>},
    {"title", do_case<Case::title>},
    {"find", do_find<false>},
    {"rfind", do_find<true>},
    {"index", do_index},
    {"count", do_count},
    {"join", do_join},
    {"format", do_format},
    {"removeprefix", do_remove<true>},
    {"removesuffix", do_remove<false>},
    {"isdigit", do_is<is_digit>},
    {"isdecimal", do_is<is_digit>},
    {"isnumeric", do_is<is_digit>},
    {"isalpha", do_is<is_letter>},
    {"isalnum", do_is<is_letter_or_digit>},
    {"isspace", do_is<is_blank>},
    {"isupper", do_is_case<Case::upper>},
    {"islower", do_is_case<Case::lower>},
};
constexpr std::string_view kOtherTextMethods[] = {
    "casefold",     "center",      "encode",     "expandtabs", "format_map", "isascii",
    "isidentifier", "isprintable", "istitle",    "ljust",      "maketrans",  "partition",
    "rindex",       "rjust",       "rpartition", "swapcase",   "translate",  "zfill"};

// ---- of mappings ----

Value do_get(Interpreter& in, Dict& dict, Arguments& arguments) {
  const Bound bound("get()", arguments, {"key", "default"});
  const Value* const found = find_entry(in.heap(), dict, bound.required(0));
  return found ? *found : bound.get(1, None{});
}

Value do_items(Interpreter& in, Dict& dict, Arguments& arguments) {
  const Bound none("items()", arguments, {});
  std::vector<Value> items;
  for (const auto& [key, value] : dict.entries) items.push_back(in.heap().list({key, value}, List::Kind::tuple));
  return in.heap().list(std::move(items), List::Kind::view);
}

template <bool Keys>
Value do_keys(Interpreter& in, Dict& dict, Arguments& arguments) {
  const Bound none("keys()", arguments, {});
  std::vector<Value> items;
  for (const auto& [key, value] : dict.entries) items.push_back(Keys ? key : value);
  return in.heap().list(std::move(items), List::Kind::view);
}

Value do_copy(Interpreter& in, Dict& dict, Arguments& arguments) {
  const Bound none("copy()", arguments, {});
  Dict* const copy = in.heap().dict();
  in.heap().spend_bytes(dict.entries.size() * sizeof(Value));
  copy->entries = dict.entries;
  return copy;
}

struct DictMethod {
  std::string_view name;
  Value (*call)(Interpreter&, Dict&, Arguments&);
};
constexpr DictMethod kDictMethods[] = {
    {"get", do_get}, {"items", do_items}, {"keys", do_keys<true>}, {"values", do_keys<false>}, {"copy", do_copy},
};
constexpr std::string_view kOtherDictMethods[] = {"clear", "fromkeys", "pop", "popitem", "setdefault", "update"};

// ---- of lists ----

Value do_list_index(Interpreter& in, List& list, Arguments& arguments) {
  const Bound bound("index()", arguments, {"value"});
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    if (equal(in.heap(), list.items[i], bound.required(0))) return Value(static_cast<std::int64_t>(i));
  }
  throw Fault{"index(): the list does not hold what is looked for"};
}

Value do_list_count(Interpreter& in, List& list, Arguments& arguments) {
  const Bound bound("count()", arguments, {"value"});
  return Value(static_cast<std::int64_t>(
      std::ranges::count_if(list.items, [&](const Value& item) { return equal(in.heap(), item, bound.required(0)); })));
}

struct ListMethod {
  std::string_view name;
  Value (*call)(Interpreter&, List&, Arguments&);
};
constexpr ListMethod kListMethods[] = {{"index", do_list_index}, {"count", do_list_count}};
constexpr std::string_view kOtherListMethods[] = {"append", "clear",  "copy",    "extend", "insert",
                                                  "pop",    "remove", "reverse", "sort"};

const Function* refused(Interpreter& in, std::string_view kind, std::string_view name) {
  return in.heap().function(std::string(name),
                            [what = fmt::format("the method {}() of a {} is not supported", name, kind)](
                                Arguments&) -> Value { throw Fault{what}; });
}

template <class Methods, class Others, class Object>
Value method_of(Interpreter& in, const Methods& methods, const Others& others, Object& object, std::string_view kind,
                std::string_view name) {
  for (const auto& row : methods) {
    if (row.name != name) continue;
    return in.heap().function(std::string(name), [&in, &object, call = row.call](Arguments& arguments) {
      return call(in, object, arguments);
    });
  }
  if (std::ranges::find(others, name) != std::end(others)) return refused(in, kind, name);
  return Undefined{name};
}

}  // namespace

MarkedText replace_within(Heap& heap, const MarkedText& text, const MarkedText& old, const MarkedText& replacement,
                          std::size_t most) {
  spend_search(heap, text.size(), old.size());
  const std::size_t found = old.size() == 0 ? text.size() + 1 : count_of(text.bytes, old.bytes);
  heap.spend_bytes(text.size() + std::min(found, most) * replacement.size());
  return replace(text, old.bytes, replacement, most);
}

Value method(Interpreter& in, const Value& value, std::string_view name) {
  if (value.text()) return method_of(in, kTextMethods, kOtherTextMethods, *value.text(), "string", name);
  if (value.dict()) return method_of(in, kDictMethods, kOtherDictMethods, *value.dict(), "mapping", name);
  if (value.list() && value.list()->kind <= List::Kind::tuple)
    return method_of(in, kListMethods, kOtherListMethods, *value.list(), "list", name);
  return Undefined{name};
}

}  // namespace continuo::jinja
