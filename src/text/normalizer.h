// The first change to a text: Unicode normalization, prefixes, replacements.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "text/bert_normalizer.h"
#include "text/charsmap.h"
#include "text/part.h"
#include "text/pattern.h"
#include "text/sentencepiece_normalizer.h"
#include "text/text_work.h"
#include "text/unicode_normalization.h"

namespace continuo {

class Normalizer {
 public:
  // null is a normalizer that changes nothing.
  static Result<Normalizer> parse(const Json& json, const std::string& file);
  Normalizer() = default;
  explicit Normalizer(SentencePieceNormalizer step) { steps_.emplace_back(std::move(step)); }
  explicit Normalizer(BertNormalizer step) { steps_.emplace_back(step); }

  // Throws TextFault where the text costs more than `work` allows.
  std::string apply(std::string_view text, TextWork& work) const;
  // The same. `from_first`: how many bytes at the front of `text` come from the first character that the
  // person wrote; becomes how many of the result do (0 where that character is gone).
  std::string apply(std::string_view text, std::size_t& from_first, TextWork& work) const;
  bool empty() const { return steps_.empty(); }

 private:
  struct Prepend {  // not to an empty text
    std::string prefix;
  };
  struct Replace {
    Pattern pattern;
    std::string content;
  };
  struct Lowercase {};
  struct Strip {  // white space
    bool left, right;
  };
  struct Precompiled {
    Charsmap map;
  };
  using Step = std::variant<UnicodeForm, Prepend, Replace, Lowercase, Strip, Precompiled, SentencePieceNormalizer,
                            BertNormalizer>;
  Result<void> add(const Json& json, const std::string& file);
  Result<void> add_simple(const Part& part);
  // What `from_first` becomes where a step changes `text`.
  template <class Kind>
  static std::size_t kept_from_first(const Kind& kind, std::string_view text, std::size_t from_first, TextWork& work);
  static std::size_t kept_from_first(const Prepend& prepend, std::string_view text, std::size_t from_first,
                                     TextWork& work);
  static std::size_t kept_from_first(const Replace& replace, std::string_view text, std::size_t from_first,
                                     TextWork& work);
  static std::size_t kept_from_first(const Strip& strip, std::string_view text, std::size_t from_first, TextWork& work);
  static std::size_t kept_from_first(const Precompiled& map, std::string_view text, std::size_t from_first,
                                     TextWork& work);
  static std::string changed(const UnicodeForm& form, std::string text, TextWork& work);
  static std::string changed(const Prepend& prepend, std::string text, TextWork& work);
  static std::string changed(const Replace& replace, std::string text, TextWork& work);
  static std::string changed(const Lowercase& lowercase, std::string text, TextWork& work);
  static std::string changed(const Strip& strip, std::string text, TextWork& work);
  static std::string changed(const Precompiled& precompiled, std::string text, TextWork& work);
  static std::string changed(const SentencePieceNormalizer& normalizer, std::string text, TextWork& work);
  static std::string changed(const BertNormalizer& normalizer, std::string text, TextWork& work);

  std::vector<Step> steps_;
};

}  // namespace continuo
