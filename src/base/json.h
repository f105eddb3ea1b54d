// JSON from outside: parsed with bounds, errors as values with a byte offset.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json_fwd.h"

namespace continuo {

// Refuses text that nests deeper than kMaxJsonDepth (a few bytes could otherwise cost a stack) and anything after
// the value. `file` is only named in errors.
inline constexpr int kMaxJsonDepth = 64;
Result<Json> parse_json(std::string_view bytes, const std::string& file);

// The first byte at which `bytes` nests deeper than kMaxJsonDepth, or npos: for callers with a parser of their own.
std::size_t json_too_deep(std::string_view bytes);

}  // namespace continuo
