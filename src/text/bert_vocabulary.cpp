#include "text/bert_vocabulary.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "text/tokenizer_config.h"
#include "text/utf8.h"

namespace continuo {

namespace {

constexpr std::array<std::string_view, 4> kClasses = {"", "BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"};
// Those that the vocabulary has are special.
constexpr std::array<std::string_view, 5> kSpecialTokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

Result<std::shared_ptr<Vocabulary>> read_lines(const TokenizerFile& file) {
  std::string_view left = file.bytes;
  if (left.size() > kMaxVocabularyBytes) return model_error(file.path, "it is larger than 1 GiB");
  if (const std::size_t valid = valid_utf8_prefix(left); valid < left.size()) {
    return Error{.what = "not valid UTF-8", .file = file.path, .offset = valid};
  }
  auto pieces = std::make_shared<Vocabulary>();
  for (TokenId id = 0; !left.empty(); ++id) {
    if (id > kMaxTokenId) return model_error(file.path, "it has too many lines");
    const std::size_t size = std::min(left.find('\n'), left.size());
    std::string_view line = left.substr(0, size);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty()) pieces->add(line, id);
    left.remove_prefix(std::min(size + 1, left.size()));
  }
  CONTINUO_TRY_VOID(pieces->index(file.path));
  return pieces;
}

}  // namespace

Result<TokenizerParts> build_bert(BertVocabulary in, const std::string& file) {
  if (!in.cls_id || !in.sep_id) return model_error(file, "the vocabulary has no [CLS] or no [SEP]");
  CONTINUO_TRY(WordPiece model, WordPiece::create(*in.pieces, {.unk_token = in.unk_token}, file));
  CONTINUO_TRY(PreTokenizer pre_tokenizer, PreTokenizer::parse({{"type", "BertPreTokenizer"}}, file));
  Normalizer normalizer(in.normalizer);
  CONTINUO_TRY(AddedTokens added, AddedTokens::create(std::move(in.added), *in.pieces, normalizer, file));
  CONTINUO_TRY(Decoder decoder, Decoder::parse({{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}}, file));
  PostProcessor post_processor({*in.cls_id}, {*in.sep_id});
  return TokenizerParts{std::move(added), std::move(normalizer),     std::move(pre_tokenizer),
                        std::move(model), std::move(post_processor), std::move(decoder),
                        in.pieces};
}

Result<Tokenizer> bert_from_text_file(const TokenizerFile& file, const FindFile& find) {
  CONTINUO_TRY(TokenizerConfig config, read_tokenizer_config(find));
  if (std::find(kClasses.begin(), kClasses.end(), config.tokenizer_class) == kClasses.end()) {
    return model_error(file.path, fmt::format("tokenizer_class '{}' is not supported without a tokenizer.json",
                                              config.tokenizer_class));
  }
  CONTINUO_TRY(const std::shared_ptr<Vocabulary> pieces, read_lines(file));
  for (const std::string_view content : kSpecialTokens) {
    const auto same = [&](const AddedToken& other) { return other.content == content; };
    if (std::none_of(config.special_tokens.begin(), config.special_tokens.end(), same))
      config.special_tokens.push_back({.content = std::string(content), .special = true});
  }
  BertVocabulary out{.pieces = pieces};
  out.normalizer.lowercase = config.do_lower_case.value_or(true);
  out.normalizer.strip_accents = config.strip_accents.value_or(out.normalizer.lowercase);
  out.normalizer.handle_chinese_chars = config.tokenize_chinese_chars.value_or(true);
  out.added = all_added_tokens(config, [&](std::string_view content) { return pieces->find(content); });
  out.unk_token = config.unk_token.value_or(out.unk_token);
  out.cls_id = pieces->find(config.cls_token.value_or("[CLS]"));
  out.sep_id = pieces->find(config.sep_token.value_or("[SEP]"));
  CONTINUO_TRY(TokenizerParts parts, build_bert(std::move(out), file.path));
  return make_tokenizer(std::move(parts));
}

}  // namespace continuo
