// How many ids a tokenizer puts behind the ids of a text.
#pragma once

#include <cstddef>

#include "text/tokenizer.h"

namespace continuo {

std::size_t special_after(const Tokenizer& tokenizer);

}  // namespace continuo
