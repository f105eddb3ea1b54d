// From the words of a schema to its shape.
#include "grammar/schema_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace continuo {

namespace {

// Words that JSON schema knows and that have no meaning here yet. Others that it does not know say nothing.
const std::set<std::string_view> kUnsupported = {
    "unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef",
    "maxContains",           "extends",          "disallow",    "divisibleBy"};
constexpr std::string_view kTypes[] = {"null", "boolean", "integer", "number", "string", "array", "object"};

const Json* find(const Json& schema, const char* word) {
  const auto found = schema.find(word);
  return found == schema.end() ? nullptr : &*found;
}

std::string quoted(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 40);
}

}  // namespace

Shape Shape::everything() { return {true, true, true, {{}}, {{}}, {{}}, {{}}}; }

SchemaId SchemaShapes::never() {
  if (!never_) never_ = document_.make(false, SchemaDocument::kRoot);
  return *never_;
}

bool SchemaShapes::is_false(const Conjunction& schemas) const {
  return std::any_of(schemas.begin(), schemas.end(), [&](SchemaLiteral schema) {
    const Json& json = document_.json(schema.id);
    return json.is_boolean() && json.get<bool>() == schema.negated;
  });
}

Result<void> SchemaShapes::charge(std::size_t work) {
  constexpr std::size_t kMost = 2'000'000;
  if (work_ += work; work_ > kMost) return usage_error("has too many schemas that hold together");
  return {};
}

// ---- references ----

Result<SchemaId> SchemaShapes::reference(SchemaId id) {
  const Json& word = document_.json(id)["$ref"];
  if (!word.is_string()) return document_.wrong(id, "has a $ref that is not a string");
  return document_.target(word.get<std::string>(), id);
}

namespace {

// Words beside `these` that say something.
bool has_other_words(const Json& schema, std::initializer_list<std::string_view> these) {
  static const std::set<std::string_view> kSilent = {
      "title",      "description", "default",   "examples", "$comment", "$schema", "$defs",  "definitions",
      "deprecated", "readOnly",    "writeOnly", "$id",      "id",       "$anchor", "example"};
  for (const auto& [word, value] : schema.items()) {
    if (kSilent.count(word) == 0 && std::find(these.begin(), these.end(), word) == these.end()) return true;
  }
  return false;
}

}  // namespace

Result<Conjunction> SchemaShapes::simplified(Conjunction schemas) {
  std::set<SchemaLiteral> kept, met;
  while (!schemas.empty()) {
    const SchemaLiteral schema = schemas.back();
    schemas.pop_back();
    if (!met.insert(schema).second) continue;
    CONTINUO_TRY_VOID(charge(1));
    const Json& json = document_.json(schema.id);
    if (json.is_boolean()) {
      if (json.get<bool>() == schema.negated) return Conjunction{{never()}};
      continue;
    }
    if (json.is_object() && json.empty()) {
      if (schema.negated) return Conjunction{{never()}};
      continue;
    }
    const bool is_reference =
        json.is_object() && json.contains("$ref") && (document_.refs_stand_alone() || !has_other_words(json, {"$ref"}));
    if (is_reference) {
      CONTINUO_TRY(const SchemaId target, reference(schema.id));
      if (met.count({target, schema.negated}) > 0)
        return document_.wrong(schema.id, "has left recursion: its $ref leads to itself");
      schemas.push_back({target, schema.negated});
      continue;
    }
    const bool all = json.is_object() && !schema.negated && json.contains("allOf") && !has_other_words(json, {"allOf"});
    if (all) {
      CONTINUO_TRY(const auto parts, list(schema.id, "allOf"));
      for (const SchemaId part : parts) schemas.push_back({part});
      continue;
    }
    kept.insert(schema);
  }
  return Conjunction(kept.begin(), kept.end());
}

Result<const Shape*> SchemaShapes::shape(const Conjunction& schemas) {
  CONTINUO_TRY(const Conjunction key, simplified(schemas));
  if (const auto known = known_.find(key); known != known_.end()) return known->second.get();
  Shape whole = Shape::everything();
  for (const SchemaLiteral schema : key) {
    if (reading_.size() > 200) return document_.wrong(schema.id, "nests too deep");
    if (!reading_.insert(schema).second)
      return document_.wrong(schema.id, "has left recursion: it refers to itself with nothing between");
    auto part = read(schema);
    reading_.erase(schema);
    if (!part) return part.error();
    if (key.size() == 1) {
      whole = std::move(*part);
    } else {
      CONTINUO_TRY(whole, both(whole, *part));
    }
  }
  return (known_[key] = std::make_unique<const Shape>(std::move(whole))).get();
}

Result<Shape> SchemaShapes::read(SchemaLiteral schema) {
  if (!schema.negated) return read_positive(schema.id);
  CONTINUO_TRY(const Shape* const positive, shape({{schema.id}}));
  return negated(*positive, schema.id);
}

Result<Shape> SchemaShapes::read_positive(SchemaId id) {
  const Json& json = document_.json(id);
  if (json.is_boolean()) return json.get<bool>() ? Shape::everything() : Shape::nothing();
  if (!json.is_object()) return document_.wrong(id, "is neither an object nor true nor false");
  CONTINUO_TRY_VOID(check_words(id));
  CONTINUO_TRY(Shape whole, own(id));
  const auto add = [&](Result<Shape> part) -> Result<void> {
    if (!part) return part.error();
    CONTINUO_TRY(whole, both(whole, *part));
    return {};
  };
  if (json.contains("enum") || json.contains("const")) CONTINUO_TRY_VOID(add(values(id)));
  if (json.contains("$ref")) {
    CONTINUO_TRY(const SchemaId target, reference(id));
    CONTINUO_TRY(const Shape* const part, shape({{target}}));
    CONTINUO_TRY_VOID(add(*part));
  }
  if (json.contains("allOf")) {
    CONTINUO_TRY(const auto parts, list(id, "allOf"));
    for (const SchemaId part : parts) {
      CONTINUO_TRY(const Shape* const one, shape({{part}}));
      CONTINUO_TRY_VOID(add(*one));
    }
  }
  if (json.contains("anyOf")) CONTINUO_TRY_VOID(add(union_of(id, "anyOf")));
  if (json.contains("oneOf")) {
    CONTINUO_TRY(whole, one_of(id, whole));
  }
  if (json.contains("not")) {
    CONTINUO_TRY(const Conjunction not_this, part(id, "not"));
    CONTINUO_TRY(const Shape* const positive, shape(not_this));
    CONTINUO_TRY_VOID(add(negated(*positive, id)));
  }
  if (json.contains("if") && (json.contains("then") || json.contains("else"))) CONTINUO_TRY_VOID(add(condition(id)));
  for (const char* word : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    if (!json.contains(word)) continue;
    CONTINUO_TRY(whole, dependencies(id, std::move(whole)));
    break;
  }
  return whole;
}

Result<void> SchemaShapes::check_words(SchemaId id) {
  for (const auto& [word, value] : document_.json(id).items()) {
    if (kUnsupported.count(word) > 0) return document_.unsupported(id, fmt::format("the keyword \"{}\"", word));
  }
  return {};
}

// ---- parts of a schema ----

Result<Conjunction> SchemaShapes::part(SchemaId id, const char* word) {
  const Json* const value = find(document_.json(id), word);
  if (!value) return Conjunction{};
  if (!value->is_object() && !value->is_boolean())
    return document_.wrong(id, fmt::format("has a {} that is not a schema", word));
  return Conjunction{{document_.id_of(*value, id, word)}};
}

Result<std::vector<SchemaId>> SchemaShapes::list(SchemaId id, const char* word) {
  const Json& value = document_.json(id)[word];
  if (!value.is_array() || value.empty())
    return document_.wrong(id, fmt::format("has {} that is not a list of schemas", word));
  std::vector<SchemaId> parts;
  for (std::size_t i = 0; i < value.size(); ++i)
    parts.push_back(document_.id_of(value[i], id, word, std::to_string(i)));
  return parts;
}

Result<std::map<std::string, Conjunction>> SchemaShapes::schemas_by_name(SchemaId id, const char* word) {
  std::map<std::string, Conjunction> all;
  const Json* const value = find(document_.json(id), word);
  if (!value) return all;
  if (!value->is_object()) return document_.wrong(id, fmt::format("has {} that are not an object", word));
  for (const auto& [name, schema] : value->items()) {
    if (name.size() > 1000) return document_.unsupported(id, "the name of a property of more than 1000 bytes");
    const bool is_true = (schema.is_boolean() && schema.get<bool>()) || (schema.is_object() && schema.empty());
    all[name] = is_true ? Conjunction{} : Conjunction{{document_.id_of(schema, id, word, name)}};
  }
  return all;
}

Result<std::set<std::string>> SchemaShapes::names(const Json& value, SchemaId at, const char* word) {
  if (!value.is_array()) return document_.wrong(at, fmt::format("has a {} that is not a list", word));
  std::set<std::string> all;
  for (const Json& name : value) {
    if (!name.is_string()) return document_.wrong(at, fmt::format("has a {} that is not a list of strings", word));
    if (name.get_ref<const std::string&>().size() > 1000)
      return document_.unsupported(at, "the name of a property of more than 1000 bytes");
    all.insert(name.get<std::string>());
  }
  return all;
}

namespace {

// A count of characters, elements or members; nothing if it is none.
std::optional<std::uint32_t> count_of(const Json& value) {
  const auto number = Decimal::of(value);
  if (!number || number->negative || !number->is_whole()) return std::nullopt;
  return number->whole.size() > 9 ? kUnbounded - 1 : static_cast<std::uint32_t>(std::stoul(number->whole));
}

// Sets `least` and `most` by two words. Returns the word at fault, or null.
const char* read_counts(const Json& schema, const char* least_word, const char* most_word, std::uint32_t& least,
                        std::uint32_t& most) {
  for (const auto& [word, bound] : {std::pair(least_word, &least), std::pair(most_word, &most)}) {
    const Json* const value = find(schema, word);
    if (!value) continue;
    const auto count = count_of(*value);
    if (!count) return word;
    *bound = *count;
  }
  return nullptr;
}

}  // namespace

// What the words of each type say, without those that hold schemas in place.
Result<Shape> SchemaShapes::own(SchemaId id) {
  const Json& json = document_.json(id);
  if (document_.refs_stand_alone() && json.contains("$ref")) return Shape::everything();
  std::set<std::string_view> types(std::begin(kTypes), std::end(kTypes));
  if (const Json* const type = find(json, "type")) {
    types.clear();
    const Json list = type->is_array() ? *type : Json::array({*type});
    for (const Json& name : list) {
      const auto* const known =
          std::find_if(std::begin(kTypes), std::end(kTypes), [&](std::string_view one) { return name == Json(one); });
      if (known == std::end(kTypes)) {
        if (!name.is_string()) return document_.wrong(id, "has a type that is neither a name nor a list of names");
        return document_.wrong(id, fmt::format("has the type {}, which JSON does not know", quoted(name)));
      }
      types.insert(*known);
    }
    if (list.empty()) return document_.wrong(id, "has a type that is neither a name nor a list of names");
  }
  const auto has = [&](std::string_view type) { return types.count(type) > 0; };
  Shape shape;
  shape.null = has("null");
  shape.yes = shape.no = has("boolean");
  if (has("number") || has("integer")) {
    CONTINUO_TRY(NumberShape number, numbers(id));
    if (!has("number")) number.kind = NumberShape::Kind::whole;
    shape.numbers = {std::move(number)};
  }
  if (has("string")) {
    StringShape string;
    if (const char* word = read_counts(json, "minLength", "maxLength", string.least, string.most))
      return document_.wrong(id, fmt::format("has a {} that is no count", word));
    if (const Json* const pattern = find(json, "pattern")) {
      if (!pattern->is_string()) return document_.wrong(id, "has a pattern that is not a string");
      SchemaStrings::add_pattern(pattern->get<std::string>(), string);
      for (const auto* list : {&string.patterns, &string.not_patterns}) {
        for (const std::string& text : *list) {
          const auto read = strings_.pattern(text);
          if (!read) return document_.wrong(id, fmt::format("has a pattern that {}", read.error().what));
        }
      }
    }
    if (const Json* const format = find(json, "format")) {
      if (!format->is_string()) return document_.wrong(id, "has a format that is not a string");
      const auto& name = format->get_ref<const std::string&>();
      const auto known = SchemaStrings::format(name);
      if (known == SchemaStrings::Format::unsupported)
        return document_.unsupported(id, fmt::format("the format \"{}\"", name));
      if (known == SchemaStrings::Format::known) string.formats.insert(name);
    }
    shape.strings = {std::move(string)};
  }
  if (has("array")) {
    CONTINUO_TRY(ArrayShape made, array(id));
    shape.arrays = {std::move(made)};
  }
  if (has("object")) {
    CONTINUO_TRY(ObjectShape made, object(id));
    shape.objects = {std::move(made)};
  }
  return shape;
}

Result<NumberShape> SchemaShapes::numbers(SchemaId id) {
  const Json& json = document_.json(id);
  NumberShape shape;
  for (const auto& [word, is_least, strict] :
       {std::tuple("minimum", true, "exclusiveMinimum"), std::tuple("maximum", false, "exclusiveMaximum")}) {
    auto& bound = is_least ? shape.least : shape.most;
    const auto tighten = [&, least = is_least](const Json& value, bool exclusive) {
      const auto number = Decimal::of(value);
      if (!number) return false;
      const bool tighter =
          !bound || (least ? *number > bound->value : *number < bound->value) || (*number == bound->value && exclusive);
      if (tighter) bound = NumberBound{*number, exclusive};
      return true;
    };
    const Json *const value = find(json, word), *const exclusive = find(json, strict);
    const bool old = exclusive && exclusive->is_boolean();  // of draft 4
    if (value && !tighten(*value, old && exclusive->get<bool>()))
      return document_.wrong(id, fmt::format("has a {} that is not a number", word));
    if (exclusive && !old && !tighten(*exclusive, true))
      return document_.wrong(id, fmt::format("has an {} that is not a number", strict));
  }
  if (const Json* const step = find(json, "multipleOf")) {
    const auto number = Decimal::of(*step);
    if (!number || number->negative || number->is_zero())
      return document_.wrong(id, "has a multipleOf that is not a number above 0");
    shape.multiples.push_back(*number);
  }
  return shape;
}

Result<ArrayShape> SchemaShapes::array(SchemaId id) {
  const Json& json = document_.json(id);
  ArrayShape shape;
  if (const char* word = read_counts(json, "minItems", "maxItems", shape.least, shape.most))
    return document_.wrong(id, fmt::format("has a {} that is no count", word));
  if (const Json* const unique = find(json, "uniqueItems")) shape.unique = *unique == Json(true);
  // Up to draft 7 the lists stand in `items`, and what follows in `additionalItems`.
  const Json* const items = find(json, "items");
  const bool old = items && items->is_array();
  const char *const first = old ? "items" : "prefixItems", *const rest = old ? "additionalItems" : "items";
  if (const Json* const prefix = find(json, first)) {
    if (!prefix->is_array()) return document_.wrong(id, fmt::format("has {} that are not a list", first));
    for (std::size_t i = 0; i < prefix->size(); ++i)
      shape.prefix.push_back({{document_.id_of((*prefix)[i], id, first, std::to_string(i))}});
  }
  CONTINUO_TRY(shape.rest, part(id, rest));
  if (is_false(shape.rest)) {
    shape.most = std::min(shape.most, static_cast<std::uint32_t>(shape.prefix.size()));
    shape.rest.clear();
  }
  if (json.contains("contains")) {
    const Json* const least = find(json, "minContains");
    if (least && *least != Json(1)) return document_.unsupported(id, "a minContains that is not 1");
    CONTINUO_TRY(Conjunction contained, part(id, "contains"));
    shape.contains.push_back(std::move(contained));
  }
  return shape;
}

Result<ObjectShape> SchemaShapes::object(SchemaId id) {
  const Json& json = document_.json(id);
  ObjectShape shape;
  if (const char* word = read_counts(json, "minProperties", "maxProperties", shape.least, shape.most))
    return document_.wrong(id, fmt::format("has a {} that is no count", word));
  ObjectShape::Members members;
  CONTINUO_TRY(members.properties, schemas_by_name(id, "properties"));
  CONTINUO_TRY(const auto by_pattern, schemas_by_name(id, "patternProperties"));
  for (const auto& [pattern, schema] : by_pattern) {
    const auto read = strings_.pattern(pattern);
    if (!read) return document_.wrong(id, fmt::format("has a pattern in patternProperties that {}", read.error().what));
    members.patterns.emplace_back(pattern, schema);
  }
  CONTINUO_TRY(members.additional, part(id, "additionalProperties"));
  const Json* const required = find(json, "required");
  if (required && !required->is_boolean()) {  // a boolean is draft 3's, and says nothing since
    CONTINUO_TRY(shape.required, names(*required, id, "required"));
  }
  CONTINUO_TRY(shape.names, part(id, "propertyNames"));
  if (!members.properties.empty() || !members.patterns.empty() || !members.additional.empty())
    shape.members = {std::make_shared<const ObjectShape::Members>(std::move(members))};
  return shape;
}

// ---- given values ----

Result<Shape> SchemaShapes::values(SchemaId id) {
  const Json& json = document_.json(id);
  Shape whole;
  if (const Json* const listed = find(json, "enum")) {
    if (!listed->is_array()) return document_.wrong(id, "has an enum that is not a list");
    for (const Json& value : *listed) {
      CONTINUO_TRY_VOID(charge(1));
      CONTINUO_TRY(Shape one, of_value(value, id));
      whole.null |= one.null, whole.yes |= one.yes, whole.no |= one.no;
      if (!one.numbers.empty()) {
        if (whole.numbers.empty()) whole.numbers = {one.numbers.front()};
        whole.numbers.front().values->insert(*one.numbers.front().values->begin());
      }
      if (!one.strings.empty()) {
        if (whole.strings.empty()) whole.strings = {one.strings.front()};
        whole.strings.front().values->insert(*one.strings.front().values->begin());
      }
      std::move(one.arrays.begin(), one.arrays.end(), std::back_inserter(whole.arrays));
      std::move(one.objects.begin(), one.objects.end(), std::back_inserter(whole.objects));
    }
    if (!json.contains("const")) return whole;
  }
  CONTINUO_TRY(Shape one, of_value(json["const"], id));
  return json.contains("enum") ? both(whole, one) : Result<Shape>(std::move(one));
}

Result<Shape> SchemaShapes::of_value(const Json& value, SchemaId at) {
  Shape shape;
  if (value.is_null()) shape.null = true;
  if (value.is_boolean()) (value.get<bool>() ? shape.yes : shape.no) = true;
  if (value.is_number()) {
    const auto number = Decimal::of(value);
    if (!number) return document_.unsupported(at, "a number of more than a thousand digits");
    shape.numbers.emplace_back().values = std::set{*number};
  }
  if (value.is_string()) shape.strings.emplace_back().values = std::set{value.get<std::string>()};
  const auto constant = [&](const Json& part) { return Conjunction{{document_.make({{"const", part}}, at)}}; };
  if (value.is_array()) {
    ArrayShape array;
    for (const Json& part : value) array.prefix.push_back(constant(part));
    array.least = array.most = static_cast<std::uint32_t>(value.size());
    shape.arrays.push_back(std::move(array));
  }
  if (value.is_object()) {
    ObjectShape::Members members;
    ObjectShape object;
    for (const auto& [name, part] : value.items()) {
      members.properties[name] = constant(part);
      object.required.insert(name);
    }
    members.additional = {{never()}};
    object.members = {std::make_shared<const ObjectShape::Members>(std::move(members))};
    shape.objects.push_back(std::move(object));
  }
  return shape;
}

// ---- several schemas ----

namespace {

void add_all(Shape& to, const Shape& from) {
  to.null |= from.null, to.yes |= from.yes, to.no |= from.no;
  to.numbers.insert(to.numbers.end(), from.numbers.begin(), from.numbers.end());
  to.strings.insert(to.strings.end(), from.strings.begin(), from.strings.end());
  to.arrays.insert(to.arrays.end(), from.arrays.begin(), from.arrays.end());
  to.objects.insert(to.objects.end(), from.objects.begin(), from.objects.end());
}

}  // namespace

Result<Shape> SchemaShapes::union_of(SchemaId id, const char* word) {
  CONTINUO_TRY(const auto parts, list(id, word));
  Shape whole;
  for (const SchemaId part : parts) {
    CONTINUO_TRY(const Shape* const one, shape({{part}}));
    add_all(whole, *one);
    CONTINUO_TRY_VOID(charge(1 + whole.objects.size()));
  }
  return whole;
}

// Each branch without those that may hold together with it, of what has the shape `of`.
Result<Shape> SchemaShapes::one_of(SchemaId id, const Shape& of) {
  CONTINUO_TRY(const auto parts, list(id, "oneOf"));
  std::vector<const Shape*> shapes;
  for (const SchemaId part : parts) {
    CONTINUO_TRY(const Shape* const one, shape({{part}}));
    shapes.push_back(one);
  }
  std::vector<Shape> within, exact;
  for (const Shape* one : shapes) {
    CONTINUO_TRY(Shape part, both(of, *one));
    within.push_back(std::move(part));
  }
  exact = within;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      CONTINUO_TRY_VOID(charge(10));
      CONTINUO_TRY(const Shape common, both(within[i], within[j]));
      CONTINUO_TRY(const bool apart, is_empty(common));
      if (apart) continue;
      for (const auto& [one, other] : {std::pair(i, j), std::pair(j, i)}) {
        const auto without = negated(*shapes[other], id);
        if (!without) return document_.unsupported(id, "a oneOf whose schemas may hold together");
        CONTINUO_TRY(exact[one], both(exact[one], *without));
      }
    }
  }
  Shape whole;
  for (const Shape& one : exact) add_all(whole, one);
  return whole;
}

Result<Shape> SchemaShapes::condition(SchemaId id) {
  CONTINUO_TRY(const Conjunction condition_part, part(id, "if"));
  CONTINUO_TRY(const Shape* const holds, shape(condition_part));
  CONTINUO_TRY(const Conjunction then_part, part(id, "then"));
  CONTINUO_TRY(const Conjunction else_part, part(id, "else"));
  CONTINUO_TRY(const Shape* const then_shape, shape(then_part));
  CONTINUO_TRY(const Shape* const else_shape, shape(else_part));
  CONTINUO_TRY(const Shape otherwise, negated(*holds, id));
  CONTINUO_TRY(Shape whole, both(*holds, *then_shape));
  CONTINUO_TRY(const Shape second, both(otherwise, *else_shape));
  add_all(whole, second);
  return whole;
}

// A member is not there, or what depends on it holds.
Result<Shape> SchemaShapes::dependencies(SchemaId id, Shape whole) {
  const Json& json = document_.json(id);
  for (const char* word : {"dependentRequired", "dependentSchemas", "dependencies"}) {
    const Json* const all = find(json, word);
    if (!all) continue;
    if (!all->is_object()) return document_.wrong(id, fmt::format("has {} that are not an object", word));
    for (const auto& [name, needs] : all->items()) {
      Shape depends = Shape::everything();
      ObjectShape absent, present;
      ObjectShape::Members none;
      none.properties[name] = {{never()}};
      absent.members = {std::make_shared<const ObjectShape::Members>(std::move(none))};
      present.required.insert(name);
      if (needs.is_array() || needs.is_string()) {
        CONTINUO_TRY(const auto more, names(needs.is_array() ? needs : Json::array({needs}), id, word));
        present.required.insert(more.begin(), more.end());
        depends.objects = {std::move(absent), std::move(present)};
      } else {
        depends.objects = {std::move(present)};
        const SchemaId part = document_.id_of(needs, id, word, name);
        CONTINUO_TRY(const Shape* const then_shape, shape({{part}}));
        CONTINUO_TRY(depends, both(depends, *then_shape));
        Shape other = Shape::everything();
        depends.null = depends.yes = depends.no = true;
        depends.numbers = other.numbers, depends.strings = other.strings, depends.arrays = other.arrays;
        depends.objects.push_back(std::move(absent));
      }
      CONTINUO_TRY(whole, both(whole, depends));
    }
  }
  return whole;
}

Result<std::optional<std::vector<SchemaId>>> SchemaShapes::branches(SchemaId id) {
  using Branches = std::optional<std::vector<SchemaId>>;
  const Json& json = document_.json(id);
  if (!json.is_object()) return Branches();
  if (json.contains("anyOf") && !has_other_words(json, {"anyOf"})) {
    CONTINUO_TRY(auto parts, list(id, "anyOf"));
    return Branches(std::move(parts));
  }
  if (!json.contains("oneOf") || has_other_words(json, {"oneOf"})) return Branches();
  CONTINUO_TRY(auto parts, list(id, "oneOf"));
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      CONTINUO_TRY(const Shape* const one, shape({{parts[i]}}));
      CONTINUO_TRY(const Shape* const other, shape({{parts[j]}}));
      CONTINUO_TRY(const Shape common, both(*one, *other));
      CONTINUO_TRY(const bool apart, is_empty(common));
      if (!apart) return Branches();
    }
  }
  return Branches(std::move(parts));
}

}  // namespace continuo
