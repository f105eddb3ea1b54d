// Token ids as text.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"

namespace continuo {

// Token ids with blanks, line ends or commas between them.
Result<std::vector<TokenId>> parse_ids(std::string_view text);

}  // namespace continuo
