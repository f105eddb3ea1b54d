#include "serve/embedding_request.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include "base/json.h"
#include "requests/fields.h"
#include "requests/request_json.h"
#include "serve/api_request.h"
#include "text/utf8.h"

namespace continuo {

namespace {

constexpr std::size_t kMostTexts = 2048;  // as OpenAI's API
constexpr std::string_view kInput = "input";
constexpr std::string_view kFields[] = {kInput, "model", "encoding_format", "dimensions", "user"};

Result<EmbeddingText> read_ids(const Json& value, const Embedder& embedder) {
  EmbeddingText text;
  for (const Json& id : value) {
    const bool whole = id.is_number_unsigned() && id.get<std::uint64_t>() <= INT32_MAX;
    if (!whole) return wrong_field(kInput, "token ids", id);
    text.ids.push_back(static_cast<TokenId>(id.get<std::uint64_t>()));
  }
  CONTINUO_TRY_VOID(embedder.check(text.ids));
  return text;
}

// A text, or the ids of one.
Result<EmbeddingText> read_text(const Json& value, const Embedder& embedder, bool has_text) {
  if (value.is_array()) return read_ids(value, embedder);
  if (!value.is_string()) return wrong_field(kInput, "a text, token ids, or a list of one kind of them", value);
  if (!has_text) return field_error(kInput, "is a text, but the model has no tokenizer", "token ids are all it knows");
  return embedder.read(value.get_ref<const std::string&>());
}

Result<void> read_input(const Json& value, const Embedder& embedder, bool has_text, EmbeddingRequest& request) {
  const bool list = value.is_array() && !value.empty() && (value[0].is_string() || value[0].is_array());
  const Json* const first = list ? &value[0] : &value;
  const std::size_t n = list ? value.size() : 1;
  if (n > kMostTexts) return field_error(kInput, fmt::format("has {} texts, expected at most {}", n, kMostTexts));
  for (std::size_t i = 0; i < n; ++i) {
    const Json& one = list ? value[i] : *first;
    if (one.type() != first->type()) return wrong_field(kInput, "texts, or lists of token ids, but not both", one);
    auto text = read_text(one, embedder, has_text);
    if (!text) {
      Error error = std::move(text).error();
      if (error.field.empty()) error.field = kInput;
      if (list) error.what += fmt::format(" (the text with the index {})", i);
      return error;
    }
    request.texts.push_back(std::move(*text));
  }
  return {};
}

std::string base64(std::span<const float> row) {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto* const bytes = reinterpret_cast<const unsigned char*>(row.data());
  const std::size_t n = row.size_bytes();
  std::string out;
  out.reserve((n + 2) / 3 * 4);
  for (std::size_t i = 0; i < n; i += 3) {
    const std::size_t left = std::min<std::size_t>(n - i, 3);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < left ? bytes[i + k] : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= left ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace

std::size_t EmbeddingRequest::tokens() const {
  std::size_t n = 0;
  for (const EmbeddingText& text : texts) n += text.ids.size();
  return n;
}

Result<EmbeddingRequest> parse_embedding(std::string_view body, const Embedder& embedder, bool has_text) {
  CONTINUO_TRY(const Json json, parse_body(body));
  EmbeddingRequest request;
  for (const auto& [key, value] : json.items()) {
    if (std::find(std::begin(kFields), std::end(kFields), key) == std::end(kFields)) {
      return field_error(valid_utf8(key.substr(0, 60)), "is no field of a request for embeddings");
    }
    if (value.is_null()) continue;
    if ((key == "model" || key == "user") && !value.is_string()) return wrong_field(key, "a string", value);
    if (key == "model") request.model = value.get<std::string>();
    if (key == "encoding_format") {
      if (value != "float" && value != "base64") return wrong_field(key, "\"float\" or \"base64\"", value);
      request.base64 = value == "base64";
    }
    if (key == "dimensions" && value != embedder.width()) {
      return wrong_field(key, fmt::format("{}, as many as the model's vectors have", embedder.width()), value);
    }
  }
  const auto input = json.find(kInput);
  if (input == json.end() || input->is_null()) return field_error(kInput, "is expected");
  CONTINUO_TRY_VOID(read_input(*input, embedder, has_text, request));
  return request;
}

std::string embedding_json(const EmbeddingRequest& request, const std::string& model, std::span<const float> rows) {
  const std::size_t width = rows.size() / request.texts.size();
  std::string out = "{\"object\":\"list\",\"data\":[";
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    const std::span<const float> row = rows.subspan(i * width, width);
    const std::string vector =
        request.base64 ? fmt::format("\"{}\"", base64(row)) : fmt::format("[{}]", fmt::join(row, ","));
    out += fmt::format("{}{{\"object\":\"embedding\",\"index\":{},\"embedding\":{}{}}}", i > 0 ? "," : "", i, vector,
                       request.texts[i].truncated ? ",\"truncated\":true" : "");
  }
  const Answer name = model;
  return out + fmt::format("],\"model\":{0},\"usage\":{{\"prompt_tokens\":{1},\"total_tokens\":{1}}}}}",
                           name.dump(-1, ' ', false, Answer::error_handler_t::replace), request.tokens());
}

std::size_t bytes_of(const EmbeddingRequest& request, std::size_t width) {
  constexpr std::size_t kDigits = 16;  // of a number as text
  return request.tokens() * sizeof(TokenId) + request.texts.size() * (width * (sizeof(float) + kDigits) + 128);
}

std::span<const std::string_view> embedding_fields() { return kFields; }

}  // namespace continuo
