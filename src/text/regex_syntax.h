// Tokenizer files write regular expressions for Oniguruma (Ruby syntax, Unicode); PCRE2 runs them here. The
// two agree on most of the language; this translates what differs and refuses what it does not know.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace continuo {

// The same expression for PCRE2 with PCRE2_UTF and PCRE2_MULTILINE, without captures. Errors carry no file.
Result<std::string> oniguruma_to_pcre2(std::string_view pattern);

}  // namespace continuo
