#include "loading/gguf_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/json.h"

namespace continuo {

namespace {

enum TokenType : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

// Pre-tokenizers by what they do, and the name that GGUF has for them.
struct PreName {
  std::string_view does, name;
};
constexpr auto kPreNames = std::to_array<PreName>({
    {"bytes by words", "gpt-2"},
    {"digits one by one, bytes by words", "starcoder"},
    {R"(split (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+, bytes)",
     "llama-bpe"},
    {R"(split (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+, bytes)",
     "qwen2"},
});

const Json& field(const Json& object, const char* name) {
  static const Json null;
  const auto it = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && it != object.end() ? *it : null;
}

std::string text(const Json& value) { return value.is_string() ? value.get<std::string>() : std::string(); }

class TokenizerExport {
 public:
  TokenizerExport(const Json& json, const std::string& file, const ModelSpec& spec, GgufWriter& into)
      : json_(json), model_(field(json, "model")), file_(file), spec_(spec), into_(into) {}

  Result<void> run() {
    if (text(field(model_, "type")) != "BPE") {
      return cannot(fmt::format("a tokenizer of type {}", text(field(model_, "type"))));
    }
    CONTINUO_TRY_VOID(read_vocabulary());
    const bool by_bytes = field(model_, "byte_fallback") != true;
    CONTINUO_TRY_VOID(by_bytes ? add_byte_level() : add_sentence_piece());
    into_.add("tokenizer.ggml.tokens", std::span<const std::string>(tokens_));
    into_.add("tokenizer.ggml.token_type", std::span<const std::int32_t>(types_));
    if (spec_.bos_token) into_.add("tokenizer.ggml.bos_token_id", static_cast<std::uint32_t>(*spec_.bos_token));
    // A text also ends where another begins; the file names one end only, which is another token where there
    // is one.
    for (const TokenId end : spec_.eos_tokens) {
      if (spec_.eos_tokens.size() > 1 && end == spec_.bos_token) continue;
      into_.add("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end));
      break;
    }
    return add_marks();
  }

 private:
  Error cannot(const std::string& what) const {
    return model_error(file_, fmt::format("{} cannot be written into a GGUF file", what));
  }

  Result<void> read_vocabulary() {
    const auto vocab_size = static_cast<std::size_t>(spec_.vocab_size);
    tokens_.resize(vocab_size);
    types_.assign(vocab_size, kUnused);
    const auto put = [&](const std::string& token, const Json& id, TokenType type) -> Result<void> {
      if (!id.is_number_integer() || id < 0 || id >= vocab_size) {
        return model_error(file_,
                           fmt::format("token '{}' has the id {}, the model {} tokens", token, id.dump(), vocab_size));
      }
      const auto at = id.get<std::size_t>();
      tokens_[at] = token;
      types_[at] = type;
      ids_[token] = at;
      return {};
    };
    const Json& vocabulary = field(model_, "vocab");
    if (!vocabulary.is_object()) return model_error(file_, "'model.vocab' is missing or no object");
    for (const auto& [token, id] : vocabulary.items()) CONTINUO_TRY_VOID(put(token, id, kNormal));
    const Json& added = field(json_, "added_tokens");
    for (const Json& token : added.is_array() ? added : Json::array()) {
      CONTINUO_TRY_VOID(put(text(field(token, "content")), field(token, "id"),
                            field(token, "special") == true ? kControl : kUserDefined));
    }
    for (std::size_t i = 0; i < vocab_size; ++i) {
      if (types_[i] == kUnused) tokens_[i] = fmt::format("[PAD{}]", i);
    }
    return read_merges();
  }

  // As text "left right" or as a pair.
  Result<void> read_merges() {
    const Json& merges = field(model_, "merges");
    if (!merges.is_array()) return model_error(file_, "'model.merges' is missing or no list");
    for (const Json& merge : merges) {
      std::string left, right;
      if (merge.is_string()) {
        const std::string both = text(merge);
        const std::size_t blank = both.find(' ');
        if (blank != both.npos) left = both.substr(0, blank), right = both.substr(blank + 1);
      } else if (merge.is_array() && merge.size() == 2) {
        left = text(merge[0]), right = text(merge[1]);
      }
      if (left.empty() || right.empty()) return model_error(file_, fmt::format("merge {} is no pair", merges_.size()));
      merges_.emplace_back(std::move(left), std::move(right));
    }
    return {};
  }

  // ---- words in bytes: merges by rank ----

  Result<void> add_byte_level() {
    const Json& normalizer = field(json_, "normalizer");
    if (!normalizer.is_null() && text(field(normalizer, "type")) != "NFC") {
      return cannot(fmt::format("the normalizer {}", normalizer.dump()));
    }
    const std::string does = pre_tokenizer(field(json_, "pre_tokenizer"));
    const PreName* known = nullptr;
    for (const PreName& row : kPreNames) {
      if (row.does == does) known = &row;
    }
    if (!known) return cannot(fmt::format("the pre-tokenizer {}", field(json_, "pre_tokenizer").dump().substr(0, 200)));
    if (field(model_, "ignore_merges") == true && known->name != "llama-bpe") return cannot("\"ignore_merges\"");
    into_.add("tokenizer.ggml.model", std::string_view("gpt2"));
    into_.add("tokenizer.ggml.pre", known->name);
    std::vector<std::string> merges;
    for (const auto& [left, right] : merges_) {
      if (left.find(' ') != left.npos || right.find(' ') != right.npos) return cannot("a merge of tokens with blanks");
      merges.push_back(fmt::format("{} {}", left, right));
    }
    into_.add("tokenizer.ggml.merges", std::span<const std::string>(merges));
    return {};
  }

  // What a pre-tokenizer does, in the words of kPreNames; what it does otherwise makes other words.
  static std::string pre_tokenizer(const Json& pre) {
    const std::string type = text(field(pre, "type"));
    if (type == "Sequence") {
      std::string all;
      const Json& parts = field(pre, "pretokenizers");
      for (const Json& part : parts.is_array() ? parts : Json::array()) {
        all += fmt::format("{}{}", all.empty() ? "" : ", ", pre_tokenizer(part));
      }
      return all;
    }
    if (type == "ByteLevel" && field(pre, "add_prefix_space") != true) {
      return field(pre, "use_regex") == false ? "bytes" : "bytes by words";
    }
    if (type == "Digits" && field(pre, "individual_digits") == true) return "digits one by one";
    if (type == "Split" && text(field(pre, "behavior")) == "Isolated" && field(pre, "invert") != true) {
      return "split " + text(field(field(pre, "pattern"), "Regex"));
    }
    return "?" + type;
  }

  // ---- SentencePiece: merges by the score of what they make ----

  Result<void> add_sentence_piece() {
    CONTINUO_TRY(const bool prefix, space_prefix(field(json_, "normalizer")));
    if (!field(json_, "pre_tokenizer").is_null()) return cannot("a pre-tokenizer beside byte fallback");
    into_.add("tokenizer.ggml.model", std::string_view("llama"));
    into_.add("tokenizer.ggml.pre", std::string_view("default"));
    into_.add("tokenizer.ggml.add_space_prefix", prefix);
    CONTINUO_TRY(const std::vector<float> scores, scores_of_merges());
    into_.add("tokenizer.ggml.scores", std::span<const float>(scores));
    const std::string unknown = text(field(model_, "unk_token"));
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const std::string& token = tokens_[i];
      if (token.size() == 6 && token.starts_with("<0x") && token.back() == '>') types_[i] = kByte;
      if (!unknown.empty() && token == unknown) {
        types_[i] = kUnknown;
        into_.add("tokenizer.ggml.unknown_token_id", static_cast<std::uint32_t>(i));
      }
    }
    return {};
  }

  // Blanks become U+2581; whether one is put before the text.
  Result<bool> space_prefix(const Json& normalizer) const {
    const Json one = Json::array({normalizer});
    const Json& parts = text(field(normalizer, "type")) == "Sequence" ? field(normalizer, "normalizers") : one;
    bool prefix = false, blanks = false;
    for (const Json& part : parts.is_array() ? parts : Json::array()) {
      const std::string type = text(field(part, "type"));
      const bool prepends = type == "Prepend" && text(field(part, "prepend")) == "\u2581";
      const bool replaces = type == "Replace" && text(field(field(part, "pattern"), "String")) == " " &&
                            text(field(part, "content")) == "\u2581";
      if (!prepends && !replaces) return cannot(fmt::format("the normalizer {}", part.dump()));
      prefix = prefix || prepends;
      blanks = blanks || replaces;
    }
    if (!blanks) return cannot("a tokenizer that does not turn blanks into U+2581");
    return prefix;
  }

  // The earlier a token's merges stand, the higher its score. Merges of one token must stand together, and a
  // token must be made by every pair of tokens that spell it: that is what scores can say.
  Result<std::vector<float>> scores_of_merges() const {
    std::vector<float> scores(tokens_.size(), 0);
    std::unordered_map<std::string, int> group_of, merges_of;
    int groups = 0;
    std::string last;
    for (const auto& [left, right] : merges_) {
      const std::string token = left + right;
      ++merges_of[token];
      if (token == last) continue;
      if (!group_of.emplace(token, ++groups).second) return cannot(fmt::format("merges of '{}' in two places", token));
      last = token;
      const auto id = ids_.find(token);
      if (id == ids_.end()) return model_error(file_, fmt::format("a merge makes '{}', which is no token", token));
      scores[id->second] = -static_cast<float>(groups);
    }
    for (const auto& [token, count] : merges_of) {
      int spelled = 0;
      for (std::size_t i = 1; i < token.size(); ++i)
        spelled += ids_.count(token.substr(0, i)) && ids_.count(token.substr(i));
      if (spelled != count) return cannot(fmt::format("'{}', which not all pairs of tokens that spell it make", token));
    }
    // Single characters come last of all; nothing merges into them.
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (types_[i] == kNormal && !group_of.count(tokens_[i])) scores[i] = -static_cast<float>(groups + 1);
    }
    return scores;
  }

  // ---- what stands before and after a text ----

  Result<void> add_marks() {
    const Json& post = field(json_, "post_processor");
    const std::string type = text(field(post, "type"));
    bool before = false, after = false, seen = false;
    if (type == "TemplateProcessing") {
      const Json& single = field(post, "single");
      for (const Json& part : single.is_array() ? single : Json::array()) {
        if (part.contains("Sequence")) {
          seen = true;
          continue;
        }
        const std::string token = text(field(field(part, "SpecialToken"), "id"));
        const auto id = ids_.find(token);
        const TokenId number = id == ids_.end() ? -1 : static_cast<TokenId>(id->second);
        const bool is_end =
            std::find(spec_.eos_tokens.begin(), spec_.eos_tokens.end(), number) != spec_.eos_tokens.end();
        if (!(seen ? is_end && !after : spec_.bos_token == number && !before)) {
          return cannot(fmt::format("the token '{}' {} each text", token, seen ? "after" : "before"));
        }
        (seen ? after : before) = true;
      }
    } else if (!type.empty() && type != "ByteLevel") {
      return cannot(fmt::format("the post-processor {}", type));
    }
    into_.add("tokenizer.ggml.add_bos_token", before);
    into_.add("tokenizer.ggml.add_eos_token", after);
    return {};
  }

  const Json& json_;
  const Json& model_;
  const std::string& file_;
  const ModelSpec& spec_;
  GgufWriter& into_;
  std::vector<std::string> tokens_;
  std::vector<std::int32_t> types_;
  std::unordered_map<std::string, std::size_t> ids_;
  std::vector<std::pair<std::string, std::string>> merges_;
};

}  // namespace

Result<void> add_gguf_tokenizer(std::string_view json, const std::string& file, const ModelSpec& spec,
                                GgufWriter& into) {
  CONTINUO_TRY(const Json parsed, parse_json(json, file));
  return TokenizerExport(parsed, file, spec, into).run();
}

}  // namespace continuo
