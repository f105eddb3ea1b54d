// A JSON schema's places: what a reference leads to, which draft it is of.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace continuo {

using SchemaId = std::uint32_t;

class SchemaDocument {
 public:
  explicit SchemaDocument(const Json& root);

  struct Place {
    const Json* json;
    std::string path;  // "#/properties/a"
    std::string base;  // the URI that references are relative to
  };
  static constexpr SchemaId kRoot = 0;

  // Each JSON of the document has one id. `path` is for messages.
  SchemaId id_of(const Json& schema, const SchemaId parent, std::string_view word, std::string_view part = {});
  // A schema that no document has.
  SchemaId make(Json schema, SchemaId parent);
  const Json& json(SchemaId id) const { return *places_[id].json; }
  const std::string& path(SchemaId id) const { return places_[id].path; }
  Result<SchemaId> target(const std::string& reference, SchemaId from);

  // Drafts up to 7: a $ref stands alone.
  bool refs_stand_alone() const { return refs_stand_alone_; }

  Error wrong(SchemaId at, std::string_view what) const;
  Error unsupported(SchemaId at, std::string_view what) const;

 private:
  SchemaId add(const Json& schema, std::string path, const std::string& base);
  void find_names(const Json& schema, const std::string& path, const std::string& base, int depth);
  Result<SchemaId> follow(SchemaId from, std::string_view pointer, const std::string& reference, SchemaId asking);

  const Json& root_;
  bool refs_stand_alone_ = false;
  std::vector<Place> places_;
  std::unordered_map<const Json*, SchemaId> ids_;
  std::map<std::string, SchemaId> named_;  // by URI
  std::deque<Json> made_;
};

}  // namespace continuo
