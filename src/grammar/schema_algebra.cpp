// Shapes of schemas that hold together, that do not hold, and that nothing has.
#include <algorithm>

#include "grammar/schema_shapes.h"

namespace continuo {

namespace {

template <class T>
std::optional<std::set<T>> common(const std::optional<std::set<T>>& a, const std::optional<std::set<T>>& b) {
  if (!a || !b) return a ? a : b;
  std::set<T> both;
  std::set_intersection(a->begin(), a->end(), b->begin(), b->end(), std::inserter(both, both.end()));
  return both;
}

template <class List>
void append(List& to, const List& from) {
  to.insert(to.end(), from.begin(), from.end());
}

NumberShape both_numbers(NumberShape a, const NumberShape& b) {
  const auto tighter = [](const JsonNumbers::Bound& one, const JsonNumbers::Bound& other, bool is_least) {
    if (!one || !other) return one ? one : other;
    if (one->value == other->value) return one->exclusive ? one : other;
    return (one->value > other->value) == is_least ? one : other;
  };
  a.least = tighter(a.least, b.least, true);
  a.most = tighter(a.most, b.most, false);
  if (a.kind == NumberShape::Kind::any) {
    a.kind = b.kind;
  } else if (b.kind != NumberShape::Kind::any && a.kind != b.kind) {
    a.values = std::set<Decimal>();  // whole ones that are none
  }
  for (const Decimal& step : b.multiples) {
    if (std::find(a.multiples.begin(), a.multiples.end(), step) == a.multiples.end()) a.multiples.push_back(step);
  }
  append(a.non_multiples, b.non_multiples);
  a.values = common(a.values, b.values);
  a.excluded.insert(b.excluded.begin(), b.excluded.end());
  return a;
}

StringShape both_strings(StringShape a, const StringShape& b) {
  a.least = std::max(a.least, b.least);
  a.most = std::min(a.most, b.most);
  a.patterns.insert(b.patterns.begin(), b.patterns.end());
  a.not_patterns.insert(b.not_patterns.begin(), b.not_patterns.end());
  a.formats.insert(b.formats.begin(), b.formats.end());
  a.values = common(a.values, b.values);
  a.excluded.insert(b.excluded.begin(), b.excluded.end());
  return a;
}

// Whether the value is one of the shape's.
bool has_value(const NumberShape& shape, const Decimal& value) {
  const auto& [least, most, kind, multiples, non_multiples, values, excluded] = shape;
  if (values && values->count(value) == 0) return false;
  if (least && (value < least->value || (least->exclusive && value == least->value))) return false;
  if (most && (value > most->value || (most->exclusive && value == most->value))) return false;
  if (kind != NumberShape::Kind::any && value.is_whole() != (kind == NumberShape::Kind::whole)) return false;
  const auto divides = [&](const Decimal& step) { return value.is_multiple_of(step); };
  return std::all_of(multiples.begin(), multiples.end(), divides) &&
         std::none_of(non_multiples.begin(), non_multiples.end(), divides) && excluded.count(value) == 0;
}

std::vector<NumberShape> negated(const NumberShape& shape) {
  std::vector<NumberShape> all;
  if (shape.least) all.emplace_back().most = NumberBound{shape.least->value, !shape.least->exclusive};
  if (shape.most) all.emplace_back().least = NumberBound{shape.most->value, !shape.most->exclusive};
  if (shape.kind == NumberShape::Kind::whole) all.emplace_back().kind = NumberShape::Kind::fractions;
  if (shape.kind == NumberShape::Kind::fractions) all.emplace_back().kind = NumberShape::Kind::whole;
  for (const Decimal& step : shape.multiples) all.emplace_back().non_multiples = {step};
  for (const Decimal& step : shape.non_multiples) all.emplace_back().multiples = {step};
  if (shape.values) all.emplace_back().excluded = *shape.values;
  if (!shape.excluded.empty()) all.emplace_back().values = shape.excluded;
  return all;
}

std::vector<StringShape> negated(const StringShape& shape) {
  std::vector<StringShape> all;
  if (shape.least > 0) all.emplace_back().most = shape.least - 1;
  if (shape.most != kUnbounded) all.emplace_back().least = shape.most + 1;
  for (const std::string& pattern : shape.patterns) all.emplace_back().not_patterns = {pattern};
  for (const std::string& pattern : shape.not_patterns) all.emplace_back().patterns = {pattern};
  if (shape.values) all.emplace_back().excluded = *shape.values;
  if (!shape.excluded.empty()) all.emplace_back().values = shape.excluded;
  return all;
}

}  // namespace

Conjunction SchemaShapes::together(const Conjunction& a, const Conjunction& b) {
  Conjunction whole;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(whole));
  return whole;
}

// ---- together ----

namespace {

ObjectShape both_objects(ObjectShape a, const ObjectShape& b) {
  for (const auto& members : b.members) {
    if (std::find(a.members.begin(), a.members.end(), members) == a.members.end()) a.members.push_back(members);
  }
  a.required.insert(b.required.begin(), b.required.end());
  a.least = std::max(a.least, b.least);
  a.most = std::min(a.most, b.most);
  Conjunction names;
  std::set_union(a.names.begin(), a.names.end(), b.names.begin(), b.names.end(), std::back_inserter(names));
  a.names = std::move(names);
  return a;
}

}  // namespace

Result<Shape> SchemaShapes::both(const Shape& a, const Shape& b) {
  Shape whole;
  whole.null = a.null && b.null;
  whole.yes = a.yes && b.yes;
  whole.no = a.no && b.no;
  CONTINUO_TRY_VOID(charge(1 + a.numbers.size() * b.numbers.size() + a.strings.size() * b.strings.size() +
                           a.arrays.size() * b.arrays.size() + a.objects.size() * b.objects.size()));
  for (const NumberShape& one : a.numbers) {
    for (const NumberShape& other : b.numbers) whole.numbers.push_back(both_numbers(one, other));
  }
  for (const StringShape& one : a.strings) {
    for (const StringShape& other : b.strings) whole.strings.push_back(both_strings(one, other));
  }
  for (const ArrayShape& one : a.arrays) {
    for (const ArrayShape& other : b.arrays) {
      ArrayShape array = one;
      array.prefix.resize(std::max(one.prefix.size(), other.prefix.size()));
      const auto at = [](const ArrayShape& of, std::size_t i) { return i < of.prefix.size() ? of.prefix[i] : of.rest; };
      for (std::size_t i = 0; i < array.prefix.size(); ++i) array.prefix[i] = together(at(one, i), at(other, i));
      array.rest = together(one.rest, other.rest);
      array.least = std::max(one.least, other.least);
      array.most = std::min(one.most, other.most);
      array.unique = one.unique || other.unique;
      append(array.contains, other.contains);
      whole.arrays.push_back(std::move(array));
    }
  }
  for (const ObjectShape& one : a.objects) {
    for (const ObjectShape& other : b.objects) {
      ObjectShape object = both_objects(one, other);
      const bool conflict = a.objects.size() * b.objects.size() > 1 || !object.required.empty();
      if (conflict) {
        CONTINUO_TRY(const bool empty, is_empty(object));
        if (empty) continue;
      }
      whole.objects.push_back(std::move(object));
    }
  }
  std::erase_if(whole.strings,
                [](const StringShape& s) { return s.least > s.most || (s.values && s.values->empty()); });
  std::erase_if(whole.arrays, [](const ArrayShape& s) { return s.least > s.most; });
  return whole;
}

Result<Conjunction> SchemaShapes::member(const ObjectShape& object, const std::string& name) {
  Conjunction whole;
  for (const auto& members : object.members) {
    bool named = false;
    if (const auto own = members->properties.find(name); own != members->properties.end()) {
      named = true;
      whole = together(whole, own->second);
    }
    for (const auto& [pattern, schema] : members->patterns) {
      CONTINUO_TRY(const bool matches, strings_.matches(pattern, name));
      if (!matches) continue;
      named = true;
      whole = together(whole, schema);
    }
    if (!named) whole = together(whole, members->additional);
  }
  return whole;
}

// ---- not ----

Result<Shape> SchemaShapes::negated(const Shape& shape, SchemaId at) {
  Shape whole = Shape::everything();
  whole.null = !shape.null;
  whole.yes = !shape.yes;
  whole.no = !shape.no;
  const auto with = [&](Shape one) -> Result<void> {  // of one type; all others are as they are
    one.null = one.yes = one.no = true;
    CONTINUO_TRY(whole, both(whole, one));
    return {};
  };
  Shape other = Shape::everything();
  for (const NumberShape& number : shape.numbers) {
    other.numbers = continuo::negated(number);
    CONTINUO_TRY_VOID(with(other));
    other.numbers = {{}};
  }
  for (const StringShape& string : shape.strings) {
    if (!string.formats.empty()) return document_.unsupported(at, "a format that must not be, or of which one must be");
    other.strings = continuo::negated(string);
    CONTINUO_TRY_VOID(with(other));
    other.strings = {{}};
  }
  for (const ArrayShape& array : shape.arrays) {
    CONTINUO_TRY(other.arrays, negated(array, at));
    CONTINUO_TRY_VOID(with(other));
    other.arrays = {{}};
  }
  for (const ObjectShape& object : shape.objects) {
    CONTINUO_TRY(other.objects, negated(object, at));
    CONTINUO_TRY_VOID(with(other));
    other.objects = {{}};
  }
  return whole;
}

Result<std::vector<ArrayShape>> SchemaShapes::negated(const ArrayShape& array, SchemaId at) {
  std::vector<ArrayShape> all;
  if (array.unique) return document_.unsupported(at, "uniqueItems that must not be");
  if (array.least > 0) all.emplace_back().most = array.least - 1;
  if (array.most != kUnbounded) all.emplace_back().least = array.most + 1;
  for (std::size_t i = 0; i < array.prefix.size(); ++i) {
    for (const SchemaLiteral schema : array.prefix[i]) {
      ArrayShape& one = all.emplace_back();
      one.prefix.resize(i + 1);
      one.prefix[i] = {{schema.id, !schema.negated}};
      one.least = static_cast<std::uint32_t>(i + 1);
    }
  }
  if (!array.rest.empty()) {
    if (!array.prefix.empty()) return document_.unsupported(at, "items behind others that must not be");
    for (const SchemaLiteral schema : array.rest) all.emplace_back().contains = {{{schema.id, !schema.negated}}};
  }
  for (const Conjunction& contained : array.contains) {
    if (contained.size() > 1) return document_.unsupported(at, "a contains of several schemas that must not be");
    if (contained.empty()) {
      all.emplace_back().most = 0;
    } else {
      all.emplace_back().rest = {{contained.front().id, !contained.front().negated}};
    }
  }
  return all;
}

Result<std::vector<ObjectShape>> SchemaShapes::negated(const ObjectShape& object, SchemaId at) {
  std::vector<ObjectShape> all;
  const auto add = [&](const std::string& name, Conjunction schemas, bool required) {
    ObjectShape::Members members;
    members.properties[name] = std::move(schemas);
    ObjectShape& one = all.emplace_back();
    one.members = {std::make_shared<const ObjectShape::Members>(std::move(members))};
    if (required) one.required.insert(name);
  };
  if (!object.names.empty()) return document_.unsupported(at, "propertyNames that must not be");
  for (const std::string& name : object.required) add(name, {{never()}}, false);
  for (const auto& members : object.members) {
    for (const auto& [name, schemas] : members->properties) {
      for (const SchemaLiteral schema : schemas) add(name, {{schema.id, !schema.negated}}, true);
    }
    const bool silent =
        members->additional.empty() && std::all_of(members->patterns.begin(), members->patterns.end(),
                                                   [](const auto& pattern) { return pattern.second.empty(); });
    if (!silent) return document_.unsupported(at, "members that are not named and must not be");
  }
  if (object.least > 0) all.emplace_back().most = object.least - 1;
  if (object.most != kUnbounded) all.emplace_back().least = object.most + 1;
  return all;
}

// ---- nothing ----

Result<bool> SchemaShapes::holds_nothing(const Conjunction& schemas) {
  constexpr int kMostDepth = 6;  // how deep a contradiction is looked for
  if (schemas.empty() || emptiness_depth_ >= kMostDepth) return false;
  if (is_false(schemas)) return true;
  CONTINUO_TRY(const Conjunction key, simplified(schemas));
  if (key.empty()) return false;
  if (const auto known = empty_.find(key); known != empty_.end()) return known->second;
  if (std::any_of(key.begin(), key.end(), [&](SchemaLiteral s) { return reading_.count(s) > 0; })) return false;
  CONTINUO_TRY_VOID(charge(5));
  empty_[key] = false;  // as long as it is being looked at
  ++emptiness_depth_;
  const auto made = shape(key);
  auto empty = made ? is_empty(**made) : Result<bool>(false);
  --emptiness_depth_;
  if (!empty) return empty;
  return empty_[key] = *empty;
}

Result<bool> SchemaShapes::is_empty(const Shape& shape) {
  if (shape.null || shape.yes || shape.no) return false;
  const auto all_empty = [&](const auto& list) -> Result<bool> {
    for (const auto& one : list) {
      CONTINUO_TRY(const bool empty, is_empty(one));
      if (!empty) return false;
    }
    return true;
  };
  CONTINUO_TRY(const bool numbers, all_empty(shape.numbers));
  if (!numbers) return false;
  for (const StringShape& string : shape.strings) {
    const auto empty = strings_.is_empty(string);
    if (!empty || !*empty) return false;
  }
  CONTINUO_TRY(const bool arrays, all_empty(shape.arrays));
  if (!arrays) return false;
  return all_empty(shape.objects);
}

Result<bool> SchemaShapes::is_empty(const NumberShape& number) {
  if (number.values)
    return std::none_of(number.values->begin(), number.values->end(),
                        [&](const Decimal& value) { return has_value(number, value); });
  if (!number.least || !number.most) return false;
  const Decimal &least = number.least->value, &most = number.most->value;
  if (least > most || (least == most && (number.least->exclusive || number.most->exclusive))) return true;
  if (least == most) return !has_value(number, least);
  if (number.kind != NumberShape::Kind::whole) return false;
  Decimal first = least.ceil(), last = most.floor();
  if (number.least->exclusive && first == least) first = first.plus_one();
  if (number.most->exclusive && last == most) last = last.minus_one();
  return first > last;
}

Result<bool> SchemaShapes::is_empty(const ArrayShape& array) {
  if (array.least > array.most) return true;
  for (std::size_t i = 0; i < std::min<std::size_t>(array.least, array.prefix.size() + 1); ++i) {
    CONTINUO_TRY(const bool nothing, holds_nothing(i < array.prefix.size() ? array.prefix[i] : array.rest));
    if (nothing) return true;
  }
  return false;
}

Result<bool> SchemaShapes::is_empty(const ObjectShape& object) {
  if (object.least > object.most || object.required.size() > object.most) return true;
  for (const std::string& name : object.required) {
    CONTINUO_TRY(const Conjunction schemas, member(object, name));
    CONTINUO_TRY(const bool nothing, holds_nothing(schemas));
    if (nothing) return true;
  }
  return false;
}

Result<bool> SchemaShapes::takes_name(const Conjunction& names, const std::string& name) {
  if (names.empty()) return true;
  CONTINUO_TRY(const Shape* const shape_of_names, shape(names));
  StringShape one;
  one.values = std::set{name};
  for (const StringShape& string : shape_of_names->strings) {
    CONTINUO_TRY(const bool empty, strings_.is_empty(both_strings(string, one)));
    if (!empty) return true;
  }
  return false;
}

}  // namespace continuo
