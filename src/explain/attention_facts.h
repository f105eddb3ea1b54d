// What can be measured on an attention head's matrices.
#pragma once

#include <span>

#include "explain/recording.h"

namespace continuo::explain {

// `ids`: the window's tokens; `from`: the position of the first (the first token of the text is in the window
// if 0).
HeadFacts attention_facts(const HeadRecord& head, std::span<const TokenId> ids, std::size_t from);

// Kinds that have a name, the first token last, and the mean weight that a head has to put there to be called so.
inline constexpr HeadKind kHeadKinds[] = {HeadKind::induction, HeadKind::previous_token, HeadKind::own_token,
                                          HeadKind::first_token};
inline constexpr double kKindShare = 0.4;
double share_of(const HeadFacts& facts, HeadKind kind);
HeadKind kind_of(const HeadFacts& facts);

}  // namespace continuo::explain
