#include "text/gguf_vocabulary.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "text/bert_vocabulary.h"
#include "text/gguf_pre_tokenizers.h"
#include "text/merge_source.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"
#include "text/word_list.h"
#include "text/words.h"

namespace continuo {

namespace {

class Reader {
 public:
  Reader(const GgufVocabulary& in, const std::string& file) : in_(in), file_(file) {}

  Result<TokenizerParts> read() {
    CONTINUO_TRY_VOID(check());
    CONTINUO_TRY_VOID(read_kinds());
    if (in_.model == "gpt2") return byte_level_bpe();
    if (in_.model == "llama") return sentencepiece(SentencePieceModel::Type::bpe);
    if (in_.model == "t5") return sentencepiece(SentencePieceModel::Type::unigram);
    if (in_.model == "rwkv") return rwkv();
    if (in_.model == "bert") return bert();
    return refuse(fmt::format("tokenizer.ggml.model '{}' is not supported", in_.model));
  }

 private:
  Error refuse(std::string what) const { return model_error(file_, std::move(what)); }

  Result<void> check() const {
    const std::size_t count = in_.tokens.size();
    if (count == 0) return refuse("tokenizer.ggml.tokens: there are none");
    if (count > static_cast<std::size_t>(kMaxTokenId)) return refuse("tokenizer.ggml.tokens: too many");
    std::size_t bytes = 0;
    for (const std::string_view token : in_.tokens) bytes += token.size();
    if (bytes > kMaxVocabularyBytes) return refuse("tokenizer.ggml.tokens: more than 1 GiB");
    if (!in_.scores.empty() && in_.scores.size() != count) {
      return refuse(fmt::format("there are {} tokens, but {} scores", count, in_.scores.size()));
    }
    if (!in_.token_types.empty() && in_.token_types.size() != count) {
      return refuse(fmt::format("there are {} tokens, but {} token types", count, in_.token_types.size()));
    }
    return {};
  }

  Result<void> read_kinds() {
    kinds_.assign(in_.tokens.size(), PieceKind::normal);
    for (std::size_t id = 0; id < in_.token_types.size(); ++id) {
      const std::int32_t type = in_.token_types[id];
      const auto kind = type == 0 ? PieceKind::normal : piece_kind(type);  // 0: nobody said
      if (!kind) return refuse(fmt::format("tokenizer.ggml.token_type: token {} has type {}", id, type));
      kinds_[id] = *kind;
    }
    return {};
  }

  // Some files have ids of tokens that they lack; that matters only if one is to be put into a prompt.
  std::optional<TokenId> id(std::optional<std::int64_t> id) const {
    if (!id || *id < 0 || *id >= static_cast<std::int64_t>(in_.tokens.size())) return std::nullopt;
    return static_cast<TokenId>(*id);
  }

  // The model's habit holds where the file does not say, and has the token.
  bool adds_bos(bool habit) const { return in_.add_bos_token.value_or(habit && id(in_.bos_token_id)); }
  bool adds_eos(bool habit) const { return in_.add_eos_token.value_or(habit && id(in_.eos_token_id)); }

  Result<PostProcessor> frame(bool bos_habit) const {
    return frame_prompt(id(in_.bos_token_id), adds_bos(bos_habit), id(in_.eos_token_id), adds_eos(false), file_);
  }

  Result<std::shared_ptr<Vocabulary>> vocabulary() const {
    auto vocabulary = std::make_shared<Vocabulary>();
    for (std::size_t id = 0; id < in_.tokens.size(); ++id) {
      if (!in_.tokens[id].empty()) vocabulary->add(in_.tokens[id], static_cast<TokenId>(id));
    }
    CONTINUO_TRY_VOID(vocabulary->index(file_));
    return vocabulary;
  }

  // Tokens that are looked for before anything else.
  std::vector<AddedToken> added() const {
    std::vector<AddedToken> added;
    for (std::size_t id = 0; id < kinds_.size(); ++id) {
      const bool special = kinds_[id] == PieceKind::control || kinds_[id] == PieceKind::unknown;
      if ((!special && kinds_[id] != PieceKind::user_defined) || in_.tokens[id].empty()) continue;
      added.push_back({.id = static_cast<TokenId>(id), .content = std::string(in_.tokens[id]), .special = special});
    }
    return added;
  }

  Result<TokenizerParts> byte_level_bpe() const {
    if (!in_.pre) {
      spdlog::warn(
          "{}: 'tokenizer.ggml.pre' is missing: the file does not say how text is cut into words; it is cut in "
          "the default way, which may not be the model's (convert the model anew to be sure)",
          file_);
    }
    CONTINUO_TRY(GgufPreTokenizer named, gguf_pre_tokenizer(in_.pre.value_or("default"), file_));
    CONTINUO_TRY(const auto pieces, vocabulary());
    CONTINUO_TRY(PreTokenizer pre_tokenizer, PreTokenizer::parse(named.pre_tokenizer, file_));
    BpeOptions options{.ignore_merges = named.ignore_merges};
    options.byte_level = pre_tokenizer.take_byte_level();
    if (in_.merges.empty()) return refuse("tokenizer.ggml.merges: there are none");
    CONTINUO_TRY(const auto merges, read_merge_list(in_.merges, *pieces, file_));
    CONTINUO_TRY(Bpe bpe, Bpe::create(pieces, std::move(options), merges, file_));
    CONTINUO_TRY(Normalizer normalizer, Normalizer::parse(named.normalizer, file_));
    CONTINUO_TRY(AddedTokens tokens, AddedTokens::create(added(), *pieces, normalizer, file_));
    CONTINUO_TRY(PostProcessor post_processor, frame(named.add_bos));
    CONTINUO_TRY(Decoder decoder, Decoder::parse({{"type", "ByteLevel"}}, file_));
    return TokenizerParts{std::move(tokens),
                          std::move(normalizer),
                          std::move(pre_tokenizer),
                          std::move(bpe),
                          std::move(post_processor),
                          std::move(decoder),
                          pieces};
  }

  Result<TokenizerParts> sentencepiece(SentencePieceModel::Type type) const {
    const bool unigram = type == SentencePieceModel::Type::unigram;
    if (in_.scores.empty()) return refuse("tokenizer.ggml.scores: there are none");
    SentencePieceModel model{.type = type};
    for (std::size_t id = 0; id < in_.tokens.size(); ++id) {
      if (valid_utf8_prefix(in_.tokens[id]) != in_.tokens[id].size()) {
        return refuse(fmt::format("tokenizer.ggml.tokens: token {} is not valid UTF-8", id));
      }
      model.pieces.push_back({in_.tokens[id], in_.scores[id], kinds_[id]});
    }
    model.byte_fallback = std::count(kinds_.begin(), kinds_.end(), PieceKind::byte) == 256;
    model.bos_id = id(in_.bos_token_id);
    model.eos_id = id(in_.eos_token_id);
    model.unk_id = id(in_.unknown_token_id);
    const auto unknown = std::find(kinds_.begin(), kinds_.end(), PieceKind::unknown);
    if (!model.unk_id && unknown != kinds_.end()) model.unk_id = static_cast<TokenId>(unknown - kinds_.begin());
    model.precompiled_charsmap = {reinterpret_cast<const char*>(in_.precompiled_charsmap.data()),
                                  in_.precompiled_charsmap.size()};
    model.add_dummy_prefix = in_.add_space_prefix.value_or(true);
    model.remove_extra_whitespaces = in_.remove_extra_whitespaces.value_or(unigram);
    model.add_bos = adds_bos(!unigram);
    model.add_eos = adds_eos(unigram);
    model.symbols_come_first = true;
    return build_sentencepiece(model, file_);
  }

  // The tokens are written with \t \n \r \\ \' and \xHH.
  Result<TokenizerParts> rwkv() const {
    auto pieces = std::make_shared<Vocabulary>();
    for (std::size_t id = 0; id < in_.tokens.size(); ++id) {
      const bool raw = kinds_[id] != PieceKind::normal;
      const std::string token = raw ? std::string(in_.tokens[id]) : unescaped(in_.tokens[id]);
      if (!token.empty()) pieces->add(token, static_cast<TokenId>(id));
    }
    CONTINUO_TRY_VOID(pieces->index(file_));
    CONTINUO_TRY(WordList list, WordList::create(*pieces, kinds_, file_));
    CONTINUO_TRY(AddedTokens tokens, AddedTokens::create(added(), *pieces, Normalizer(), file_));
    CONTINUO_TRY(PostProcessor post_processor, frame(false));
    CONTINUO_TRY(Decoder decoder, Decoder::parse({{"type", "Fuse"}}, file_));
    return TokenizerParts{std::move(tokens),         Normalizer(),       PreTokenizer(), std::move(list),
                          std::move(post_processor), std::move(decoder), pieces};
  }

  // Tokens that begin a word are written "▁word", those that continue one without "##".
  Result<TokenizerParts> bert() const {
    auto pieces = std::make_shared<Vocabulary>();
    for (std::size_t id = 0; id < in_.tokens.size(); ++id) {
      const std::string_view token = in_.tokens[id];
      if (token.empty()) continue;
      const bool raw = kinds_[id] != PieceKind::normal || (token.starts_with('[') && token.ends_with(']'));
      const bool begins = token.starts_with(kVisibleBlank) && token.size() > kVisibleBlank.size();
      pieces->add(raw      ? std::string(token)
                  : begins ? std::string(token.substr(kVisibleBlank.size()))
                           : "##" + std::string(token),
                  static_cast<TokenId>(id));
    }
    CONTINUO_TRY_VOID(pieces->index(file_));
    BertVocabulary out{.pieces = pieces, .added = added()};
    out.normalizer.lowercase = in_.lowercase.value_or(true);
    out.normalizer.strip_accents = in_.strip_accents.value_or(out.normalizer.lowercase);
    out.unk_token = pieces->piece(id(in_.unknown_token_id.value_or(100)).value_or(-1));
    out.cls_id = id(in_.cls_token_id ? in_.cls_token_id : in_.bos_token_id.value_or(101));
    out.sep_id = id(in_.separator_token_id.value_or(102));
    return build_bert(std::move(out), file_);
  }

  static std::string unescaped(std::string_view token) {
    std::string out;
    for (std::size_t i = 0; i < token.size(); ++i) {
      if (token[i] != '\\' || i + 1 == token.size()) {
        out += token[i];
        continue;
      }
      const char kind = token[++i];
      const std::string_view digits = token.substr(i + 1, 2);
      const bool is_hex = kind == 'x' && digits.size() == 2 &&
                          digits.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
      if (is_hex) {
        out += static_cast<char>(static_cast<unsigned char>(std::stoul(std::string(digits), nullptr, 16)));
        i += 2;
      } else {
        out += kind == 't' ? '\t' : kind == 'n' ? '\n' : kind == 'r' ? '\r' : kind;
      }
    }
    return out;
  }

  const GgufVocabulary& in_;
  const std::string& file_;
  std::vector<PieceKind> kinds_;
};

}  // namespace

Result<Tokenizer> tokenizer_from_gguf(const GgufVocabulary& vocabulary, const std::string& file) {
  CONTINUO_TRY(TokenizerParts parts, Reader(vocabulary, file).read());
  return make_tokenizer(std::move(parts));
}

}  // namespace continuo
