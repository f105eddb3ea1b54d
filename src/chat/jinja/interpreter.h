// Renders a template: walks over its tree with the values that it is given.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "chat/jinja/syntax.h"
#include "chat/jinja/value.h"

namespace continuo::jinja {

class Interpreter {
 public:
  // `scope` has the variables; the functions that all templates know are added. Both outlive the interpreter, and so
  // does what is rendered.
  Interpreter(Heap& heap, Scope& scope);

  // Throws Fault; line() then says where.
  MarkedText render(const Body& body);
  int line() const { return line_; }

  // ---- for filters, tests and methods ----
  Heap& heap() { return heap_; }
  Value text(MarkedText text) { return heap_.text(std::move(text)); }
  // value.name and value[key], undefined where there is none.
  Value attribute(const Value& value, std::string_view name);
  Value item(const Value& value, const Value& key);
  Value call(const Value& function, Arguments& arguments);

 private:
  enum class Flow : char { on, broken, continued };

  // ---- statements ----
  Flow run(const Body& body);
  Flow run(const Statement& statement);
  Flow run_in_scope(const Body& body);
  Flow run_branches(const Statement& statement);
  Flow run_loop(const Statement& statement);
  Flow run_with(const Statement& statement);
  List* loop_items(const Statement& statement);
  void print(const Value& value);
  void assign(const Expression& target, const Value& value);
  // The text that a body prints.
  MarkedText captured(const Body& body);
  Value through_filters(const Expression& filters, const Body& body);
  const Function* make_macro(const Statement& statement);
  Value call_macro(const Statement& macro, const Scope* around, Arguments& arguments);
  void call_block(const Statement& statement);

  // ---- expressions ----
  Value evaluate(const Expression& expression);
  Value evaluate_name(const Expression& expression);
  Value evaluate_list(const Expression& expression);
  Value evaluate_dict(const Expression& expression);
  Value evaluate_slice(const Expression& expression);
  Value evaluate_call(const Expression& expression);
  Value evaluate_filter(const Expression& expression);
  Value evaluate_test(const Expression& expression);
  Value evaluate_concat(const Expression& expression);
  Value evaluate_comparison(const Expression& expression);
  Value loop_attribute(const Loop& loop, std::string_view name);
  Arguments arguments_of(const Expression& expression);

  Heap& heap_;
  Scope* scope_;
  MarkedText out_;
  const Value* body_ = nullptr;  // of the block that is filtered
  int line_ = 0;
  int depth_ = 0;
};

// The arguments of a call by their names; a Fault where one has no name of `names`, or there are too many.
class Bound {
 public:
  Bound(std::string_view function, const Arguments& arguments, std::initializer_list<std::string_view> names);
  // Null: not given.
  const Value* operator[](std::size_t i) const { return values_[i]; }
  Value get(std::size_t i, Value fallback) const { return values_[i] ? *values_[i] : fallback; }
  const Value& required(std::size_t i) const;
  bool flag(std::size_t i, bool fallback) const { return values_[i] ? is_true(*values_[i]) : fallback; }
  std::int64_t whole(std::size_t i, std::int64_t fallback) const;
  // None counts as not given.
  const MarkedText* text(std::size_t i) const;

 private:
  std::string_view function_;
  std::vector<std::string_view> names_;
  std::vector<const Value*> values_;
};

// ---- operators.cpp ----
Value arithmetic(Heap& heap, std::string_view operation, const Value& a, const Value& b);
Value negative(const Value& value);
// As Python's slices do it: absent bounds are none or undefined.
Value slice(Heap& heap, const Value& value, const Value& begin, const Value& end, const Value& step);

// ---- filters.cpp, tests.cpp, methods.cpp, functions.cpp; a Fault names what is not supported ----
Value apply_filter(Interpreter& interpreter, std::string_view name, const Value& input, Arguments& arguments);
bool apply_test(Interpreter& interpreter, std::string_view name, const Value& value, Arguments& arguments);
// Undefined if Python's value has no method of that name.
Value method(Interpreter& interpreter, const Value& value, std::string_view name);
void add_functions(Heap& heap, Scope& scope);
// replace(), once it is known that the result is not too large.
MarkedText replace_within(Heap& heap, const MarkedText& text, const MarkedText& old, const MarkedText& replacement,
                          std::size_t most);

}  // namespace continuo::jinja
