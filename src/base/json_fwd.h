// The name of a JSON value, for headers that only pass one on: base/json.h costs a second of compiling.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace continuo {

using Json = nlohmann::json;

}  // namespace continuo
