#include "base/json.h"

#include <fmt/format.h>

namespace continuo {

std::size_t json_too_deep(std::string_view bytes) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (in_string) {
      if (c == '\\') ++i;
      else if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxJsonDepth) return i;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return std::string_view::npos;
}

Result<Json> parse_json(std::string_view bytes, const std::string& file) {
  if (const std::size_t at = json_too_deep(bytes); at != std::string_view::npos) {
    return Error{.what = fmt::format("JSON nests deeper than {} levels", kMaxJsonDepth), .file = file, .offset = at};
  }
  try {
    return Json::parse(bytes.begin(), bytes.end());
  } catch (const Json::parse_error& e) {
    return Error{.what = "not valid JSON",
                 .file = file,
                 .offset = e.byte > 0 ? e.byte - 1 : 0,  // nlohmann counts the bytes it has read
                 .hint = bytes.empty() ? "the file is empty" : "was the file cut short or edited by hand?"};
  } catch (const Json::exception& e) {  // a number out of range and the like
    return Error{.what = std::string("not valid JSON: ") + e.what(), .file = file};
  }
}

}  // namespace continuo
