// Messages as token ids, by the chat template that a model's files hold.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "chat/chat_template.h"
#include "io/model_files.h"
#include "text/tokenizer.h"

namespace continuo {

struct Chat {
  ChatTemplate rendering;
  std::vector<TokenId> ends;     // any of them ends an answer, besides the model's end tokens
  std::vector<TokenId> control;  // tokens that the template itself writes: a message's text never becomes one
};

// The template: that of the file `instead`; where it is empty chat_template.jinja, tokenizer_config.json (a text, or a
// list of named ones, of which "default" is meant), chat_template.json, or the metadata of a GGUF file. An error if
// there is none.
Result<Chat> read_chat(const ModelFiles& files, const Tokenizer& tokenizer, const std::string& instead);

// The same when it is first asked for: most prompts are no messages.
class ChatSource {
 public:
  ChatSource(ModelFiles files, std::string instead) : files_(std::move(files)), instead_(std::move(instead)) {}
  // By any thread, always with the same tokenizer.
  const Result<Chat>& get(const Tokenizer& tokenizer) const;

 private:
  ModelFiles files_;
  std::string instead_;
  mutable std::once_flag once_;
  mutable std::optional<Result<Chat>> chat_;
};

// What is continued, of messages or around a gap.
struct TokenPrompt {
  std::string text;
  std::vector<TokenId> ids;
  std::vector<TokenId> ends;  // any of them ends what is written, besides the model's end tokens
};

// What a message says is never a special or control token. Nothing is put around the template's text.
Result<TokenPrompt> encode_chat(const Chat& chat, const Tokenizer& tokenizer, const Json& messages,
                                const Json& template_values);

}  // namespace continuo
