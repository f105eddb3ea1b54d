// Shapes of JSON schemas as syntax: a rule for each set of schemas that hold together.
#pragma once

#include <map>
#include <vector>

#include "grammar/json_values.h"
#include "grammar/schema_shapes.h"
#include "grammar/schema_strings.h"
#include "grammar/syntax.h"

namespace continuo {

class SchemaWriter {
 public:
  SchemaWriter(SchemaDocument& document, Syntax& syntax)
      : document_(document), syntax_(syntax), values_(syntax), strings_(syntax, values_), shapes_(document, strings_) {}

  // The rule of the whole document.
  Result<RuleId> write();

 private:
  Result<NodeId> rule(const Conjunction& schemas);
  Result<NodeId> body(const Conjunction& schemas);
  Result<NodeId> number(const NumberShape& shape);
  Result<NodeId> array(const ArrayShape& shape);
  Result<NodeId> unique_values(const ArrayShape& shape);
  Result<NodeId> elements(const ArrayShape& shape);
  Result<NodeId> elements_with(const ArrayShape& shape);
  Result<NodeId> object(const ObjectShape& shape);
  Result<void> add_others(const ObjectShape& shape, const std::vector<std::string>& names, ObjectSyntax& object);
  Error at(const Conjunction& schemas, const Error& error) const;

  SchemaDocument& document_;
  Syntax& syntax_;
  JsonValues values_;
  SchemaStrings strings_;
  SchemaShapes shapes_;
  std::map<Conjunction, RuleId> rules_;
  std::vector<std::pair<Conjunction, RuleId>> waiting_;
  Conjunction writing_;
};

}  // namespace continuo
