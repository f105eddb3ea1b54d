// JSON's values as syntax: blanks, strings, numbers, any value, one value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "grammar/syntax.h"

namespace continuo {

class JsonValues {
 public:
  explicit JsonValues(Syntax& syntax) : syntax_(syntax) {}

  // Between the parts of an array or object: nothing, a blank, or a line's end and up to 64 blanks.
  NodeId blanks();
  NodeId any();
  NodeId object();
  NodeId array();
  NodeId null() { return syntax_.literal("null"); }
  NodeId boolean() { return syntax_.alt({syntax_.literal("true"), syntax_.literal("false")}); }
  // A string of `least` to `most` characters; kUnbounded: any number.
  NodeId string(std::uint32_t least, std::uint32_t most);
  // This value alone, with blanks anywhere.
  NodeId value(const Json& json);
  // A key and the colon behind it.
  NodeId key(std::string_view name);
  // Any text of a key but these.
  NodeId other_name(const std::vector<std::string>& names);

  NodeId open(char bracket);               // with blanks behind
  NodeId comma();                          // with blanks around
  NodeId close(char bracket);              // with blanks before
  NodeId list(NodeId first, NodeId rest);  // of `first`, then any number of `rest`: comma and element

 private:
  Syntax& syntax_;
  std::optional<RuleId> any_, object_, array_, blanks_, string_;
};

}  // namespace continuo
