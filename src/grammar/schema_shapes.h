// What a JSON schema says, by the types of values: alternatives of numbers, strings, arrays and objects, without
// references and without anyOf, oneOf, allOf, not and if. The schemas of elements and members stay as they are, so that
// a schema that refers to itself has a finite shape.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "grammar/json_numbers.h"
#include "grammar/schema_document.h"
#include "grammar/schema_strings.h"

namespace continuo {

// A schema that holds, or does not.
struct SchemaLiteral {
  SchemaId id;
  bool negated = false;
  auto operator<=>(const SchemaLiteral&) const = default;
};
// Schemas that hold together, ascending; none: anything.
using Conjunction = std::vector<SchemaLiteral>;

struct NumberShape {
  enum class Kind : std::uint8_t { any, whole, fractions };
  JsonNumbers::Bound least, most;
  Kind kind = Kind::any;
  std::vector<Decimal> multiples, non_multiples;  // of these
  std::optional<std::set<Decimal>> values;        // no others
  std::set<Decimal> excluded;
};

struct ArrayShape {
  std::vector<Conjunction> prefix;  // of the first elements
  Conjunction rest;                 // of all others
  std::uint32_t least = 0, most = kUnbounded;
  bool unique = false;
  std::vector<Conjunction> contains;  // each holds for an element
};

struct ObjectShape {
  // What one schema says of members: a name's own schema and those of the patterns that it matches hold, or if there
  // are none, `additional`.
  struct Members {
    std::map<std::string, Conjunction> properties;
    std::vector<std::pair<std::string, Conjunction>> patterns;
    Conjunction additional;
  };
  std::vector<std::shared_ptr<const Members>> members;  // all of these hold
  std::set<std::string> required;
  std::uint32_t least = 0, most = kUnbounded;
  Conjunction names;
};

struct Shape {
  bool null = false, yes = false, no = false;
  std::vector<NumberShape> numbers;
  std::vector<StringShape> strings;
  std::vector<ArrayShape> arrays;
  std::vector<ObjectShape> objects;

  static Shape everything();
  static Shape nothing() { return {}; }
};

class SchemaShapes {
 public:
  SchemaShapes(SchemaDocument& document, SchemaStrings& strings) : document_(document), strings_(strings) {}

  // The errors of all of these name the place and what is not supported there.
  Result<const Shape*> shape(const Conjunction& schemas);
  // Without what says nothing, and with what references and an allOf that stands alone lead to.
  Result<Conjunction> simplified(Conjunction schemas);
  // The schemas of an anyOf that stands alone, or of such a oneOf of which no two hold together.
  Result<std::optional<std::vector<SchemaId>>> branches(SchemaId id);
  Result<Conjunction> member(const ObjectShape& object, const std::string& name);
  bool is_false(const Conjunction& schemas) const;
  Result<bool> takes_name(const Conjunction& names, const std::string& name);
  // Whether no value has the shape, as far as that is easily seen.
  Result<bool> is_empty(const Shape& shape);
  SchemaId never();

 private:
  // ---- reading (schema_shapes.cpp) ----
  Result<Shape> read(SchemaLiteral schema);
  Result<Shape> read_positive(SchemaId id);
  Result<void> check_words(SchemaId id);
  Result<Shape> own(SchemaId id);
  Result<NumberShape> numbers(SchemaId id);
  Result<ArrayShape> array(SchemaId id);
  Result<ObjectShape> object(SchemaId id);
  Result<Shape> values(SchemaId id);
  Result<Shape> of_value(const Json& value, SchemaId at);
  Result<Shape> union_of(SchemaId id, const char* word);
  Result<Shape> one_of(SchemaId id, const Shape& of);
  Result<Shape> condition(SchemaId id);
  Result<Shape> dependencies(SchemaId id, Shape shape);
  Result<std::vector<SchemaId>> list(SchemaId id, const char* word);
  Result<std::map<std::string, Conjunction>> schemas_by_name(SchemaId id, const char* word);
  Result<std::set<std::string>> names(const Json& value, SchemaId at, const char* word);
  Result<Conjunction> part(SchemaId id, const char* word);
  Result<SchemaId> reference(SchemaId id);

  // ---- algebra (schema_algebra.cpp) ----
  Result<Shape> both(const Shape& a, const Shape& b);
  Result<Shape> negated(const Shape& shape, SchemaId at);
  Result<std::vector<ObjectShape>> negated(const ObjectShape& object, SchemaId at);
  Result<std::vector<ArrayShape>> negated(const ArrayShape& array, SchemaId at);
  Result<bool> is_empty(const NumberShape& number);
  Result<bool> is_empty(const ArrayShape& array);
  Result<bool> is_empty(const ObjectShape& object);
  Result<bool> holds_nothing(const Conjunction& schemas);
  static Conjunction together(const Conjunction& a, const Conjunction& b);
  Result<void> charge(std::size_t work);

  SchemaDocument& document_;
  SchemaStrings& strings_;
  std::map<Conjunction, std::unique_ptr<const Shape>> known_;
  std::map<Conjunction, bool> empty_;
  std::set<SchemaLiteral> reading_;
  std::optional<SchemaId> never_;
  std::size_t work_ = 0;
  int emptiness_depth_ = 0;
};

}  // namespace continuo
