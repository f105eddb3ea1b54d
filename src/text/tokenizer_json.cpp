// Hugging Face's tokenizer.json. The vocabulary and the merges, nearly all of it, go straight from the bytes into
// their tables; the rest is small and becomes a tree.
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
    if (key == "merges") {
      if (!merges_.empty()) return scanner_.error("the field 'merges' comes twice");
      scanner_.peek();
      merges_at_ = scanner_.offset();
      CONTINUO_TRY(merges_, scanner_.skip_value());
      return {};
    }
    CONTINUO_TRY_VOID(read_tree(key, model_));
    return key == "type" ? check_type() : Result<void>();
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
    if (scanner_.peek() == '[') {
      vocabulary_is_list_ = true;
      CONTINUO_TRY([[maybe_unused]] const std::string_view list, scanner_.skip_value());
      return {};
    }
    if (scanner_.peek() != '{') return scanner_.error("vocab is not a JSON object");
    CONTINUO_TRY_VOID(read_object([this](std::string piece) -> Result<void> {
      if (piece.empty()) return scanner_.error("the vocabulary has an empty piece");
      CONTINUO_TRY(const std::int64_t id, scanner_.whole_number(kMaxTokenId));
      vocabulary_->add(piece, static_cast<TokenId>(id));
      return {};
    }));
    return vocabulary_->index(file_);
  }

  Result<void> check_type() const {
    const auto type = model_.find("type");
    if (type == model_.end() && vocabulary_is_list_)
      return model_error(file_, "model 'Unigram' is not supported");
    if (type == model_.end()) return {};  // files of before types had names hold BPE
    if (!type->second.is_string()) return model_error(file_, "the type of the model is not a string");
    const std::string name = type->second.get<std::string>();
    if (name != "BPE") return model_error(file_, fmt::format("model '{}' is not supported", name));
    return {};
  }

  Result<TokenizerParts> build() {
    CONTINUO_TRY_VOID(check_type());
    if (!has_vocabulary_) return model_error(file_, "the model has no vocab");
    if (vocabulary_is_list_) return model_error(file_, "model 'BPE': vocab is not a JSON object");
    if (merges_.empty()) return model_error(file_, "the model has no merges");
    CONTINUO_TRY(BpeOptions options, bpe_options());
    CONTINUO_TRY(Bpe bpe, Bpe::create(vocabulary_, std::move(options),
                                      JsonScanner(merges_, file_, merges_at_), file_));
    CONTINUO_TRY(Normalizer normalizer, Normalizer::parse(take("normalizer"), file_));
    CONTINUO_TRY(AddedTokens added,
                 AddedTokens::parse(take("added_tokens"), *vocabulary_, normalizer, file_));
    CONTINUO_TRY(PreTokenizer pre_tokenizer, PreTokenizer::parse(take("pre_tokenizer"), file_));
    const std::size_t id_count = std::max(vocabulary_->id_count(), added.id_count());
    CONTINUO_TRY(PostProcessor post_processor, PostProcessor::parse(take("post_processor"), id_count, file_));
    CONTINUO_TRY(Decoder decoder, Decoder::parse(take("decoder"), file_));
    // truncation and padding shape batches of prompts; a prompt is never cut or padded here.
    return TokenizerParts{std::move(added), std::move(normalizer),     std::move(pre_tokenizer),
                          std::move(bpe),   std::move(post_processor), std::move(decoder),
                          vocabulary_};
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
  std::string_view merges_;
  std::size_t merges_at_ = 0;
  bool has_model_ = false, has_vocabulary_ = false, vocabulary_is_list_ = false;
};

}  // namespace

Result<TokenizerParts> parse_tokenizer_json(std::string_view json, const std::string& file) {
  return Reader(json, file).read();
}

Result<Tokenizer> Tokenizer::parse(std::string_view json, const std::string& file) {
  CONTINUO_TRY(TokenizerParts parts, parse_tokenizer_json(json, file));
  return Tokenizer(std::make_unique<Impl>(Impl{std::move(parts)}));
}

}  // namespace continuo
