#pragma once

#include <cstdint>

namespace continuo {

// What requests and answers look like: lines of JSON; lines of text; rows of a table.
enum class BatchFormat : std::uint8_t { jsonl, text, csv };

}  // namespace continuo
