#include "text/tokenizer_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "text/bert_vocabulary.h"
#include "text/known_pattern.h"
#include "text/merge_source.h"
#include "text/rwkv_vocabulary.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_config.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace continuo {

namespace {

constexpr std::array<std::string_view, 5> kNames = {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt",
                                                    "rwkv_vocab_v20230424.txt"};

// How the classes of vocab.json + merges.txt cut text.
struct BpeClass {
  std::string_view name;
  std::string_view pattern;
  bool nfc = false;
};
constexpr BpeClass kBpeClasses[] = {
    {"", kGpt2Pattern},
    {"GPT2Tokenizer", kGpt2Pattern},
    {"CodeGenTokenizer", kGpt2Pattern},
    {"GPTNeoXTokenizer", kGpt2Pattern},
    {"Qwen2Tokenizer", kQwen2Pattern, true},
};

// Classes of tokenizer.model that put other things around a prompt than their kind of model is used to.
struct SentencePieceClass {
  std::string_view name;
  bool add_bos, add_eos;
};
constexpr SentencePieceClass kSentencePieceClasses[] = {
    {"LlamaTokenizer", true, false},
    {"CodeLlamaTokenizer", true, false},
    {"GemmaTokenizer", true, false},
    {"T5Tokenizer", false, true},
};

std::optional<TokenId> id_of(const std::optional<std::string>& content, const std::vector<AddedToken>& added,
                             const Vocabulary& vocabulary) {
  if (!content) return std::nullopt;
  for (const AddedToken& token : added) {
    if (token.content == *content) return token.id;
  }
  return vocabulary.find(*content);
}

Result<Tokenizer> from_sentencepiece(const TokenizerFile& file, const FindFile& find) {
  CONTINUO_TRY(SentencePieceModel model, parse_sentencepiece(file.bytes, file.path));
  CONTINUO_TRY(const TokenizerConfig config, read_tokenizer_config(find));
  const bool unigram = model.type == SentencePieceModel::Type::unigram;
  model.add_bos = !unigram && model.bos_id;
  model.add_eos = unigram && model.eos_id;
  for (const SentencePieceClass& known : kSentencePieceClasses) {
    if (config.tokenizer_class != known.name) continue;
    model.add_bos = known.add_bos;
    model.add_eos = known.add_eos;
  }
  model.add_bos = config.add_bos_token.value_or(model.add_bos);
  model.add_eos = config.add_eos_token.value_or(model.add_eos);
  const auto find_piece = [&](std::string_view content) -> std::optional<TokenId> {
    for (std::size_t id = 0; id < model.pieces.size(); ++id) {
      if (model.pieces[id].text == content) return static_cast<TokenId>(id);
    }
    return std::nullopt;
  };
  model.added = all_added_tokens(config, find_piece);
  for (const AddedToken& token : model.added) {
    if (token.content == config.bos_token) model.bos_id = token.id;
    if (token.content == config.eos_token) model.eos_id = token.id;
  }
  CONTINUO_TRY(TokenizerParts parts, build_sentencepiece(model, file.path));
  return make_tokenizer(std::move(parts));
}

Json byte_level_steps(const BpeClass& kind, bool prefix_space) {
  Json split = {{"type", "Split"}, {"pattern", {{"Regex", kind.pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  Json spell = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  if (kind.pattern == kGpt2Pattern) {
    return {{"type", "ByteLevel"}, {"add_prefix_space", prefix_space}, {"use_regex", true}};
  }
  return {{"type", "Sequence"}, {"pretokenizers", {std::move(split), std::move(spell)}}};
}

Result<Tokenizer> from_vocab_json(const TokenizerFile& file, const FindFile& find) {
  CONTINUO_TRY(const std::optional<TokenizerFile> merges_file, find("merges.txt"));
  if (!merges_file) return model_error(file.path, "merges.txt, which belongs to it, is missing");
  CONTINUO_TRY(const TokenizerConfig config, read_tokenizer_config(find));
  const auto kind = std::find_if(std::begin(kBpeClasses), std::end(kBpeClasses),
                                 [&](const BpeClass& known) { return known.name == config.tokenizer_class; });
  if (kind == std::end(kBpeClasses)) {
    return model_error(file.path, fmt::format("tokenizer_class '{}' is not supported without a tokenizer.json",
                                              config.tokenizer_class));
  }
  if (file.bytes.size() > kMaxVocabularyBytes) return model_error(file.path, "it is larger than 1 GiB");
  if (const std::size_t valid = valid_utf8_prefix(file.bytes); valid < file.bytes.size()) {
    return Error{.what = "not valid UTF-8", .file = file.path, .offset = valid};
  }
  auto vocabulary = std::make_shared<Vocabulary>();
  JsonScanner scanner(file.bytes, file.path);
  CONTINUO_TRY_VOID(read_json_vocabulary(scanner, *vocabulary));
  scanner.peek();
  if (scanner.offset() < file.bytes.size()) return scanner.error("there is more after the end of the JSON object");
  CONTINUO_TRY_VOID(vocabulary->index(file.path));
  CONTINUO_TRY(const std::vector<MergeLine> merges,
               read_text_merges(merges_file->bytes, *vocabulary, merges_file->path));
  const Json steps = byte_level_steps(*kind, config.add_prefix_space.value_or(false));
  CONTINUO_TRY(PreTokenizer pre_tokenizer, PreTokenizer::parse(steps, file.path));
  BpeOptions options{.byte_level = pre_tokenizer.take_byte_level()};
  CONTINUO_TRY(Bpe bpe, Bpe::create(vocabulary, std::move(options), merges, file.path));
  CONTINUO_TRY(Normalizer normalizer, Normalizer::parse(kind->nfc ? Json{{"type", "NFC"}} : Json(), file.path));
  const auto find_piece = [&](std::string_view content) { return vocabulary->find(content); };
  std::vector<AddedToken> tokens = all_added_tokens(config, find_piece);
  CONTINUO_TRY(
      PostProcessor post_processor,
      frame_prompt(id_of(config.bos_token, tokens, *vocabulary), config.add_bos_token.value_or(false),
                   id_of(config.eos_token, tokens, *vocabulary), config.add_eos_token.value_or(false), file.path));
  CONTINUO_TRY(AddedTokens added, AddedTokens::create(std::move(tokens), *vocabulary, normalizer, file.path));
  CONTINUO_TRY(Decoder decoder, Decoder::parse({{"type", "ByteLevel"}}, file.path));
  return make_tokenizer(TokenizerParts{std::move(added), std::move(normalizer), std::move(pre_tokenizer),
                                       std::move(bpe), std::move(post_processor), std::move(decoder), vocabulary});
}

}  // namespace

std::span<const std::string_view> vocabulary_file_names() { return kNames; }

Result<Tokenizer> load_tokenizer(const FindFile& find) {
  for (const std::string_view name : kNames) {
    CONTINUO_TRY(const std::optional<TokenizerFile> file, find(name));
    if (!file) continue;
    if (name == "tokenizer.json") return Tokenizer::parse(file->bytes, file->path);
    if (name == "tokenizer.model") return from_sentencepiece(*file, find);
    if (name == "vocab.json") return from_vocab_json(*file, find);
    if (name == "vocab.txt") return bert_from_text_file(*file, find);
    return parse_rwkv_vocabulary(file->bytes, file->path);
  }
  return model_error("", fmt::format("there is no tokenizer: none of {}", fmt::join(kNames, ", ")));
}

}  // namespace continuo
