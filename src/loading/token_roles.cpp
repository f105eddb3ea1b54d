#include "loading/token_roles.h"

#include <array>
#include <optional>
#include <span>

#include "base/json.h"
#include "io/checkpoint.h"

namespace continuo {

namespace {

struct RoleNames {
  std::string_view role;
  std::array<std::string_view, 2> keys;  // of GGUF's metadata, newer first
  std::array<std::string_view, 10> pieces;
};
constexpr RoleNames kRoles[] = {
    {"fim_prefix",
     {"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id"},
     {"<|fim_prefix|>", "<fim_prefix>", "<fim-prefix>", "<｜fim▁begin｜>", "▁<PRE>", "<PRE>", "[PREFIX]",
      "<|code_prefix|>", "<[fim-prefix]>", "<|prefix|>"}},
    {"fim_suffix",
     {"tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id"},
     {"<|fim_suffix|>", "<fim_suffix>", "<fim-suffix>", "<｜fim▁hole｜>", "▁<SUF>", "<SUF>", "[SUFFIX]",
      "<|code_suffix|>", "<[fim-suffix]>", "<|suffix|>"}},
    {"fim_middle",
     {"tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id"},
     {"<|fim_middle|>", "<fim_middle>", "<fim-middle>", "<｜fim▁end｜>", "▁<MID>", "<MID>", "[MIDDLE]",
      "<|code_middle|>", "<[fim-middle]>", "<|middle|>"}},
    {"fim_pad", {"tokenizer.ggml.fim_pad_token_id"}, {"<|fim_pad|>", "<fim_pad>", "<fim-pad>"}},
    {"fim_repo", {"tokenizer.ggml.fim_rep_token_id"}, {"<|repo_name|>", "<repo_name>", "<reponame>"}},
    {"fim_file", {"tokenizer.ggml.fim_sep_token_id"}, {"<|file_sep|>", "<file_sep>", "<|file_separator|>"}},
    {"end_of_turn",
     {"tokenizer.ggml.eot_token_id"},
     {"<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|eot|>"}},
};

std::optional<TokenId> stated(const Json& metadata, std::span<const std::string_view> keys, int vocab_size) {
  for (const std::string_view key : keys) {
    const auto it = key.empty() ? metadata.end() : metadata.find(key);
    if (it == metadata.end() || !it->is_number_integer()) continue;
    const auto id = it->get<std::int64_t>();
    if (id >= 0 && id < vocab_size) return static_cast<TokenId>(id);
  }
  return std::nullopt;
}

std::optional<TokenId> known(const Tokenizer& tokenizer, std::span<const std::string_view> pieces, int vocab_size) {
  for (const std::string_view piece : pieces) {
    const auto id = piece.empty() ? std::nullopt : tokenizer.find(piece);
    if (id && *id >= 0 && *id < vocab_size) return id;
  }
  return std::nullopt;
}

}  // namespace

std::vector<TokenRole> token_roles(const Checkpoint& checkpoint, const Tokenizer* tokenizer, int vocab_size) {
  std::vector<TokenRole> roles;
  for (const RoleNames& names : kRoles) {
    auto id = checkpoint.is_gguf ? stated(checkpoint.config, names.keys, vocab_size) : std::nullopt;
    if (!id && tokenizer) id = known(*tokenizer, names.pieces, vocab_size);
    if (id) roles.push_back({names.role, *id});
  }
  return roles;
}

}  // namespace continuo
