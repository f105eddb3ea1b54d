#include "requests/json_answer.h"

#include "base/printable.h"

#include <cmath>

namespace continuo {

std::string escaped(std::string_view piece) {
  std::string out;
  for (const char c : piece) {
    if (c == '\\') {
      out += "\\x5c";
    } else {
      out += c;
    }
  }
  return printable(out);
}

Answer logprobs_by_id(const std::vector<TokenLogprob>& named) {
  Answer by_id = Answer::object();
  for (const TokenLogprob& entry : named)
    by_id[std::to_string(entry.token)] = std::isfinite(entry.logprob) ? Answer(entry.logprob) : Answer();
  return by_id;
}

Answer loops_json(const Completion& completion) {
  Answer loops = Answer::array();
  for (const GeneratedToken& token : completion.tokens) {
    if (token.loops > 0) loops.push_back(token.loops);
  }
  return loops.empty() ? Answer() : loops;
}

Answer logprobs_json(const Completion& completion, const Tokenizer* tokenizer) {
  Answer tokens = Answer::array(), chosen = Answer::array(), top = Answer::array(), named = Answer::array();
  for (const GeneratedToken& token : completion.tokens) {
    tokens.push_back(piece_name(tokenizer, token.id));
    chosen.push_back(token.logprob);
    Answer alternatives = Answer::object();
    for (const TokenLogprob& entry : token.top) alternatives[piece_name(tokenizer, entry.token)] = entry.logprob;
    top.push_back(std::move(alternatives));
    if (!token.named.empty()) named.push_back(logprobs_by_id(token.named));
  }
  Answer all{{"tokens", std::move(tokens)}, {"token_logprobs", std::move(chosen)}, {"top_logprobs", std::move(top)}};
  if (!named.empty()) all["token_id_logprobs"] = std::move(named);
  return all;
}

}  // namespace continuo
