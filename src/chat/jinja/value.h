// The values of a template while it is rendered: Python's, as far as templates see them. A Heap owns all of them
// until the rendering ends, and counts what they take; a Value is a number or a pointer into it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "chat/jinja/marked_text.h"

namespace continuo::jinja {

// Thrown by the parser and while rendering; chat_template.cpp makes an Error of it.
struct Fault {
  std::string what;
  int line = 0;
  bool raised = false;  // by the template's own raise_exception()
};

struct Undefined {
  std::string_view name = {};  // what was looked for, for messages
};
struct None {};

struct List;
struct Dict;
struct Function;
struct Loop;

class Value {
 public:
  Value() = default;
  Value(Undefined undefined) : value_(undefined) {}
  Value(None none) : value_(none) {}
  explicit Value(bool flag) : value_(flag) {}
  explicit Value(std::int64_t number) : value_(number) {}
  explicit Value(double number) : value_(number) {}
  Value(const MarkedText* text) : value_(text) {}
  Value(List* list) : value_(list) {}
  Value(Dict* dict) : value_(dict) {}
  Value(const Function* function) : value_(function) {}
  Value(const Loop* loop) : value_(loop) {}

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(value_);
  }
  // Null where it is of another kind.
  template <class T>
  const T* get() const {
    return std::get_if<T>(&value_);
  }
  const MarkedText* text() const { return pointer<const MarkedText*>(); }
  List* list() const { return pointer<List*>(); }
  Dict* dict() const { return pointer<Dict*>(); }
  const Function* function() const { return pointer<const Function*>(); }
  const Loop* loop() const { return pointer<const Loop*>(); }

  bool is_undefined() const { return is<Undefined>(); }
  bool is_none() const { return is<None>(); }
  bool is_number() const { return is<bool>() || is<std::int64_t>() || is<double>(); }
  // Of a whole number; True is 1.
  bool is_whole() const { return is<bool>() || is<std::int64_t>(); }
  std::int64_t whole() const { return is<bool>() ? std::int64_t{*get<bool>()} : *get<std::int64_t>(); }
  double number() const { return is<double>() ? *get<double>() : static_cast<double>(whole()); }

 private:
  template <class Pointer>
  Pointer pointer() const {
    const auto* held = std::get_if<Pointer>(&value_);
    return held ? *held : nullptr;
  }

  std::variant<Undefined, None, bool, std::int64_t, double, const MarkedText*, List*, Dict*, const Function*,
               const Loop*>
      value_;
};

struct List {
  // A view is what dict.items() gives; a generator is what select() gives: true whatever it holds, without a length,
  // empty once it was gone through.
  enum class Kind : char { list, tuple, view, generator };
  std::vector<Value> items;
  Kind kind = Kind::list;
};

struct Dict {
  std::vector<std::pair<Value, Value>> entries;  // in the order in which they came
  bool is_namespace = false;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string_view, Value>> named;
};

struct Function {
  std::string name;
  std::function<Value(Arguments&)> call;
};

// What `loop` is inside a for.
struct Loop {
  const std::vector<Value>* items = nullptr;
  std::size_t index = 0;  // from 0
  std::size_t depth = 1;
  mutable Value changed;  // what loop.changed() saw last
  mutable bool has_changed = false;
};

struct Scope {
  const Scope* parent = nullptr;
  std::vector<std::pair<std::string_view, Value>> names;
  const Value* find(std::string_view name) const;
  void set(std::string_view name, Value value);
};

// What a rendering may take.
struct Limits {
  std::uint64_t steps = 0;
  std::size_t bytes = 0;  // of all texts that are made, the rendered one among them
};

class Heap {
 public:
  explicit Heap(Limits limits) : limits_(limits) {}

  Value text(MarkedText text);
  List* list(List::Kind kind = List::Kind::list);
  List* list(std::vector<Value> items, List::Kind kind = List::Kind::list);
  Dict* dict();
  const Function* function(std::string name, std::function<Value(Arguments&)> call);
  Loop* loop(Loop loop);
  Scope* scope(const Scope* parent);

  // Throw a Fault once the limits are passed.
  void spend(std::uint64_t steps);
  void spend_bytes(std::size_t bytes);

 private:
  Limits limits_;
  std::deque<MarkedText> texts_;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::deque<Function> functions_;
  std::deque<Loop> loops_;
  std::deque<Scope> scopes_;
};

// ---- as Python's operators on values ----

bool is_true(const Value& value);
// "a string", "a list"; with the name of what is undefined.
std::string kind_of(const Value& value);
bool equal(Heap& heap, const Value& a, const Value& b);
// -1, 0 or 1; a Fault where Python does not compare them.
int compare(Heap& heap, const Value& a, const Value& b);
// The items of what can be gone through: a list's own, a dict's keys, a text's characters.
std::vector<Value> items_of(Heap& heap, const Value& value);
std::size_t length_of(Heap& heap, const Value& value);
bool contains(Heap& heap, const Value& container, const Value& value);
// For looking for a part in a text, of so many bytes each: at the worst each byte of the one meets each of the other.
void spend_search(Heap& heap, std::size_t size, std::size_t part);

// Null if there is none. A namespace's variables are its entries too.
Value* find_entry(Heap& heap, Dict& dict, const Value& key);
Value* find_entry(Heap& heap, Dict& dict, std::string_view key);
void set_entry(Heap& heap, Dict& dict, const Value& key, Value value);

// ---- as texts ----

// str(): what {{ }} prints, and the text of a text itself.
MarkedText to_text(Heap& heap, const Value& value);
// repr().
MarkedText representation(Heap& heap, const Value& value);

struct JsonStyle {
  int indent = -1;  // -1: on one line
  std::string item_separator = ", ", key_separator = ": ";
  bool sort_keys = false, ascii = false;
};
// json.dumps().
MarkedText to_json(Heap& heap, const Value& value, const JsonStyle& style);

}  // namespace continuo::jinja
