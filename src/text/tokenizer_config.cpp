#include "text/tokenizer_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "text/vocabulary.h"

namespace continuo {

namespace {

// The object in a file; null if there is no such file.
Result<Json> read_object(const FindFile& find, std::string_view name, std::string& path) {
  CONTINUO_TRY(const std::optional<TokenizerFile> file, find(name));
  if (!file) return Json();
  path = file->path;
  CONTINUO_TRY(Json json, parse_json(file->bytes, path, JsonDialect::python));
  if (!json.is_object()) return model_error(path, "it is not a JSON object");
  return json;
}

Result<std::optional<bool>> flag(const Json& json, const char* name, const std::string& path) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::optional<bool>();
  if (!found->is_boolean()) return model_error(path, fmt::format("{} must be true or false", name));
  return std::optional(found->get<bool>());
}

// "<s>", or {"content": "<s>", "lstrip": false, ...}.
Result<AddedToken> token(const Json& json, const std::string& name, const std::string& path) {
  AddedToken token;
  if (json.is_string()) {
    token.content = json.get<std::string>();
    return token;
  }
  const auto content = json.is_object() ? json.find("content") : json.end();
  if (content == json.end() || !content->is_string()) {
    return model_error(path, fmt::format("{} is neither a string nor an object with content", name));
  }
  token.content = content->get<std::string>();
  const auto read_flag = [&](const char* field, bool& into) -> Result<void> {
    CONTINUO_TRY(const auto value, flag(json, field, path));
    into = value.value_or(false);
    return {};
  };
  CONTINUO_TRY_VOID(read_flag("lstrip", token.lstrip));
  CONTINUO_TRY_VOID(read_flag("rstrip", token.rstrip));
  CONTINUO_TRY_VOID(read_flag("single_word", token.single_word));
  CONTINUO_TRY_VOID(read_flag("normalized", token.normalized));
  CONTINUO_TRY_VOID(read_flag("special", token.special));
  return token;
}

// Far above what any model has; the tokens are compared with each other.
constexpr std::size_t kMostAdded = 20'000, kMostSpecial = 1'000;

constexpr const char* kSpecialTokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                          "pad_token", "cls_token", "mask_token"};

struct NamedToken {
  std::string_view name;
  std::optional<std::string> TokenizerConfig::*content;
};
constexpr NamedToken kNamedTokens[] = {
    {"bos_token", &TokenizerConfig::bos_token}, {"eos_token", &TokenizerConfig::eos_token},
    {"unk_token", &TokenizerConfig::unk_token}, {"cls_token", &TokenizerConfig::cls_token},
    {"sep_token", &TokenizerConfig::sep_token}, {"mask_token", &TokenizerConfig::mask_token}};

class ConfigReader {
 public:
  explicit ConfigReader(const FindFile& find) : find_(find) {}

  Result<TokenizerConfig> read() {
    std::string path;
    CONTINUO_TRY(const Json config, read_object(find_, "tokenizer_config.json", path));
    if (!config.is_null()) CONTINUO_TRY_VOID(read_config(config, path));
    CONTINUO_TRY(const Json special, read_object(find_, "special_tokens_map.json", path));
    if (!special.is_null()) CONTINUO_TRY_VOID(read_special(special, path));
    CONTINUO_TRY(const Json added, read_object(find_, "added_tokens.json", path));
    for (const auto& item : added.items())
      CONTINUO_TRY_VOID(add(AddedToken{.content = item.key()}, item.value(), path));
    return std::move(out_);
  }

 private:
  Result<void> read_config(const Json& config, const std::string& path) {
    out_.is_there = true;
    if (const auto name = config.find("tokenizer_class"); name != config.end() && name->is_string()) {
      out_.tokenizer_class = name->get<std::string>();
      if (out_.tokenizer_class.ends_with("Fast")) out_.tokenizer_class.resize(out_.tokenizer_class.size() - 4);
    }
    CONTINUO_TRY(out_.add_bos_token, flag(config, "add_bos_token", path));
    CONTINUO_TRY(out_.add_eos_token, flag(config, "add_eos_token", path));
    CONTINUO_TRY(out_.add_prefix_space, flag(config, "add_prefix_space", path));
    CONTINUO_TRY(out_.do_lower_case, flag(config, "do_lower_case", path));
    CONTINUO_TRY(out_.strip_accents, flag(config, "strip_accents", path));
    CONTINUO_TRY(out_.tokenize_chinese_chars, flag(config, "tokenize_chinese_chars", path));
    CONTINUO_TRY_VOID(read_special(config, path));
    const auto added = config.find("added_tokens_decoder");
    if (added == config.end()) return {};
    if (!added->is_object()) return model_error(path, "added_tokens_decoder is not a JSON object");
    for (const auto& item : added->items()) {
      CONTINUO_TRY(AddedToken added_token, token(item.value(), "a token of added_tokens_decoder", path));
      std::uint32_t id = 0;
      const char* const end = item.key().data() + item.key().size();
      const auto [stop, failed] = std::from_chars(item.key().data(), end, id);
      const bool is_number = failed == std::errc() && stop == end;
      CONTINUO_TRY_VOID(add(std::move(added_token), is_number ? Json(id) : Json(item.key()), path));
    }
    return {};
  }

  Result<void> read_special(const Json& json, const std::string& path) {
    for (const char* name : kSpecialTokens) {
      const auto found = json.find(name);
      if (found == json.end() || found->is_null()) continue;
      CONTINUO_TRY(AddedToken special, token(*found, name, path));
      const auto member = std::find_if(std::begin(kNamedTokens), std::end(kNamedTokens),
                                       [&](const NamedToken& known) { return known.name == name; });
      if (member != std::end(kNamedTokens) && !(out_.*member->content)) out_.*member->content = special.content;
      special.special = true;
      out_.special_tokens.push_back(std::move(special));
    }
    const auto more = json.find("additional_special_tokens");
    if (more == json.end() || !more->is_array()) return {};
    if (more->size() > kMostSpecial) return model_error(path, "additional_special_tokens: there are too many");
    for (const Json& item : *more) {
      CONTINUO_TRY(AddedToken special, token(item, "one of additional_special_tokens", path));
      special.special = true;
      out_.special_tokens.push_back(std::move(special));
    }
    return {};
  }

  // A token that is there already keeps its flags.
  Result<void> add(AddedToken token, const Json& id, const std::string& path) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > kMaxTokenId) {
      return model_error(path, fmt::format("the added token '{}' has the id {}", token.content,
                                           id.dump(-1, ' ', true, Json::error_handler_t::replace)));
    }
    if (out_.added.size() == kMostAdded) return model_error(path, "there are too many added tokens");
    token.id = id.get<TokenId>();
    const auto same = [&](const AddedToken& other) { return other.content == token.content; };
    if (std::any_of(out_.added.begin(), out_.added.end(), same)) return {};
    const auto special = std::find_if(out_.special_tokens.begin(), out_.special_tokens.end(), same);
    if (special != out_.special_tokens.end()) token.special = true;
    out_.added.push_back(std::move(token));
    return {};
  }

  const FindFile& find_;
  TokenizerConfig out_;
};

}  // namespace

Result<TokenizerConfig> read_tokenizer_config(const FindFile& find) { return ConfigReader(find).read(); }

std::vector<AddedToken> all_added_tokens(const TokenizerConfig& config,
                                         const std::function<std::optional<TokenId>(std::string_view)>& id) {
  std::vector<AddedToken> all = config.added;
  for (const AddedToken& special : config.special_tokens) {
    const auto same = [&](const AddedToken& other) { return other.content == special.content; };
    const auto known = id(special.content);
    if (!known || std::any_of(all.begin(), all.end(), same)) continue;
    all.push_back(special);
    all.back().id = *known;
  }
  return all;
}

}  // namespace continuo
