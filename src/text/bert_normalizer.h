// The normalizer of BERT's tokenizers (Devlin et al. 2018, tokenization.py), in the form of the reference
// library.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "text/part.h"

namespace continuo {

struct BertNormalizer {
  bool clean_text = true;            // drops control characters and bytes that are not UTF-8; white space becomes ' '
  bool handle_chinese_chars = true;  // a blank on both sides of an ideograph
  bool strip_accents = true;
  bool lowercase = true;

  // {"type": "BertNormalizer", ...}. A strip_accents of null is that of lowercase.
  static Result<BertNormalizer> parse(const Part& part);
  std::string apply(std::string text) const;
};

}  // namespace continuo
