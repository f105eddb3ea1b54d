// The few types that every folder shares.
#pragma once

#include <cstdint>

namespace continuo {

using TokenId = std::int32_t;

}  // namespace continuo
