// Hugging Face's tokenizer.json. The vocabulary and the merges, nearly all of it, go straight from the bytes
// into their tables; the rest is small and becomes a tree.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json.h"
#include "text/json_scanner.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace continuo {

namespace {

class Reader {
 public:
  Reader(std::string_view text, const std::string& file) : text_(text), file_(file), scanner_(text, file) {}

  Result<TokenizerParts> read() {
    if (text_.size() > kMaxVocabularyBytes) return model_error(file_, "it is larger than 1 GiB");
    if (const std::size_t valid = valid_utf8_prefix(text_); valid < text_.size()) {
      return Error{.what = "not valid UTF-8", .file = file_, .offset = valid};
    }
    CONTINUO_TRY_VOID(read_object([this](std::string key) { return read_field(std::move(key)); }));
    if (scanner_.peek() != 0 || scanner_.offset() < text_.size()) {
      return scanner_.error("there is more after the end of the JSON object");
    }
    if (const Json version = take("version"); !version.is_null() && version != "1.0") {
      return model_error(file_, fmt::format("version {} is not supported", version.dump()));
    }
    if (!has_model_) return model_error(file_, "it has no model", "is this a tokenizer.json?");
    return build();
  }

 private:
  // { "key": VALUE, ... } with each VALUE consumed by `read_value(key)`.
  template <class ReadValue>
  Result<void> read_object(ReadValue read_value) {
    CONTINUO_TRY_VOID(scanner_.expect('{', "to begin an object"));
    if (scanner_.accept('}')) return {};
    do {
      CONTINUO_TRY(const std::string_view key, scanner_.string());
      std::string name(key);
      CONTINUO_TRY_VOID(scanner_.expect(':', "after the name of a field"));
      CONTINUO_TRY_VOID(read_value(std::move(name)));
    } while (scanner_.accept(','));
    return scanner_.expect('}', "to end an object");
  }

  Result<void> read_field(std::string key) {
    if (key != "model") return read_tree(std::move(key), fields_);
    if (has_model_) return scanner_.error("the field 'model' comes twice");
    has_model_ = true;
    return read_object([this](std::string name) { return read_model_field(std::move(name)); });
  }

  Result<void> read_model_field(std::string key) {
    if (key == "vocab") return read_vocabulary();
    if (key == "merges") return read_merges();
    CONTINUO_TRY_VOID(read_tree(key, model_));
    return key == "type" ? check_type() : Result<void>();
  }

  // Where they stand if the vocabulary was before; else they are passed over, and read at the end.
  Result<void> read_merges() {
    if (has_merges_) return scanner_.error("the field 'merges' comes twice");
    has_merges_ = true;
    if (has_vocabulary_ && !vocabulary_is_list_) {
      CONTINUO_TRY(merges_, read_json_merges(scanner_, *vocabulary_));
      return {};
    }
    scanner_.peek();
    later_merges_at_ = scanner_.offset();
    CONTINUO_TRY(later_merges_, scanner_.skip_value());
    return {};
  }

  Result<void> read_tree(std::string key, std::map<std::string, Json>& into) {
    scanner_.peek();
    const std::size_t at = scanner_.offset();
    CONTINUO_TRY(const std::string_view bytes, scanner_.skip_value());
    auto json = parse_json(bytes, file_);
    if (!json) {
      Error error = std::move(json).error();
      error.offset = at + error.offset.value_or(0);
      return error;
    }
    if (into.contains(key)) return scanner_.error(fmt::format("the field '{}' comes twice", key));
    into.emplace(std::move(key), *std::move(json));
    return {};
  }

  Result<void> read_vocabulary() {
    if (has_vocabulary_) return scanner_.error("the field 'vocab' comes twice");
    has_vocabulary_ = true;
    if (scanner_.peek() == '[') return read_scored_vocabulary();
    if (scanner_.peek() != '{') return scanner_.error("vocab is not a JSON object");
    CONTINUO_TRY_VOID(read_json_vocabulary(scanner_, *vocabulary_));
    return vocabulary_->index(file_);
  }

  // [["piece", score], ...]: a piece's place is its id.
  Result<void> read_scored_vocabulary() {
    vocabulary_is_list_ = true;
    CONTINUO_TRY_VOID(scanner_.expect('[', "to begin the vocabulary"));
    if (!scanner_.accept(']')) {
      do {
        CONTINUO_TRY_VOID(scanner_.expect('[', "to begin a piece and its score"));
        CONTINUO_TRY(const std::string_view piece, scanner_.string());
        if (piece.empty()) return scanner_.error("the vocabulary has an empty piece");
        if (scores_.size() > static_cast<std::size_t>(kMaxTokenId))
          return scanner_.error("the vocabulary has too many pieces");
        vocabulary_->add(piece, static_cast<TokenId>(scores_.size()));
        CONTINUO_TRY_VOID(scanner_.expect(',', "between a piece and its score"));
        CONTINUO_TRY(const double score, scanner_.number());
        scores_.push_back(score);
        CONTINUO_TRY_VOID(scanner_.expect(']', "after a piece and its score"));
      } while (scanner_.accept(','));
      CONTINUO_TRY_VOID(scanner_.expect(']', "to end the vocabulary"));
    }
    return vocabulary_->index(file_);
  }

  // Files of before types had names: the fields tell.
  std::string model_type() const {
    const auto type = model_.find("type");
    if (type != model_.end()) return type->second.get<std::string>();
    if (vocabulary_is_list_) return "Unigram";
    return model_.contains("max_input_chars_per_word") ? "WordPiece" : "BPE";
  }

  Result<void> check_type() const {
    const auto type = model_.find("type");
    if (type == model_.end()) return {};
    if (!type->second.is_string()) return model_error(file_, "the type of the model is not a string");
    const std::string name = type->second.get<std::string>();
    if (name == "BPE" || name == "Unigram" || name == "WordPiece") return {};
    return model_error(file_, fmt::format("model '{}' is not supported", name));
  }

  Result<TokenizerParts> build() {
    CONTINUO_TRY_VOID(check_type());
    if (!has_vocabulary_) return model_error(file_, "the model has no vocab");
    const std::string type = model_type();
    if (const bool wants_list = type == "Unigram"; wants_list != vocabulary_is_list_) {
      return model_error(file_,
                         fmt::format("model '{}': vocab is not a {}", type, wants_list ? "list" : "JSON object"));
    }
    CONTINUO_TRY(PreTokenizer pre_tokenizer, PreTokenizer::parse(take("pre_tokenizer"), file_));
    CONTINUO_TRY(Model model, type == "Unigram"     ? unigram()
                              : type == "WordPiece" ? word_piece()
                                                    : bpe(pre_tokenizer.take_byte_level()));
    CONTINUO_TRY(Normalizer normalizer, Normalizer::parse(take("normalizer"), file_));
    CONTINUO_TRY(AddedTokens added, AddedTokens::parse(take("added_tokens"), *vocabulary_, normalizer, file_));
    const std::size_t id_count = std::max(vocabulary_->id_count(), added.id_count());
    CONTINUO_TRY(PostProcessor post_processor, PostProcessor::parse(take("post_processor"), id_count, file_));
    CONTINUO_TRY(Decoder decoder, Decoder::parse(take("decoder"), file_));
    // truncation and padding shape batches of prompts; a prompt is never cut or padded here.
    return TokenizerParts{std::move(added), std::move(normalizer),     std::move(pre_tokenizer),
                          std::move(model), std::move(post_processor), std::move(decoder),
                          vocabulary_};
  }

  using Model = decltype(TokenizerParts::model);

  Result<Model> bpe(bool byte_level) {
    if (!has_merges_) return model_error(file_, "the model has no merges");
    if (!later_merges_.empty()) {
      JsonScanner scanner(later_merges_, file_, later_merges_at_);
      CONTINUO_TRY(merges_, read_json_merges(scanner, *vocabulary_));
    }
    CONTINUO_TRY(BpeOptions options, bpe_options());
    options.byte_level = byte_level;
    CONTINUO_TRY(Bpe bpe, Bpe::create(vocabulary_, std::move(options), merges_, file_));
    return Model(std::move(bpe));
  }

  Result<Model> unigram() {
    UnigramOptions options;
    for (const auto& [name, value] : model_) {
      if (name == "type" || value.is_null()) continue;
      if (name == "unk_id") {
        if (!value.is_number_unsigned() || value.get<std::uint64_t>() >= vocabulary_->id_count()) {
          return model_error(file_, "model 'Unigram': unk_id must be an id of the vocabulary");
        }
        options.unk_id = value.get<TokenId>();
      } else if (name == "byte_fallback") {
        if (!value.is_boolean()) return model_error(file_, "model 'Unigram': byte_fallback must be true or false");
        options.byte_fallback = value.get<bool>();
      } else {
        return model_error(file_, fmt::format("model 'Unigram': the field '{}' is not known", name));
      }
    }
    CONTINUO_TRY(Unigram unigram, Unigram::create(vocabulary_, scores_, std::move(options), file_));
    return Model(std::move(unigram));
  }

  // The reference demands all of the fields.
  Result<Model> word_piece() {
    Json fields = {{"type", "WordPiece"}};
    for (const auto& [name, value] : model_) fields[name] = value;
    CONTINUO_TRY(const Part part, Part::open(fields, "model", file_));
    if (has_merges_) return part.error("it has merges");
    CONTINUO_TRY_VOID(part.only({"unk_token", "continuing_subword_prefix", "max_input_chars_per_word"}));
    WordPieceOptions options;
    CONTINUO_TRY(options.unk_token, part.text("unk_token"));
    CONTINUO_TRY(options.continuing_subword_prefix, part.text("continuing_subword_prefix"));
    CONTINUO_TRY(const std::int64_t most, part.whole_number("max_input_chars_per_word", kMaxWordPieceChars));
    options.max_input_chars_per_word = static_cast<std::size_t>(most);
    CONTINUO_TRY(WordPiece model, WordPiece::create(*vocabulary_, options, file_));
    return Model(std::move(model));
  }

  Result<BpeOptions> bpe_options() {
    BpeOptions options;
    const auto refuse = [&](std::string_view name, std::string_view what) {
      return model_error(file_, fmt::format("model 'BPE': {} {}", name, what));
    };
    for (const auto& [name, value] : model_) {
      const bool is_off = value.is_null() || (value.is_number() && value == 0) || value == "";
      if (name == "type" || value.is_null()) continue;
      if (name == "unk_token") {
        if (!value.is_string()) return refuse(name, "must be a string");
        options.unk_token = value.get<std::string>();
      } else if (name == "fuse_unk" || name == "byte_fallback" || name == "ignore_merges") {
        if (!value.is_boolean()) return refuse(name, "must be true or false");
        bool& flag = name == "fuse_unk"        ? options.fuse_unk
                     : name == "byte_fallback" ? options.byte_fallback
                                               : options.ignore_merges;
        flag = value.get<bool>();
      } else if (name == "dropout" || name == "continuing_subword_prefix" || name == "end_of_word_suffix") {
        if (!is_off) return refuse(name, "is not supported");
      } else {
        return refuse(fmt::format("the field '{}'", name), "is not known");
      }
    }
    return options;
  }

  // A field that is not there is null, as in the reference.
  Json take(const char* key) {
    const auto found = fields_.find(key);
    return found == fields_.end() ? Json() : std::move(found->second);
  }

  std::string_view text_;
  const std::string& file_;
  JsonScanner scanner_;
  std::map<std::string, Json> fields_, model_;  // the model's without vocab and merges
  std::shared_ptr<Vocabulary> vocabulary_ = std::make_shared<Vocabulary>();
  std::vector<double> scores_;     // of a vocabulary that is a list
  std::vector<MergeLine> merges_;  // in the order of their ranks
  std::string_view later_merges_;  // not read yet
  std::size_t later_merges_at_ = 0;
  bool has_model_ = false, has_vocabulary_ = false, vocabulary_is_list_ = false, has_merges_ = false;
};

}  // namespace

Result<void> read_json_vocabulary(JsonScanner& json, Vocabulary& vocabulary) {
  CONTINUO_TRY_VOID(json.expect('{', "to begin an object"));
  if (json.accept('}')) return {};
  std::string kept;
  do {
    std::string_view piece;
    if (!json.plain_string(piece)) {
      CONTINUO_TRY(piece, json.string());
      kept.assign(piece);
      piece = kept;
    }
    if (piece.empty()) return json.error("the vocabulary has an empty piece");
    CONTINUO_TRY_VOID(json.expect(':', "after the name of a field"));
    CONTINUO_TRY(const std::int64_t id, json.whole_number(kMaxTokenId));
    vocabulary.add(piece, static_cast<TokenId>(id));
  } while (json.accept(','));
  return json.expect('}', "to end an object");
}

Result<TokenizerParts> parse_tokenizer_json(std::string_view json, const std::string& file) {
  return Reader(json, file).read();
}

Result<Tokenizer> Tokenizer::parse(std::string_view json, const std::string& file) {
  CONTINUO_TRY(TokenizerParts parts, parse_tokenizer_json(json, file));
  return make_tokenizer(std::move(parts));
}

}  // namespace continuo
