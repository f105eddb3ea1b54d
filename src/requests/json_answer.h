// Answers as JSON: one line, fields in the order in which they are set, bytes that are not UTF-8 as U+FFFD.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "generate/request.h"
#include "text/tokenizer.h"

namespace continuo {

using Answer = nlohmann::ordered_json;

// How a token is named: its piece as tokenizer.json writes it; its id where there is no piece.
inline std::string piece_name(const Tokenizer* tokenizer, TokenId id) {
  const std::string_view piece = tokenizer ? tokenizer->piece(id) : std::string_view();
  return piece.empty() ? std::to_string(id) : std::string(piece);
}

// {"ID": LOGPROB}; null where it is minus infinity.
Answer logprobs_by_id(const std::vector<TokenLogprob>& named);

// tokens, token_logprobs, top_logprobs: a completion's log-probabilities as the OpenAI API writes them.
Answer logprobs_json(const Completion& completion, const Tokenizer* tokenizer);

// Loops that the network went through for each token; null where it has none.
Answer loops_json(const Completion& completion);

// A piece on a line of its own: what printable() does not let through and backslashes as \xNN.
std::string escaped(std::string_view piece);

}  // namespace continuo
