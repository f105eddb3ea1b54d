// The first change to a text: Unicode normalization, prefixes, replacements.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "text/pattern.h"
#include "text/unicode_normalization.h"

namespace continuo {

class Normalizer {
 public:
  // null is a normalizer that changes nothing.
  static Result<Normalizer> parse(const Json& json, const std::string& file);

  std::string apply(std::string_view text) const;
  bool empty() const { return steps_.empty(); }

 private:
  struct Prepend {  // not to an empty text
    std::string prefix;
  };
  struct Replace {
    Pattern pattern;
    std::string content;
  };
  using Step = std::variant<UnicodeForm, Prepend, Replace>;
  Result<void> add(const Json& json, const std::string& file);

  std::vector<Step> steps_;
};

}  // namespace continuo
