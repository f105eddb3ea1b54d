#include "text/metaspace.h"

#include <fmt/format.h>

#include "base/json.h"
#include "text/utf8.h"

namespace continuo {

Result<MetaspaceOptions> parse_metaspace(const Part& part) {
  // str_rep repeats replacement.
  CONTINUO_TRY_VOID(part.only({"replacement", "str_rep", "add_prefix_space", "prepend_scheme", "split"}));
  MetaspaceOptions options;
  CONTINUO_TRY(options.replacement, part.text("replacement"));
  CONTINUO_TRY(const bool prefix, part.flag("add_prefix_space", true));
  CONTINUO_TRY(options.split, part.flag("split", true));
  std::string scheme = "always";
  if (part.json().contains("prepend_scheme")) {
    CONTINUO_TRY(scheme, part.text("prepend_scheme"));
  }
  if (options.replacement.empty() || utf8_at(options.replacement, 0).size != options.replacement.size()) {
    return part.error("replacement must be one character");
  }
  if (scheme == "first") {
    options.prepend = MetaspacePrepend::first;
  } else if (scheme == "never") {
    options.prepend = MetaspacePrepend::never;
  } else if (scheme != "always") {
    return part.error(fmt::format("prepend_scheme '{}' is not supported", scheme));
  }
  if (!prefix && options.prepend != MetaspacePrepend::never) {
    return part.error("add_prefix_space and prepend_scheme contradict each other");
  }
  return options;
}

}  // namespace continuo
