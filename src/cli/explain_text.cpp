#include "cli/explain_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/chat_prompt.h"
#include "loading/model_source.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

Result<std::vector<TokenId>> encode(const Options& options, const LoadedModel& loaded, const std::string& text) {
  const Model& model = loaded.network;
  if (has_messages(options)) {
    CONTINUO_TRY(const TypedChat typed, typed_chat(options));
    CONTINUO_TRY(TokenPrompt prompt, chat_prompt(loaded, typed.messages, typed.template_values));
    return std::move(prompt.ids);
  }
  if (sees_both_sides(model.spec)) return loaded.text()->try_encode(text, true);
  CONTINUO_TRY(std::vector<TokenId> ids, encode_prompt(*loaded.text(), model, text));
  if (ids.empty() && model.spec.bos_token) ids.push_back(*model.spec.bos_token);
  return ids;
}

}  // namespace

Result<std::vector<TokenId>> explain_ids(const Options& options, const LoadedModel& loaded, const std::string& text) {
  const Model& model = loaded.network;
  std::vector<TokenId> ids;
  if (options.ids) {
    CONTINUO_TRY(ids, parse_ids(text));
  } else {
    CONTINUO_TRY(ids, encode(options, loaded, text));
  }
  if (ids.empty()) return usage_error("there is nothing to explain: the text has no tokens");
  for (const TokenId id : ids) {
    if (id < 0 || id >= model.spec.vocab_size) {
      return usage_error(
          fmt::format("token id {} is outside the vocabulary, expected 0 to {}", id, model.spec.vocab_size - 1));
    }
  }
  const auto context = static_cast<std::size_t>(model.spec.context_length);
  if (ids.size() > context) {
    return Error{.kind = ErrorKind::context,
                 .what = fmt::format("the text has {} tokens and the model's context holds {}", ids.size(), context)};
  }
  return ids;
}

Result<void> choose_window(const Options& options, const Model& model, explain::Question& question) {
  constexpr std::size_t kLongest = explain::kLongestWindow;
  const std::size_t n = question.ids.size();
  const auto [from, to] = std::pair(options.explain.from, options.explain.to);
  if (from && *from >= n)
    return usage_error(fmt::format("--from is {}, expected a position from 0 to {}", *from, n - 1));
  if (to && *to >= n) return usage_error(fmt::format("--to is {}, expected a position from 0 to {}", *to, n - 1));
  if (from && to && *from > *to) return usage_error(fmt::format("--from {} stands after --to {}", *from, *to));
  // What is not said follows from what is; the end of the text is drawn if nothing is.
  question.to = to ? *to + 1 : from ? std::min(n, *from + kLongest) : n;
  question.from = from ? *from : question.to - std::min(question.to, kLongest);
  const std::size_t drawn = question.to - question.from;
  if (drawn > kLongest)
    return usage_error(fmt::format("{} tokens are too many to draw, {} at the most", drawn, kLongest));
  if (!sees_both_sides(model.spec) || drawn == n) return {};
  return usage_error(fmt::format(
      "{} sees the words on both sides of each ({}): its text is drawn whole, {} tokens at the most, and has {}",
      model.name, model.spec.family, kLongest, n));
}

Result<void> check_head(const Options& options, const ModelSpec& spec) {
  const std::size_t layer = options.explain.layer, head = options.explain.head;
  const std::vector<LayerVisit> visits = layer_visits(spec);
  if (layer >= visits.size())
    return usage_error(fmt::format("--layer is {}, expected 0 to {}", layer, visits.size() - 1));
  const AttentionSpec* const attention = attention_in(spec.layers[visits[layer].layer].mixer);
  if (attention && head >= static_cast<std::size_t>(attention->n_heads))
    return usage_error(fmt::format("--head is {}, expected 0 to {}", head, attention->n_heads - 1));
  return {};
}

}  // namespace continuo
