#include "loading/infill.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "loading/token_roles.h"

namespace continuo {

namespace {

std::optional<TokenId> with_role(const std::vector<TokenRole>& roles, std::string_view role) {
  const auto found = std::ranges::find(roles, role, &TokenRole::role);
  return found == roles.end() ? std::nullopt : std::optional(found->id);
}

// The pieces of a prompt: the model's tokens, and the texts, which are plain.
class Writer {
 public:
  explicit Writer(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}
  void token(TokenId id) {
    text_ += tokenizer_.piece(id);
    tokens_.push_back(id);
  }
  void text(std::string_view text) {
    if (!text.empty()) plain_.ranges.push_back({text_.size(), text_.size() + text.size()});
    text_ += text;
  }

  // `control`: what the texts never become.
  Result<TokenPrompt> take(std::string_view model, std::span<const TokenId> control) && {
    TokenPrompt prompt;
    CONTINUO_TRY(prompt.ids, tokenizer_.try_encode(text_, {plain_.ranges, control}, true));
    for (const TokenId id : tokens_) {
      if (std::ranges::count(prompt.ids, id) != 1)
        return model_error(std::string(model),
                           fmt::format("the tokenizer does not read its own token '{}'", tokenizer_.piece(id)));
    }
    prompt.text = std::move(text_);
    return prompt;
  }

 private:
  const Tokenizer& tokenizer_;
  std::string text_;
  PlainText plain_;
  std::vector<TokenId> tokens_;
};

// Families that document the suffix first: Codestral, Seed-Coder.
bool is_suffix_first(std::string_view prefix_piece) {
  return prefix_piece == "[PREFIX]" || prefix_piece == "<[fim-prefix]>";
}

}  // namespace

Result<TokenPrompt> infill_prompt(const Tokenizer& tokenizer, const Model& model, std::string_view prefix,
                                  std::string_view suffix) {
  const std::vector<TokenRole> roles = token_roles(*model.storage, &tokenizer, model.spec.vocab_size);
  const auto before = with_role(roles, "fim_prefix"), behind = with_role(roles, "fim_suffix"),
             middle = with_role(roles, "fim_middle");
  const bool suffix_first = before && is_suffix_first(tokenizer.piece(*before));
  if (!before || !behind || (!middle && !suffix_first)) {
    return field_error("suffix", fmt::format("is given, but {} has no tokens for filling in the middle", model.name),
                       "only a model that was trained to fill in has them; inspect lists them");
  }
  Writer writer(tokenizer);
  writer.token(suffix_first ? *behind : *before);
  writer.text(suffix_first ? suffix : prefix);
  writer.token(suffix_first ? *before : *behind);
  writer.text(suffix_first ? prefix : suffix);
  // Codestral's prompt ends with the prefix itself.
  if (middle && tokenizer.piece(*before) != "[PREFIX]") writer.token(*middle);
  std::vector<TokenId> control;
  for (const TokenRole& role : roles) control.push_back(role.id);
  std::sort(control.begin(), control.end());
  CONTINUO_TRY(TokenPrompt prompt, std::move(writer).take(model.name, control));
  prompt.ends = std::move(control);
  return prompt;
}

}  // namespace continuo
