// The parts of a tokenizer, in the order in which a text meets them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/decoder.h"
#include "text/normalizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"
#include "text/score_bpe.h"
#include "text/tokenizer.h"
#include "text/unigram.h"
#include "text/vocabulary.h"
#include "text/word_list.h"
#include "text/word_piece.h"

namespace continuo {

struct TokenizerParts {
  AddedTokens added;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  std::variant<Bpe, Unigram, ScoreBpe, WordList, WordPiece> model;
  PostProcessor post_processor;
  Decoder decoder;
  std::shared_ptr<const Vocabulary> vocabulary;

  // Throws TextFault.
  std::vector<TokenId> encode(std::string_view text, const PlainText& plain = {}) const;
  // The bytes of one id; see Decoder::append.
  void decode_one(TokenId id, bool skip_special, bool& at_text_start, std::string& out) const;

 private:
  // What encoding a text takes along.
  template <class Model>
  struct Encoding {
    const Model& model;
    TextWork work;
    typename Model::Scratch scratch = {};
    std::vector<TokenId> ids = {};
    bool checks_normalized = false;  // forbidden tokens are looked for in normalized text
  };
  // Text without raw added tokens. `plain`: places in it.
  template <class Model>
  void encode_part(std::string_view text, const PlainText& plain, bool at_text_start, Encoding<Model>& encoding) const;
  // The same where `plain` says the same of the normalized text: nothing or all of it is plain, or nothing is changed.
  template <class Model>
  void encode_marked(std::string_view text, const PlainText& plain, bool at_text_start,
                     Encoding<Model>& encoding) const;
  // Text that is normalized and has no added tokens. `cuts`: where no token may go across.
  template <class Model>
  void encode_normalized(std::string_view text, std::span<const std::size_t> cuts, std::size_t from_first,
                         Encoding<Model>& encoding) const;
  std::vector<std::size_t> cuts_in_forbidden(std::string_view text, std::span<const TokenId> ids,
                                             const PlainText& plain) const;
};

// tokenizer_json.cpp
Result<TokenizerParts> parse_tokenizer_json(std::string_view json, const std::string& file);
// sentencepiece_model.cpp: what is put around a prompt.
Result<PostProcessor> frame_prompt(std::optional<TokenId> bos, bool add_bos, std::optional<TokenId> eos, bool add_eos,
                                   const std::string& file);
// {"piece": id, ...}, consumed.
Result<void> read_json_vocabulary(JsonScanner& json, Vocabulary& vocabulary);

struct Tokenizer::Impl : TokenizerParts {};
Tokenizer make_tokenizer(TokenizerParts parts);

}  // namespace continuo
