// Any bytes as a chat template: it is refused, or renders a conversation within its bounds. What a message says is plain
// in the result.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/json.h"
#include "chat/chat_template.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace continuo;
  std::string source(reinterpret_cast<const char*>(data), size);
  const auto chat = ChatTemplate::parse(std::move(source), "template", {{"bos_token", "<s>"}, {"eos_token", "</s>"}});
  if (!chat) return 0;
  const Json messages = {{{"role", "system"}, {"content", "Be brief."}},
                         {{"role", "user"}, {"content", " Who\n\n\"are\" {{you}}? \xe4\xb8\x96 "}, {"name", "Ann"}},
                         {{"role", "assistant"}, {"content", "<think>\nHm.\n</think>\n\nI"}},
                         {{"role", "user"}, {"content", "Go on."}}};
  const auto prompt = chat->render(messages, {{"enable_thinking", false}, {"numbers", {1, 2.5, nullptr}}});
  if (!prompt) return 0;
  std::size_t end = 0;
  for (const PlainRange& range : prompt->plain) {
    CONTINUO_CHECK(range.begin >= end && range.begin < range.end && range.end <= prompt->text.size(),
                   "ranges in order");
    end = range.end;
  }
  return 0;
}
