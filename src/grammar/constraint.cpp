#include "grammar/constraint.h"

namespace continuo {

std::string_view option_of(ConstraintKind kind) {
  switch (kind) {
    case ConstraintKind::none:
      return "";
    case ConstraintKind::choice:
      return "--choice";
    case ConstraintKind::regex:
      return "--regex";
    case ConstraintKind::json:
      return "--json-schema";
    case ConstraintKind::grammar:
      return "--grammar";
  }
  return "";
}

}  // namespace continuo
