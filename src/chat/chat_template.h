// Messages as a prompt: the model's own chat template, rendered as transformers' apply_chat_template does.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json_fwd.h"
#include "text/plain_text.h"

namespace continuo {

inline constexpr std::size_t kLongestTemplate = std::size_t{1} << 20;  // bytes

// A rendered conversation.
struct ChatPrompt {
  std::string text;
  std::vector<PlainRange> plain;  // what comes from messages: no special token is read out of it
};

class ChatTemplate {
 public:
  // `file` is named in errors. `variables`: what the template also knows, "bos_token" and the like.
  static Result<ChatTemplate> parse(std::string source, std::string file,
                                    std::vector<std::pair<std::string, std::string>> variables);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // `messages` as check_messages() lets them through; `variables`: an object of more that the template may ask for, or
  // null. The prompt ends where the answer begins; where the last message is the assistant's, at its end, so that it is
  // continued. By any thread.
  Result<ChatPrompt> render(const Json& messages, const Json& variables) const;

  // What the template writes right behind an assistant's message: its end. Empty where that cannot be told.
  const std::string& behind_answer() const { return behind_answer_; }
  const std::string& source() const;

 private:
  struct Impl;
  explicit ChatTemplate(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  std::string behind_answer_;
};

// The messages of a request: a list of objects with `role` and `content`, a string or a list of {"type": "text",
// "text"}, whose texts are joined by line feeds; `name` and `reasoning_content` may stand beside them. Anything else is
// an error that names it. The result has strings alone.
Result<Json> check_messages(std::string_view field, const Json& messages);

}  // namespace continuo
