#include "text/name_pattern.h"

#include <algorithm>

#include "text/pattern.h"

namespace continuo {

Result<bool> matches_name(std::string_view expression, std::string_view name, const std::string& file,
                          const std::string& part) {
  CONTINUO_TRY(const Regex regex, Regex::compile(expression, file, part));
  std::vector<Range> matches;
  try {
    TextWork work(name.size());
    regex.find_all(name, matches, work);
  } catch (const TextFault& fault) {
    return model_error(file, part + ": " + fault.what);
  }
  return std::any_of(matches.begin(), matches.end(), [&](const Range& match) {
    return match == Range{0, name.size()};
  });
}

}  // namespace continuo
