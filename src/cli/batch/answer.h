// What the output says of a request: one line of JSON, or of text.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cli/batch/request.h"
#include "generate/request.h"
#include "text/tokenizer.h"

namespace continuo {

// What all answers of a run share.
struct AnswerForm {
  std::string model;
  const Tokenizer* tokenizer = nullptr;  // null: no text
  bool text = false;                     // a line of text instead of JSON
  bool with_line = false;                // answers say their request's line: their order does not
};

// All of these end in '\n' and hold no other.
std::string answer_line(const AnswerForm& form, const BatchRequest& request, std::uint64_t line,
                        std::span<const Completion> samples);
std::string error_line(const AnswerForm& form, const BatchError& error, std::uint64_t line);
// What has become certain of a streamed sample. Told from an answer by its finish_reason, which is null.
std::string increment_line(const BatchRequest& request, std::size_t sample, std::string_view text);

}  // namespace continuo
