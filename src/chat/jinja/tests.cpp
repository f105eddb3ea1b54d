// What can stand behind `is`.
#include <fmt/format.h>

#include "chat/jinja/interpreter.h"

namespace continuo::jinja {

namespace {

using Test = bool (*)(Interpreter& in, const Value& value, const Arguments& arguments);

const Value& other(const Arguments& arguments) {
  if (arguments.positional.size() != 1 || !arguments.named.empty())
    throw Fault{"a test needs one value to compare with"};
  return arguments.positional[0];
}

std::int64_t whole(const Value& value) {
  if (!value.is_whole()) throw Fault{fmt::format("{} is tested, expected a whole number", kind_of(value))};
  return value.whole();
}

template <int Least, int Most>
bool compares(Interpreter& in, const Value& value, const Arguments& arguments) {
  const int order = compare(in.heap(), value, other(arguments));
  return order >= Least && order <= Most;
}

bool is_equal(Interpreter& in, const Value& value, const Arguments& arguments) {
  return equal(in.heap(), value, other(arguments));
}
bool is_unequal(Interpreter& in, const Value& value, const Arguments& arguments) {
  return !equal(in.heap(), value, other(arguments));
}

// The same object: of what is equal by its value alone, the same value of the same kind.
bool is_same(Interpreter& in, const Value& value, const Arguments& arguments) {
  const Value& with = other(arguments);
  if (value.list() || with.list()) return value.list() == with.list();
  if (value.dict() || with.dict()) return value.dict() == with.dict();
  return value.is<bool>() == with.is<bool>() && value.is<double>() == with.is<double>() &&
         equal(in.heap(), value, with);
}

template <Case Wanted>
bool has_case(Interpreter& in, const Value& value, const Arguments&) {
  const MarkedText text = to_text(in.heap(), value);
  const bool has_any = with_case(text, Case::upper).bytes != with_case(text, Case::lower).bytes;
  return has_any && with_case(text, Wanted).bytes == text.bytes;
}

struct Row {
  std::string_view name;
  Test test;
};
constexpr Row kTests[] = {
    {"defined", [](Interpreter&, const Value& v, const Arguments&) { return !v.is_undefined(); }},
    {"undefined", [](Interpreter&, const Value& v, const Arguments&) { return v.is_undefined(); }},
    {"none", [](Interpreter&, const Value& v, const Arguments&) { return v.is_none(); }},
    {"boolean", [](Interpreter&, const Value& v, const Arguments&) { return v.is<bool>(); }},
    {"true", [](Interpreter&, const Value& v, const Arguments&) { return v.is<bool>() && *v.get<bool>(); }},
    {"false", [](Interpreter&, const Value& v, const Arguments&) { return v.is<bool>() && !*v.get<bool>(); }},
    {"integer", [](Interpreter&, const Value& v, const Arguments&) { return v.is<std::int64_t>(); }},
    {"float", [](Interpreter&, const Value& v, const Arguments&) { return v.is<double>(); }},
    {"number", [](Interpreter&, const Value& v, const Arguments&) { return v.is_number(); }},
    {"string", [](Interpreter&, const Value& v, const Arguments&) { return v.text() != nullptr; }},
    {"mapping", [](Interpreter&, const Value& v, const Arguments&) { return v.dict() && !v.dict()->is_namespace; }},
    {"sequence",
     [](Interpreter&, const Value& v, const Arguments&) {
       return v.text() || (v.dict() && !v.dict()->is_namespace) || (v.list() && v.list()->kind <= List::Kind::tuple);
     }},
    {"iterable",
     [](Interpreter&, const Value& v, const Arguments&) {
       return v.text() || v.list() || v.is_undefined() || (v.dict() && !v.dict()->is_namespace);
     }},
    {"callable", [](Interpreter&, const Value& v, const Arguments&) { return v.function() != nullptr; }},
    {"odd", [](Interpreter&, const Value& v, const Arguments&) { return whole(v) % 2 != 0; }},
    {"even", [](Interpreter&, const Value& v, const Arguments&) { return whole(v) % 2 == 0; }},
    {"divisibleby",
     [](Interpreter&, const Value& v, const Arguments& arguments) {
       const std::int64_t by = whole(other(arguments));
       if (by == 0) throw Fault{"a division by zero"};
       return by == -1 || whole(v) % by == 0;
     }},
    {"in", [](Interpreter& in, const Value& v,
              const Arguments& arguments) { return contains(in.heap(), other(arguments), v); }},
    {"sameas", is_same},
    {"upper", has_case<Case::upper>},
    {"lower", has_case<Case::lower>},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"==", is_equal},
    {"ne", is_unequal},
    {"!=", is_unequal},
    {"lt", compares<-1, -1>},
    {"lessthan", compares<-1, -1>},
    {"<", compares<-1, -1>},
    {"le", compares<-1, 0>},
    {"<=", compares<-1, 0>},
    {"gt", compares<1, 1>},
    {"greaterthan", compares<1, 1>},
    {">", compares<1, 1>},
    {"ge", compares<0, 1>},
    {">=", compares<0, 1>},
};

}  // namespace

bool apply_test(Interpreter& in, std::string_view name, const Value& value, Arguments& arguments) {
  for (const Row& row : kTests) {
    if (row.name == name) return row.test(in, value, arguments);
  }
  throw Fault{fmt::format("the test '{}' is not supported", name)};
}

}  // namespace continuo::jinja
