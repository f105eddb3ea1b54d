#include "loading/mask_token.h"

#include <fmt/format.h>

#include <limits>

#include "base/json.h"
#include "io/gguf.h"

namespace continuo {

namespace {

constexpr const char* kFiles[] = {"tokenizer_config.json", "special_tokens_map.json"};  // the first that says it counts
constexpr const char* kGgufKey = "tokenizer.ggml.mask_token_id";

// "[MASK]", or an object whose "content" is it; empty where the file does not say.
Result<std::string> mask_name(const ModelFiles& files, const char* name) {
  if (!files.has(name)) return std::string();
  CONTINUO_TRY(const Blob file, files.open(name));
  CONTINUO_TRY(const Json config, parse_json(file.text(), file.name()));
  if (!config.is_object() || !config.contains("mask_token") || config["mask_token"].is_null()) return std::string();
  const Json& stated = config["mask_token"];
  const Json text = stated.is_object() ? stated.value("content", Json()) : stated;
  if (!text.is_string() || text.get_ref<const std::string&>().empty()) {
    return model_error(file.name(), fmt::format("'mask_token' is {}, expected a token's text", shown_json(stated)));
  }
  return text.get<std::string>();
}

Result<std::optional<TokenId>> stated_in_gguf(const ModelFiles& files, const Tokenizer* tokenizer) {
  const GgufFile& file = files.gguf()->front();
  CONTINUO_TRY(const auto id, file.whole(kGgufKey));
  if (!id) return std::optional<TokenId>();
  const std::int64_t end =
      tokenizer ? static_cast<std::int64_t>(tokenizer->vocab_size()) : std::numeric_limits<TokenId>::max();
  if (*id >= 0 && *id < end) return std::optional(static_cast<TokenId>(*id));
  return model_error(file.name(), fmt::format("'{}' is {}, which is no token of the vocabulary", kGgufKey, *id));
}

}  // namespace

Result<std::optional<TokenId>> find_mask_token(const ModelFiles& files, const Tokenizer* tokenizer) {
  if (files.gguf()) {
    CONTINUO_TRY(const std::optional<TokenId> stated, stated_in_gguf(files, tokenizer));
    if (stated) return stated;
  }
  if (!tokenizer) return std::optional<TokenId>();
  for (const char* name : kFiles) {
    if (files.gguf()) break;
    CONTINUO_TRY(const std::string mask, mask_name(files, name));
    if (mask.empty()) continue;
    if (const auto id = tokenizer->find(mask)) return id;
    return model_error(files.path_of(name),
                       fmt::format("'mask_token' is '{}', which is no token of the vocabulary", mask));
  }
  for (const char* name : {"[MASK]", "<mask>"}) {
    const std::optional<TokenId> id = tokenizer->find(name);
    if (id && tokenizer->is_special(*id)) return id;
  }
  return std::optional<TokenId>();
}

}  // namespace continuo
