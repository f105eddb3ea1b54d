// Texts that break a repetition (DRY), as tokens of a vocabulary.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sampling/options.h"
#include "text/tokenizer.h"

namespace continuo {

// Each token that holds a text whole, or ends with its beginning: then with the tokens that spell the rest.
// Texts are at most 40 bytes long (the rest of longer ones does not count), and rests 20 tokens, as in
// llama.cpp.
std::vector<SequenceBreaker> sequence_breakers(const Tokenizer& tokenizer, const std::vector<std::string>& texts);

// The same for several requests: each list of texts is looked up once.
class DryBreakers {
 public:
  std::shared_ptr<const std::vector<SequenceBreaker>> find(const Tokenizer& tokenizer,
                                                           const std::vector<std::string>& texts);

 private:
  static constexpr std::size_t kMost = 64;  // lists that are kept
  std::map<std::vector<std::string>, std::shared_ptr<const std::vector<SequenceBreaker>>> known_;
};

}  // namespace continuo
