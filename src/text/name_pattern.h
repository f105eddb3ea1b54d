// Regular expressions that files give for names.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace continuo {

// Whether the expression describes all of `name`. Errors name `file` and `part`: no expression, or one that takes too
// many steps.
Result<bool> matches_name(std::string_view expression, std::string_view name, const std::string& file,
                          const std::string& part);

}  // namespace continuo
