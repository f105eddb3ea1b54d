#include "chat/jinja/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "text/utf8.h"

namespace continuo::jinja {

namespace {

constexpr int kDeepest = 64;             // of values in values, where they are compared
constexpr std::size_t kBytesAStep = 16;  // that are looked at in the time of a step

}  // namespace

const Value* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope; scope = scope->parent) {
    for (const auto& [key, value] : scope->names) {
      if (key == name) return &value;
    }
  }
  return nullptr;
}

void Scope::set(std::string_view name, Value value) {
  for (auto& [key, old] : names) {
    if (key == name) {
      old = value;
      return;
    }
  }
  names.emplace_back(name, value);
}

// ---- the heap ----

void Heap::spend(std::uint64_t steps) {
  if (steps > limits_.steps) throw Fault{"it takes too many steps for the messages that it is given"};
  limits_.steps -= steps;
}

void Heap::spend_bytes(std::size_t bytes) {
  spend(bytes / kBytesAStep);
  if (bytes > limits_.bytes) throw Fault{"it takes too much memory for the messages that it is given"};
  limits_.bytes -= bytes;
}

Value Heap::text(MarkedText text) {
  spend_bytes(text.size() + sizeof(MarkedText));
  return &texts_.emplace_back(std::move(text));
}

List* Heap::list(List::Kind kind) {
  spend_bytes(sizeof(List));
  lists_.emplace_back().kind = kind;
  return &lists_.back();
}

List* Heap::list(std::vector<Value> items, List::Kind kind) {
  spend_bytes(items.size() * sizeof(Value));
  List* const made = list(kind);
  made->items = std::move(items);
  return made;
}

Dict* Heap::dict() {
  spend_bytes(sizeof(Dict));
  return &dicts_.emplace_back();
}

const Function* Heap::function(std::string name, std::function<Value(Arguments&)> call) {
  spend_bytes(sizeof(Function) + sizeof(Value));
  return &functions_.emplace_back(Function{std::move(name), std::move(call)});
}

Loop* Heap::loop(Loop loop) {
  spend_bytes(sizeof(Loop));
  return &loops_.emplace_back(loop);
}

Scope* Heap::scope(const Scope* parent) {
  spend_bytes(sizeof(Scope));
  scopes_.emplace_back().parent = parent;
  return &scopes_.back();
}

// ---- operators ----

bool is_true(const Value& value) {
  if (value.is_undefined() || value.is_none()) return false;
  if (value.is<double>()) return *value.get<double>() != 0;
  if (value.is_whole()) return value.whole() != 0;
  if (value.text()) return value.text()->size() > 0;
  if (const List* const list = value.list()) return list->kind == List::Kind::generator || !list->items.empty();
  if (const Dict* const dict = value.dict()) return dict->is_namespace || !dict->entries.empty();
  return true;
}

std::string kind_of(const Value& value) {
  if (const auto* const undefined = value.get<Undefined>())
    return undefined->name.empty() ? "undefined" : fmt::format("undefined ('{}')", undefined->name);
  if (value.is_none()) return "None";
  if (value.is<bool>()) return "a boolean";
  if (value.is<std::int64_t>()) return "a whole number";
  if (value.is<double>()) return "a number";
  if (value.text()) return "a string";
  if (value.list()) return value.list()->kind == List::Kind::generator ? "a generator" : "a list";
  if (value.dict()) return value.dict()->is_namespace ? "a namespace" : "a mapping";
  return value.loop() ? "the loop" : "a function";
}

namespace {

bool equal_at(Heap& heap, const Value& a, const Value& b, int depth) {
  if (depth > kDeepest) throw Fault{"values that nest too deep are compared"};
  heap.spend(1);
  if (a.is_number() && b.is_number()) {
    return a.is_whole() && b.is_whole() ? a.whole() == b.whole() : a.number() == b.number();
  }
  if (a.text() && b.text()) {
    heap.spend(std::min(a.text()->size(), b.text()->size()) / kBytesAStep);
    return a.text()->bytes == b.text()->bytes;
  }
  if (a.list() && b.list()) {
    const List &x = *a.list(), &y = *b.list();
    if (x.kind != y.kind || x.items.size() != y.items.size()) return false;
    if (x.kind == List::Kind::generator) return &x == &y;
    return std::equal(x.items.begin(), x.items.end(), y.items.begin(),
                      [&](const Value& p, const Value& q) { return equal_at(heap, p, q, depth + 1); });
  }
  if (a.dict() && b.dict()) {
    Dict &x = *a.dict(), &y = *b.dict();
    if (x.is_namespace || y.is_namespace) return &x == &y;
    if (x.entries.size() != y.entries.size()) return false;
    return std::all_of(x.entries.begin(), x.entries.end(), [&](const auto& entry) {
      const Value* const other = find_entry(heap, y, entry.first);
      return other && equal_at(heap, entry.second, *other, depth + 1);
    });
  }
  if (a.is_undefined() && b.is_undefined()) return true;
  if (a.is_none() && b.is_none()) return true;
  if (a.function() && b.function()) return a.function() == b.function();
  return a.loop() && a.loop() == b.loop();
}

template <class T>
int order(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int compare_at(Heap& heap, const Value& a, const Value& b, int depth) {
  if (depth > kDeepest) throw Fault{"values that nest too deep are compared"};
  heap.spend(1);
  if (a.is_whole() && b.is_whole()) return order(a.whole(), b.whole());
  if (a.is_number() && b.is_number()) return order(a.number(), b.number());
  if (a.text() && b.text()) {
    heap.spend(std::min(a.text()->size(), b.text()->size()) / kBytesAStep);
    return order(a.text()->bytes.compare(b.text()->bytes), 0);  // of UTF-8 as of code points
  }
  if (a.list() && b.list() && a.list()->kind == b.list()->kind && a.list()->kind <= List::Kind::tuple) {
    const auto &x = a.list()->items, &y = b.list()->items;
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
      if (!equal(heap, x[i], y[i])) return compare_at(heap, x[i], y[i], depth + 1);
    }
    return order(x.size(), y.size());
  }
  throw Fault{fmt::format("{} and {} have no order", kind_of(a), kind_of(b))};
}

}  // namespace

bool equal(Heap& heap, const Value& a, const Value& b) { return equal_at(heap, a, b, 0); }
int compare(Heap& heap, const Value& a, const Value& b) { return compare_at(heap, a, b, 0); }

std::vector<Value> items_of(Heap& heap, const Value& value) {
  std::vector<Value> items;
  if (value.is_undefined()) return items;
  if (List* const list = value.list()) {
    heap.spend(list->items.size());
    if (list->kind == List::Kind::generator) return std::exchange(list->items, {});
    return list->items;
  }
  if (const Dict* const dict = value.dict(); dict && !dict->is_namespace) {
    heap.spend(dict->entries.size());
    for (const auto& [key, entry] : dict->entries) items.push_back(key);
    return items;
  }
  if (!value.text()) throw Fault{fmt::format("{} cannot be gone through", kind_of(value))};
  const TextView text = *value.text();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = utf8_at(text.bytes, at).size;
    items.push_back(heap.text(text.substr(at, size)));
    at += size;
  }
  return items;
}

std::size_t length_of(Heap& heap, const Value& value) {
  if (value.is_undefined()) return 0;
  if (value.list() && value.list()->kind != List::Kind::generator) return value.list()->items.size();
  if (value.dict() && !value.dict()->is_namespace) return value.dict()->entries.size();
  if (!value.text()) throw Fault{fmt::format("{} has no length", kind_of(value))};
  heap.spend(value.text()->size() / kBytesAStep);
  return count_characters(value.text()->bytes);
}

void spend_search(Heap& heap, std::size_t size, std::size_t part) {
  heap.spend(1 + size * std::min(size, part) / kBytesAStep);
}

bool contains(Heap& heap, const Value& container, const Value& value) {
  if (container.text()) {
    if (!value.text()) throw Fault{fmt::format("{} is looked for in a string", kind_of(value))};
    spend_search(heap, container.text()->size(), value.text()->size());
    return container.text()->bytes.find(value.text()->bytes) != std::string::npos;
  }
  if (container.dict() && !container.dict()->is_namespace) return find_entry(heap, *container.dict(), value) != nullptr;
  const std::vector<Value> items = items_of(heap, container);
  return std::any_of(items.begin(), items.end(), [&](const Value& item) { return equal(heap, item, value); });
}

Value* find_entry(Heap& heap, Dict& dict, const Value& key) {
  if (key.text()) return find_entry(heap, dict, key.text()->bytes);
  for (auto& [name, value] : dict.entries) {
    if (equal(heap, name, key)) return &value;
  }
  return nullptr;
}

Value* find_entry(Heap& heap, Dict& dict, std::string_view key) {
  heap.spend(1 + dict.entries.size() / kBytesAStep);
  for (auto& [name, value] : dict.entries) {
    if (name.text() && name.text()->bytes == key) return &value;
  }
  return nullptr;
}

void set_entry(Heap& heap, Dict& dict, const Value& key, Value value) {
  if (key.list() || key.dict() || key.is_undefined()) throw Fault{fmt::format("{} is no key", kind_of(key))};
  if (Value* const old = find_entry(heap, dict, key)) {
    *old = value;
    return;
  }
  heap.spend_bytes(2 * sizeof(Value));
  dict.entries.emplace_back(key, value);
}

}  // namespace continuo::jinja
