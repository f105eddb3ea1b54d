// JSON schemas, draft 2020-12 and the drafts 4 to 7, as syntax. A keyword either has its full meaning, or it is an
// error that names it.
#include <fmt/format.h>

#include "base/json.h"
#include "grammar/readers.h"
#include "grammar/schema_document.h"
#include "grammar/schema_writer.h"

namespace continuo {

Result<RuleId> read_json_schema(std::string_view text, Syntax& syntax) {
  auto json = parse_json(text, "");
  if (!json) {
    Error error = json.error();
    return usage_error(fmt::format("is not valid JSON: {}", error.what));
  }
  SchemaDocument document(*json);
  return SchemaWriter(document, syntax).write();
}

}  // namespace continuo
