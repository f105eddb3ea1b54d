// The RWKV World vocabulary: a text file of lines "ID LITERAL SIZE", where LITERAL is a Python string or
// bytes literal and SIZE its bytes in UTF-8.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer.h"

namespace continuo {

Result<Tokenizer> parse_rwkv_vocabulary(std::string_view text, const std::string& file);

}  // namespace continuo
