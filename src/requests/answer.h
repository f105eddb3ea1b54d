// What the output says of a request: one line of JSON, or of text, or a row of a table for each sample.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "generate/request.h"
#include "requests/request.h"
#include "text/tokenizer.h"

namespace continuo {

// What all answers of a run share.
struct AnswerForm {
  std::string model;
  const Tokenizer* tokenizer = nullptr;  // null: no text
  BatchFormat format = BatchFormat::jsonl;
  bool with_line = false;  // answers say their request's line: their order does not
};

// The columns of a table of answers. An answer has a row for each of its `n` samples, by `index`.
inline constexpr std::array<std::string_view, 15> kAnswerColumns = {"id",
                                                                    "row",
                                                                    "index",
                                                                    "n",
                                                                    "text",
                                                                    "finish_reason",
                                                                    "ids",
                                                                    "logprobs",
                                                                    "prompt_tokens",
                                                                    "completion_tokens",
                                                                    "seed",
                                                                    "model",
                                                                    "error_type",
                                                                    "error",
                                                                    "digest"};
std::string csv_header();

// All of these end in '\n', and hold no other but in a table's quotes.
std::string answer_line(const AnswerForm& form, const BatchRequest& request, std::uint64_t line,
                        std::span<const Completion> samples);
std::string error_line(const AnswerForm& form, const BatchError& error, std::uint64_t line);
// What has become certain of a streamed sample. Told from an answer by its finish_reason, which is null.
std::string increment_line(const BatchRequest& request, std::size_t sample, std::string_view text);

}  // namespace continuo
