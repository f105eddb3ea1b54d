// What can be measured on an attention head's matrices.
#pragma once

#include <span>

#include "explain/recording.h"

namespace continuo::explain {

// `ids`: the window's tokens; `from`: the position of the first (the first token of the text is in the window
// if 0).
HeadFacts attention_facts(const HeadRecord& head, std::span<const TokenId> ids, std::size_t from);

}  // namespace continuo::explain
