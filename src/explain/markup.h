// Text as a part of HTML or SVG.
#pragma once

#include <string>
#include <string_view>

namespace continuo::explain {

// What would be markup as entities; good in elements and in attributes with double quotes.
std::string escaped_markup(std::string_view text);

}  // namespace continuo::explain
