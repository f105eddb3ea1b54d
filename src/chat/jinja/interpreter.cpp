#include "chat/jinja/interpreter.h"

#include <fmt/format.h>

#include <algorithm>

namespace continuo::jinja {

namespace {

constexpr int kDeepest = 1000;  // statements and expressions in each other, through all macros

}  // namespace

Interpreter::Interpreter(Heap& heap, Scope& scope) : heap_(heap), scope_(&scope) { add_functions(heap, scope); }

MarkedText Interpreter::render(const Body& body) {
  scope_ = heap_.scope(scope_);
  run(body);
  return std::move(out_);
}

// ---- statements ----

Interpreter::Flow Interpreter::run(const Body& body) {
  for (const Statement& statement : body) {
    if (const Flow flow = run(statement); flow != Flow::on) return flow;
  }
  return Flow::on;
}

Interpreter::Flow Interpreter::run(const Statement& statement) {
  heap_.spend(1);
  line_ = statement.line;
  if (++depth_ > kDeepest) throw Fault{"it nests too deep"};
  Flow flow = Flow::on;
  switch (statement.kind) {
    case Statement::Kind::text:
      heap_.spend_bytes(statement.text.size());
      out_.append(statement.text);
      break;
    case Statement::Kind::output:
      print(evaluate(statement.expressions[0]));
      break;
    case Statement::Kind::branches:
      flow = run_branches(statement);
      break;
    case Statement::Kind::loop:
      flow = run_loop(statement);
      break;
    case Statement::Kind::set:
      assign(statement.target, evaluate(statement.expressions[0]));
      break;
    case Statement::Kind::set_block:
      assign(statement.target, through_filters(statement.expressions[0], statement.bodies[0]));
      break;
    case Statement::Kind::macro:
      scope_->set(statement.name, make_macro(statement));
      break;
    case Statement::Kind::call_block:
      call_block(statement);
      break;
    case Statement::Kind::filtered:
      print(through_filters(statement.expressions[0], statement.bodies[0]));
      break;
    case Statement::Kind::with:
      flow = run_with(statement);
      break;
    case Statement::Kind::plain:
      flow = run_in_scope(statement.bodies[0]);
      break;
    case Statement::Kind::loop_break:
      flow = Flow::broken;
      break;
    case Statement::Kind::loop_continue:
      flow = Flow::continued;
      break;
  }
  --depth_;
  return flow;
}

Interpreter::Flow Interpreter::run_in_scope(const Body& body) {
  Scope* const outer = std::exchange(scope_, heap_.scope(scope_));
  const Flow flow = run(body);
  scope_ = outer;
  return flow;
}

Interpreter::Flow Interpreter::run_branches(const Statement& statement) {
  for (std::size_t i = 0; i < statement.expressions.size(); ++i) {
    if (is_true(evaluate(statement.expressions[i]))) return run(statement.bodies[i]);
  }
  const bool has_else = statement.bodies.size() > statement.expressions.size();
  return has_else ? run(statement.bodies.back()) : Flow::on;
}

// What the loop goes through, those that its `if` takes.
List* Interpreter::loop_items(const Statement& statement) {
  const Value all = evaluate(statement.expressions[0]);
  const bool filtered = statement.expressions.size() > 1;
  if (!filtered && all.list() && all.list()->kind != List::Kind::generator) return all.list();
  std::vector<Value> items = items_of(heap_, all);
  if (filtered) {
    Scope* const outer = std::exchange(scope_, heap_.scope(scope_));
    const auto dropped = [&](const Value& item) {
      scope_->names.clear();
      assign(statement.target, item);
      return !is_true(evaluate(statement.expressions[1]));
    };
    items.erase(std::remove_if(items.begin(), items.end(), dropped), items.end());
    scope_ = outer;
  }
  return heap_.list(std::move(items));
}

Interpreter::Flow Interpreter::run_loop(const Statement& statement) {
  const List* const items = loop_items(statement);
  if (items->items.empty()) return statement.bodies.size() > 1 ? run_in_scope(statement.bodies[1]) : Flow::on;
  Loop* const loop = heap_.loop({.items = &items->items});
  Scope* const outer = std::exchange(scope_, heap_.scope(scope_));
  for (std::size_t i = 0; i < items->items.size(); ++i) {
    heap_.spend(1);
    scope_->names.clear();
    loop->index = i;
    scope_->set("loop", loop);
    assign(statement.target, items->items[i]);
    if (run(statement.bodies[0]) == Flow::broken) break;
  }
  scope_ = outer;
  return Flow::on;
}

Interpreter::Flow Interpreter::run_with(const Statement& statement) {
  std::vector<Value> values;
  for (const Expression& expression : statement.expressions) values.push_back(evaluate(expression));
  Scope* const outer = std::exchange(scope_, heap_.scope(scope_));
  for (std::size_t i = 0; i < values.size(); ++i) scope_->set(statement.names[i], values[i]);
  const Flow flow = run(statement.bodies[0]);
  scope_ = outer;
  return flow;
}

void Interpreter::print(const Value& value) {
  if (value.text()) {
    heap_.spend_bytes(value.text()->size());
    out_.append(*value.text());
  } else {
    out_.append(to_text(heap_, value));
  }
}

void Interpreter::assign(const Expression& target, const Value& value) {
  if (target.kind == Expression::Kind::name) {
    heap_.spend(scope_->names.size() / 16);
    return scope_->set(target.name, value);
  }
  if (target.kind == Expression::Kind::attribute) {
    const Value space = evaluate(target.parts[0]);
    if (!space.dict() || !space.dict()->is_namespace)
      throw Fault{fmt::format("an attribute of {} is set, which is no namespace", kind_of(space))};
    return set_entry(heap_, *space.dict(), text(MarkedText(target.name)), value);
  }
  const std::vector<Value> items = items_of(heap_, value);
  if (items.size() != target.parts.size())
    throw Fault{fmt::format("{} values are assigned to {} names", items.size(), target.parts.size())};
  for (std::size_t i = 0; i < items.size(); ++i) assign(target.parts[i], items[i]);
}

MarkedText Interpreter::captured(const Body& body) {
  MarkedText outer = std::exchange(out_, {});
  run_in_scope(body);
  return std::exchange(out_, std::move(outer));
}

Value Interpreter::through_filters(const Expression& filters, const Body& body) {
  const Value printed = text(captured(body));
  const Value* const outer = std::exchange(body_, &printed);
  const Value value = evaluate(filters);
  body_ = outer;
  return value;
}

// ---- macros ----

const Function* Interpreter::make_macro(const Statement& statement) {
  return heap_.function(statement.name, [this, &statement, around = scope_](Arguments& arguments) {
    return call_macro(statement, around, arguments);
  });
}

Value Interpreter::call_macro(const Statement& macro, const Scope* around, Arguments& arguments) {
  Scope* const outer = std::exchange(scope_, heap_.scope(around));
  const std::size_t count = macro.names.size();
  if (arguments.positional.size() > count)
    throw Fault{
        fmt::format("the macro {} takes {} arguments, {} are given", macro.name, count, arguments.positional.size())};
  for (const auto& [name, value] : arguments.named) {
    const auto known = std::ranges::find(macro.names, name);
    const bool again = known != macro.names.end() &&
                       static_cast<std::size_t>(known - macro.names.begin()) < arguments.positional.size();
    if (again || (known == macro.names.end() && name != "caller"))
      throw Fault{fmt::format("the macro {} takes no argument '{}'", macro.name, name)};
    scope_->set(name, value);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = macro.names[i];
    const std::size_t without_default = count - macro.expressions.size();
    const bool named =
        std::ranges::any_of(arguments.named, [&](const auto& argument) { return argument.first == name; });
    if (i < arguments.positional.size()) {
      scope_->set(name, arguments.positional[i]);
    } else if (!named) {
      scope_->set(name,
                  i < without_default ? Value(Undefined{name}) : evaluate(macro.expressions[i - without_default]));
    }
  }
  const Value printed = text(captured(macro.bodies[0]));
  scope_ = outer;
  return printed;
}

void Interpreter::call_block(const Statement& statement) {
  Arguments arguments = arguments_of(statement.target);
  arguments.named.emplace_back("caller", make_macro(statement));
  print(call(evaluate(statement.target.parts[0]), arguments));
}

}  // namespace continuo::jinja
