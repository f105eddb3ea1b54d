#include "loading/chat.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>

#include "base/json.h"
#include "io/gguf.h"

namespace continuo {

namespace {

// A special token as templates call it, and the key of its id in GGUF files.
struct NamedToken {
  std::string_view name, gguf;
};
constexpr NamedToken kNamedTokens[] = {
    {"bos_token", "tokenizer.ggml.bos_token_id"},       {"eos_token", "tokenizer.ggml.eos_token_id"},
    {"unk_token", "tokenizer.ggml.unknown_token_id"},   {"pad_token", "tokenizer.ggml.padding_token_id"},
    {"sep_token", "tokenizer.ggml.seperator_token_id"},  // its spelling
    {"cls_token", "tokenizer.ggml.cls_token_id"},       {"mask_token", "tokenizer.ggml.mask_token_id"},
};

using Variables = std::vector<std::pair<std::string, std::string>>;

struct Source {
  std::string text, file;
};

constexpr const char* kGiveOne = "--template FILE gives one; without messages the model continues any text";

Result<Json> read_object(const ModelFiles& files, std::string_view name) {
  if (!files.has(name)) return Json::object();
  CONTINUO_TRY(const Blob blob, files.open(name));
  CONTINUO_TRY(Json json, parse_json(blob.text(), blob.name(), JsonDialect::python));
  if (!json.is_object()) return model_error(blob.name(), "it is not a JSON object");
  return json;
}

// The template of {"chat_template": ...}; nothing if there is none.
Result<std::optional<Source>> template_in(const Json& config, const std::string& file) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return std::optional<Source>();
  if (found->is_string()) return std::optional(Source{found->get<std::string>(), file});
  std::vector<std::string> names;
  if (!found->is_array()) return model_error(file, "chat_template is neither a text nor a list of named ones");
  for (const Json& named : *found) {
    const bool good = named.is_object() && named.contains("name") && named.at("name").is_string() &&
                      named.contains("template") && named.at("template").is_string();
    if (!good) return model_error(file, "one of chat_template has no name or no template");
    names.push_back(named.at("name").get<std::string>());
    if (names.back() == "default" || found->size() == 1)
      return std::optional(Source{named.at("template").get<std::string>(), file});
  }
  return model_error(
      file, fmt::format("chat_template has the templates {}, none of them is called default", fmt::join(names, ", ")),
      "--template FILE gives one");
}

Result<Source> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLongestTemplate + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || file.gcount() == 0)
    return usage_error(fmt::format("--template: cannot read {}", path), "is it a file, and not empty?");
  text.resize(static_cast<std::size_t>(file.gcount()));
  return Source{std::move(text), path};
}

Result<Source> find_template(const ModelFiles& files, const Json& config) {
  if (const auto* const parts = files.gguf()) {
    const GgufFile& file = parts->front();
    CONTINUO_TRY(const auto text, file.text("tokenizer.chat_template"));
    if (text) return Source{std::string(*text), file.name()};
    return usage_error(fmt::format("{} has no chat template, so it cannot answer messages", files.name()), kGiveOne);
  }
  if (files.has("chat_template.jinja")) {
    CONTINUO_TRY(const Blob blob, files.open("chat_template.jinja"));
    return Source{std::string(blob.text()), blob.name()};
  }
  CONTINUO_TRY(std::optional<Source> found, template_in(config, files.path_of("tokenizer_config.json")));
  if (!found) {
    CONTINUO_TRY(const Json processor, read_object(files, "chat_template.json"));
    CONTINUO_TRY(found, template_in(processor, files.path_of("chat_template.json")));
  }
  if (found) return std::move(*found);
  return usage_error(fmt::format("{} has no chat template, so it cannot answer messages", files.name()), kGiveOne);
}

// "<s>" or {"content": "<s>"}
std::optional<std::string> token_text(const Json& config, std::string_view name) {
  const auto found = config.find(name);
  if (found == config.end()) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  const auto content = found->is_object() ? found->find("content") : found->end();
  if (!found->is_object() || content == found->end() || !content->is_string()) return std::nullopt;
  return content->get<std::string>();
}

Result<Variables> special_tokens(const ModelFiles& files, const Tokenizer& tokenizer, const Json& config) {
  Variables variables;
  CONTINUO_TRY(const Json map, read_object(files, "special_tokens_map.json"));
  for (const NamedToken& token : kNamedTokens) {
    std::optional<std::string> text;
    if (const auto* const parts = files.gguf()) {
      CONTINUO_TRY(const auto id, parts->front().whole(token.gguf));
      if (id && *id >= 0 && *id < static_cast<std::int64_t>(tokenizer.vocab_size()))
        text = tokenizer.piece(static_cast<TokenId>(*id));
    } else {
      text = token_text(config, token.name);
      if (!text) text = token_text(map, token.name);
    }
    if (text) variables.emplace_back(token.name, std::move(*text));
  }
  return variables;
}

// The special token that the template writes behind an answer, and the tokenizer's end token.
Result<std::vector<TokenId>> ends_of(const ChatTemplate& rendering, const Tokenizer& tokenizer,
                                     const Variables& variables) {
  std::vector<TokenId> ends;
  CONTINUO_TRY(const std::vector<TokenId> behind, tokenizer.try_encode(rendering.behind_answer(), false));
  for (const TokenId id : behind) {
    if (tokenizer.is_special(id)) {
      ends.push_back(id);
      break;
    }
    if (tokenizer.bytes_of(id).find_first_not_of(" \t\r\n") != std::string::npos) break;
  }
  for (const auto& [name, text] : variables) {
    if (name != "eos_token") continue;
    const std::optional<TokenId> id = tokenizer.find(text);
    if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
  }
  return ends;
}

// The tokens of the template's own text but white space: among them are added tokens which no file calls special.
Result<std::vector<TokenId>> control_tokens(const ChatTemplate& rendering, const Tokenizer& tokenizer) {
  CONTINUO_TRY(std::vector<TokenId> ids, tokenizer.try_encode(rendering.source(), false));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::erase_if(ids,
                [&](TokenId id) { return tokenizer.piece(id).find_first_not_of(" \t\r\n") == std::string_view::npos; });
  return ids;
}

}  // namespace

Result<Chat> read_chat(const ModelFiles& files, const Tokenizer& tokenizer, const std::string& instead) {
  CONTINUO_TRY(const Json config,
               files.gguf() ? Result<Json>(Json::object()) : read_object(files, "tokenizer_config.json"));
  CONTINUO_TRY(Source source, instead.empty() ? find_template(files, config) : read_file(instead));
  CONTINUO_TRY(Variables variables, special_tokens(files, tokenizer, config));
  CONTINUO_TRY(ChatTemplate rendering, ChatTemplate::parse(std::move(source.text), std::move(source.file), variables));
  CONTINUO_TRY(std::vector<TokenId> ends, ends_of(rendering, tokenizer, variables));
  CONTINUO_TRY(std::vector<TokenId> control, control_tokens(rendering, tokenizer));
  return Chat{std::move(rendering), std::move(ends), std::move(control)};
}

const Result<Chat>& ChatSource::get(const Tokenizer& tokenizer) const {
  std::call_once(once_, [&] { chat_ = read_chat(files_, tokenizer, instead_); });
  return *chat_;
}

Result<TokenPrompt> encode_chat(const Chat& chat, const Tokenizer& tokenizer, const Json& messages,
                                const Json& template_values) {
  CONTINUO_TRY(ChatPrompt prompt, chat.rendering.render(messages, template_values));
  CONTINUO_TRY(std::vector<TokenId> ids,
               tokenizer.try_encode(prompt.text, {std::move(prompt.plain), chat.control}, false));
  return TokenPrompt{std::move(prompt.text), std::move(ids), chat.ends};
}

}  // namespace continuo
