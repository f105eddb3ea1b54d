// BERT's tokenizer from a vocabulary alone: vocab.txt, or the one inside a GGUF file.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/bert_normalizer.h"
#include "text/tokenizer_files.h"
#include "text/tokenizer_parts.h"

namespace continuo {

struct BertVocabulary {
  std::shared_ptr<const Vocabulary> pieces;  // indexed; what continues a word begins with "##"
  BertNormalizer normalizer;
  std::vector<AddedToken> added;
  std::string unk_token = "[UNK]";
  std::optional<TokenId> cls_id, sep_id;  // around a text; an error if they are missing
};

Result<TokenizerParts> build_bert(BertVocabulary vocabulary, const std::string& file);

// vocab.txt: a piece a line, the first has the id 0. `find` gives what lies beside it.
Result<Tokenizer> bert_from_text_file(const TokenizerFile& file, const FindFile& find);

}  // namespace continuo
