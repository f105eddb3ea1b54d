// A line of the input of `continuo score --jsonl`: a text, a prompt and its completion, or a prompt and
// choices.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/model.h"
#include "requests/json_answer.h"
#include "requests/line.h"
#include "requests/request.h"
#include "requests/scored.h"
#include "text/tokenizer.h"

namespace continuo {

struct ScoreRecord {
  enum class Kind { text, completion, choices } kind = Kind::text;
  Answer id;  // the line's number if it has none
  std::string prompt;
  std::vector<std::string> texts;     // what is scored: the text, the completion, the choices
  std::optional<std::size_t> answer;  // the right choice
};

std::variant<ScoreRecord, BatchError> parse_record(const Line& line, std::size_t longest_line);

// Token ids of which those from `first` on are scored.
struct ScoredPart {
  std::vector<TokenId> ids;
  std::size_t first = 0;
  std::size_t bytes = 0;  // of the text that is scored
};

// `text` after `prompt`. What counts as the text's are the tokens from the first one on that the prompt alone
// does not have. Where nothing stands before them, the model's BOS does. `text` alone (no prompt, `whole`):
// all tokens but the first, and the bytes that they spell.
Result<ScoredPart> part_after(const Tokenizer& tokenizer, const Model& model, const std::string& prompt,
                              const std::string& text);
Result<ScoredPart> whole_text(const Tokenizer& tokenizer, const Model& model, const std::string& text);

// The same tokens with nothing but BOS before them; nothing if the model has none, or if that is all they
// have.
std::optional<ScoredPart> without_prompt(const ScoredPart& part, const Model& model);

}  // namespace continuo
