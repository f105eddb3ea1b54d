// continuo tokenize [TEXT]: text to token ids and back.
#include <fmt/format.h>

#include "cli/chat_prompt.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/print_json.h"
#include "cli/prompt.h"
#include "loading/chat.h"
#include "loading/model_source.h"
#include "requests/json_answer.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

Result<void> decode(const Options& options, const Tokenizer& tokenizer, std::string_view text) {
  CONTINUO_TRY(const std::vector<TokenId> ids, parse_ids(text));
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= tokenizer.vocab_size()) {
      return usage_error(
          fmt::format("token id {} is outside the vocabulary, expected 0 to {}", id, tokenizer.vocab_size() - 1));
    }
  }
  const std::string decoded = tokenizer.decode(ids, options.no_special);
  if (options.json) return print_json({{"ids", ids}, {"text", decoded}});
  Output output;
  output.write(decoded);
  output.end_line();
  return output.finish();
}

Result<std::vector<TokenId>> ids_of_messages(const Options& options, const ModelFiles& files,
                                             const Tokenizer& tokenizer) {
  CONTINUO_TRY(const TypedChat typed, typed_chat(options));
  CONTINUO_TRY(const Chat chat, read_chat(files, tokenizer, options.chat.template_file));
  CONTINUO_TRY(TokenPrompt prompt, encode_chat(chat, tokenizer, typed.messages, typed.template_values));
  return std::move(prompt.ids);
}

Result<void> print_ids(const Options& options, const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  if (options.json) {
    Answer pieces = Answer::array();
    for (const TokenId id : ids) pieces.push_back(tokenizer.piece(id));
    return print_json({{"ids", ids}, {"pieces", std::move(pieces)}});
  }
  std::string lines;
  if (!options.pieces) {
    for (const TokenId id : ids) {
      if (!lines.empty()) lines += ' ';
      const fmt::format_int digits(id);
      lines.append(digits.data(), digits.size());
    }
    return print(lines + '\n');
  }
  for (const TokenId id : ids) lines += fmt::format("{}\t{}\n", id, escaped(tokenizer.piece(id)));
  return print(lines);
}

}  // namespace

Result<void> run_tokenize(const Options& options) {
  if (options.decode && options.pieces) return usage_error("--decode does not go with --pieces");
  if (options.decode && has_messages(options)) return usage_error("--decode does not go with messages");
  CONTINUO_TRY_VOID(check_messages_typed(options));
  const std::atomic<bool>& interrupted = watch_interrupts();
  CONTINUO_TRY(const ModelFiles files, find_model(options.model));
  CONTINUO_TRY(const Tokenizer tokenizer, load_tokenizer(files));
  if (has_messages(options)) {
    CONTINUO_TRY(const std::vector<TokenId> ids, ids_of_messages(options, files, tokenizer));
    return print_ids(options, tokenizer, ids);
  }
  CONTINUO_TRY(const std::string text, read_text(options, interrupted));
  if (options.decode) return decode(options, tokenizer, text);
  CONTINUO_TRY(const std::vector<TokenId> ids, tokenizer.try_encode(text, !options.no_special));
  return print_ids(options, tokenizer, ids);
}

}  // namespace continuo
