// A BPE model's merges as the files have them, resolved to ids.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "text/json_scanner.h"
#include "text/vocabulary.h"

namespace continuo {

// left and right become merged; the place in the list is the rank.
struct MergeLine {
  TokenId left, right, merged;
};

// The JSON array of a tokenizer.json, "left right" strings or pairs of strings, which is consumed.
Result<std::vector<MergeLine>> read_json_merges(JsonScanner& json, const Vocabulary& vocabulary);

// The lines of a merges.txt; those that begin with "#version" and empty ones are none.
Result<std::vector<MergeLine>> read_text_merges(std::string_view text, const Vocabulary& vocabulary,
                                                const std::string& file);

// "left right" strings.
Result<std::vector<MergeLine>> read_merge_list(std::span<const std::string_view> lines, const Vocabulary& vocabulary,
                                               const std::string& file);

}  // namespace continuo
