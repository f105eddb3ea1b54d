// Expressions, and what of a value can be reached.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "chat/jinja/interpreter.h"
#include "text/utf8.h"

namespace continuo::jinja {

namespace {

constexpr int kDeepest = 1000;

}  // namespace

Value Interpreter::evaluate(const Expression& expression) {
  using Kind = Expression::Kind;
  heap_.spend(1);
  if (++depth_ > kDeepest) throw Fault{"it nests too deep"};
  if (expression.line > 0) line_ = expression.line;
  const auto part = [&](std::size_t i) { return evaluate(expression.parts[i]); };
  Value value;
  switch (expression.kind) {
    case Kind::literal:
      value = expression.value;
      break;
    case Kind::name:
      value = evaluate_name(expression);
      break;
    case Kind::list:
    case Kind::tuple:
      value = evaluate_list(expression);
      break;
    case Kind::dict:
      value = evaluate_dict(expression);
      break;
    case Kind::attribute:
      value = attribute(part(0), expression.name);
      break;
    case Kind::item:
      value = expression.parts[1].kind == Kind::slice ? evaluate_slice(expression) : item(part(0), part(1));
      break;
    case Kind::call:
      value = evaluate_call(expression);
      break;
    case Kind::filter:
      value = evaluate_filter(expression);
      break;
    case Kind::test:
      value = evaluate_test(expression);
      break;
    case Kind::logical_not:
      value = Value(!is_true(part(0)));
      break;
    case Kind::negative:
      value = negative(part(0));
      break;
    case Kind::positive:
      value = negative(negative(part(0)));
      break;
    case Kind::logical_and:
      value = part(0);
      if (is_true(value)) value = part(1);
      break;
    case Kind::logical_or:
      value = part(0);
      if (!is_true(value)) value = part(1);
      break;
    case Kind::concat:
      value = evaluate_concat(expression);
      break;
    case Kind::arithmetic: {
      const Value left = part(0);
      value = arithmetic(heap_, expression.name, left, part(1));
      break;
    }
    case Kind::comparison:
      value = evaluate_comparison(expression);
      break;
    case Kind::conditional:
      value = part(is_true(part(1)) ? 0 : 2);
      break;
    case Kind::body:
      value = *body_;
      break;
    case Kind::slice:
    case Kind::nothing:
      break;
  }
  --depth_;
  return value;
}

Value Interpreter::evaluate_name(const Expression& expression) {
  for (const Scope* scope = scope_; scope; scope = scope->parent) heap_.spend(scope->names.size() / 16);
  const Value* const found = scope_->find(expression.name);
  return found ? *found : Value(Undefined{expression.name});
}

Value Interpreter::evaluate_list(const Expression& expression) {
  std::vector<Value> items;
  for (const Expression& part : expression.parts) items.push_back(evaluate(part));
  return heap_.list(std::move(items),
                    expression.kind == Expression::Kind::tuple ? List::Kind::tuple : List::Kind::list);
}

Value Interpreter::evaluate_dict(const Expression& expression) {
  Dict* const dict = heap_.dict();
  for (std::size_t i = 0; i < expression.parts.size(); i += 2) {
    const Value key = evaluate(expression.parts[i]);
    set_entry(heap_, *dict, key, evaluate(expression.parts[i + 1]));
  }
  return dict;
}

Value Interpreter::evaluate_slice(const Expression& expression) {
  const Value value = evaluate(expression.parts[0]);
  const std::vector<Expression>& bounds = expression.parts[1].parts;
  const Value begin = evaluate(bounds[0]), end = evaluate(bounds[1]);
  return slice(heap_, value, begin, end, evaluate(bounds[2]));
}

Arguments Interpreter::arguments_of(const Expression& expression) {
  Arguments arguments;
  const std::size_t first_named = expression.parts.size() - expression.names.size();
  for (std::size_t i = 1; i < expression.parts.size(); ++i) {
    const Value value = evaluate(expression.parts[i]);
    if (i < first_named) {
      arguments.positional.push_back(value);
    } else {
      arguments.named.emplace_back(expression.names[i - first_named], value);
    }
  }
  return arguments;
}

Value Interpreter::evaluate_call(const Expression& expression) {
  const Value function = evaluate(expression.parts[0]);
  Arguments arguments = arguments_of(expression);
  line_ = expression.line;
  return call(function, arguments);
}

Value Interpreter::evaluate_filter(const Expression& expression) {
  const Value input = evaluate(expression.parts[0]);
  Arguments arguments = arguments_of(expression);
  line_ = expression.line;
  return apply_filter(*this, expression.name, input, arguments);
}

Value Interpreter::evaluate_test(const Expression& expression) {
  const Value value = evaluate(expression.parts[0]);
  Arguments arguments = arguments_of(expression);
  line_ = expression.line;
  return Value(apply_test(*this, expression.name, value, arguments));
}

Value Interpreter::evaluate_concat(const Expression& expression) {
  MarkedText all;
  for (const Expression& part : expression.parts) {
    const Value value = evaluate(part);
    if (value.text()) {
      heap_.spend_bytes(value.text()->size());
      all.append(*value.text());
    } else {
      all.append(to_text(heap_, value));
    }
  }
  return text(std::move(all));
}

// a < b <= c: each pair holds.
Value Interpreter::evaluate_comparison(const Expression& expression) {
  Value left = evaluate(expression.parts[0]);
  for (std::size_t i = 0; i < expression.names.size(); ++i) {
    const std::string& name = expression.names[i];
    const Value right = evaluate(expression.parts[i + 1]);
    bool holds = false;
    if (name == "==" || name == "!=") {
      holds = equal(heap_, left, right) == (name == "==");
    } else if (name == "in" || name == "not in") {
      holds = contains(heap_, right, left) == (name == "in");
    } else {
      const int order = compare(heap_, left, right);
      holds = name == "<" ? order < 0 : name == "<=" ? order <= 0 : name == ">" ? order > 0 : order >= 0;
    }
    if (!holds) return Value(false);
    left = right;
  }
  return Value(true);
}

Value Interpreter::call(const Value& function, Arguments& arguments) {
  heap_.spend(1);
  if (!function.function()) throw Fault{fmt::format("{} is called, which is no function", kind_of(function))};
  return function.function()->call(arguments);
}

// ---- attributes and items ----

Value Interpreter::attribute(const Value& value, std::string_view name) {
  if (value.is_undefined()) throw Fault{fmt::format("{} has no attribute '{}'", kind_of(value), name)};
  if (value.loop()) return loop_attribute(*value.loop(), name);
  if (Dict* const dict = value.dict()) {
    if (!dict->is_namespace) {
      if (const Value bound = method(*this, value, name); !bound.is_undefined()) return bound;
    }
    const Value* const entry = find_entry(heap_, *dict, name);
    return entry ? *entry : Value(Undefined{name});
  }
  if (value.text() || value.list()) return method(*this, value, name);
  return Undefined{name};
}

namespace {

// The number of an item of so many; nothing if there is none.
std::optional<std::size_t> index_of(std::int64_t index, std::size_t count) {
  const auto size = static_cast<std::int64_t>(count);
  if (index < -size || index >= size) return std::nullopt;
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

}  // namespace

Value Interpreter::item(const Value& value, const Value& key) {
  if (value.is_undefined()) throw Fault{fmt::format("{} has no items", kind_of(value))};
  const std::string_view name = key.text() ? std::string_view(key.text()->bytes) : std::string_view();
  if (Dict* const dict = value.dict(); dict && !dict->is_namespace) {
    if (const Value* const entry = find_entry(heap_, *dict, key)) return *entry;
    return key.text() ? method(*this, value, name) : Value(Undefined{});
  }
  if (key.text()) return attribute(value, name);
  if (!key.is_whole()) return Undefined{};
  if (const List* const list = value.list(); list && list->kind <= List::Kind::tuple) {
    const auto index = index_of(key.whole(), list->items.size());
    return index ? list->items[*index] : Value(Undefined{});
  }
  if (const MarkedText* const all = value.text()) {
    const bool ascii = std::ranges::all_of(all->bytes, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    heap_.spend(all->size() / 16);
    const std::vector<std::size_t> offsets = ascii ? std::vector<std::size_t>() : character_offsets(all->bytes);
    const auto index = index_of(key.whole(), ascii ? all->size() : offsets.size() - 1);
    if (!index) return Undefined{};
    const std::size_t begin = ascii ? *index : offsets[*index], end = ascii ? begin + 1 : offsets[*index + 1];
    return text(TextView(*all).substr(begin, end - begin));
  }
  return Undefined{};
}

Value Interpreter::loop_attribute(const Loop& loop, std::string_view name) {
  const auto number = [](std::size_t n) { return Value(static_cast<std::int64_t>(n)); };
  const std::size_t count = loop.items->size();
  if (name == "index") return number(loop.index + 1);
  if (name == "index0") return number(loop.index);
  if (name == "revindex") return number(count - loop.index);
  if (name == "revindex0") return number(count - loop.index - 1);
  if (name == "first") return Value(loop.index == 0);
  if (name == "last") return Value(loop.index + 1 == count);
  if (name == "length") return number(count);
  if (name == "depth") return number(1);
  if (name == "depth0") return number(0);
  if (name == "previtem") return loop.index > 0 ? (*loop.items)[loop.index - 1] : Value(Undefined{name});
  if (name == "nextitem") return loop.index + 1 < count ? (*loop.items)[loop.index + 1] : Value(Undefined{name});
  if (name == "cycle") {
    return heap_.function("cycle", [&loop](Arguments& arguments) {
      if (arguments.positional.empty()) throw Fault{"loop.cycle() has nothing to choose from"};
      return arguments.positional[loop.index % arguments.positional.size()];
    });
  }
  if (name == "changed") {
    return heap_.function("changed", [this, &loop](Arguments& arguments) {
      const Value now = heap_.list(arguments.positional);
      const bool changed = !loop.has_changed || !equal(heap_, loop.changed, now);
      loop.changed = now;
      loop.has_changed = true;
      return Value(changed);
    });
  }
  return Undefined{name};
}

}  // namespace continuo::jinja
