#include "chat/chat_template.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "chat/jinja/interpreter.h"
#include "chat/jinja/syntax.h"

namespace continuo {

namespace {

using jinja::Dict;
using jinja::Fault;
using jinja::Heap;
using jinja::MarkedText;
using jinja::Origin;
using jinja::Value;

// Far beyond what templates take: they go through each message a few times.
jinja::Limits limits_for(std::size_t bytes) {
  return {.steps = 4'000'000 + 64 * static_cast<std::uint64_t>(bytes), .bytes = (std::size_t{16} << 20) + 16 * bytes};
}

// Of a conversation of two words.
constexpr jinja::Limits kProbeLimits{.steps = 200'000, .bytes = std::size_t{1} << 20};

// JSON as a template sees it. All strings are of `origin`, the names of members the template's.
Value as_value(Heap& heap, const Json& json, Origin origin) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value(json.get<bool>());
    case Json::value_t::number_integer:
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return Value(json.get<double>());
      return Value(json.get<std::int64_t>());
    case Json::value_t::number_float:
      return Value(json.get<double>());
    case Json::value_t::string:
      return heap.text(MarkedText(json.get<std::string>(), origin));
    case Json::value_t::array: {
      jinja::List* const list = heap.list();
      for (const Json& item : json) list->items.push_back(as_value(heap, item, origin));
      return list;
    }
    case Json::value_t::object: {
      Dict* const dict = heap.dict();
      for (const auto& [key, value] : json.items()) {
        set_entry(heap, *dict, heap.text(MarkedText(key, origin)), as_value(heap, value, origin));
      }
      return dict;
    }
    default:
      return jinja::None{};
  }
}

// How a message's text is handed over.
enum class Content : char { text, parts };

void add_entry(Heap& heap, Dict& dict, std::string_view name, Value value) {
  set_entry(heap, dict, heap.text(MarkedText(std::string(name))), value);
}

// The text of the last message is told from all else that messages say: an answer goes on behind it.
Value message_value(Heap& heap, const Json& message, bool is_last, Content content) {
  Dict* const dict = heap.dict();
  for (const auto& [key, value] : message.items()) {
    Value text = as_value(heap, value, is_last && key == "content" ? jinja::from_last_message : jinja::from_message);
    if (key == "content" && content == Content::parts) {
      Dict* const part = heap.dict();
      add_entry(heap, *part, "type", heap.text(MarkedText(std::string("text"))));
      add_entry(heap, *part, "text", text);
      text = heap.list({part});
    }
    add_entry(heap, *dict, key, text);
  }
  return dict;
}

std::size_t bytes_of(const Json& messages) {
  std::size_t bytes = 0;
  for (const Json& message : messages) {
    for (const Json& value : message) {
      if (value.is_string()) bytes += value.get_ref<const std::string&>().size();
    }
  }
  return bytes;
}

bool is_answer(const Json& message) { return message.at("role") == "assistant"; }

bool has_text_of(const MarkedText& text, Origin origin) {
  return text.origins.find(static_cast<char>(origin)) != std::string::npos;
}

std::vector<PlainRange> plain_ranges(std::string_view origins) {
  std::vector<PlainRange> ranges;
  for (std::size_t at = 0; at < origins.size();) {
    std::size_t end = at;
    while (end < origins.size() && origins[end] != jinja::from_template) ++end;
    if (end > at) ranges.push_back({at, end});
    at = end + 1;
  }
  return ranges;
}

}  // namespace

struct ChatTemplate::Impl {
  std::string source, file;
  std::vector<std::pair<std::string, std::string>> variables;
  jinja::Body body;

  Result<MarkedText> render(const Json& messages, const Json& more, Content content, jinja::Limits limits) const;
  Error error_of(const Fault& fault) const;
};

ChatTemplate::ChatTemplate(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;
const std::string& ChatTemplate::source() const { return impl_->source; }

Error ChatTemplate::Impl::error_of(const Fault& fault) const {
  if (fault.raised) return usage_error(fmt::format("the chat template refuses the messages: {}", fault.what));
  return model_error(file, fmt::format("line {} of the chat template: {}", fault.line, fault.what));
}

Result<MarkedText> ChatTemplate::Impl::render(const Json& messages, const Json& more, Content content,
                                              jinja::Limits limits) const {
  Heap heap(limits);
  jinja::Scope scope;
  jinja::Interpreter interpreter(heap, scope);
  try {
    for (const auto& [name, value] : variables) scope.set(name, heap.text(MarkedText(value)));
    for (const char* absent : {"tools", "documents"}) scope.set(absent, jinja::None{});
    if (more.is_object()) {
      for (const auto& [name, value] : more.items())
        scope.set(heap.text(MarkedText(name)).text()->bytes, as_value(heap, value, jinja::from_message));
    }
    scope.set("add_generation_prompt", Value(!is_answer(messages.back())));
    jinja::List* const list = heap.list();
    for (std::size_t i = 0; i < messages.size(); ++i)
      list->items.push_back(message_value(heap, messages[i], i + 1 == messages.size(), content));
    scope.set("messages", list);
    return interpreter.render(body);
  } catch (Fault& fault) {
    if (fault.line == 0) fault.line = interpreter.line();
    return error_of(fault);
  }
}

Result<ChatTemplate> ChatTemplate::parse(std::string source, std::string file,
                                         std::vector<std::pair<std::string, std::string>> variables) {
  auto impl = std::make_unique<Impl>();
  impl->source = std::move(source);
  impl->file = std::move(file);
  impl->variables = std::move(variables);
  if (impl->source.size() > kLongestTemplate)
    return model_error(impl->file, fmt::format("the chat template has more than {} bytes", kLongestTemplate));
  try {
    impl->body = jinja::parse(impl->source);
  } catch (const Fault& fault) {
    return impl->error_of(fault);
  }
  ChatTemplate made(std::move(impl));
  // What it writes behind an answer, by an answer.
  const Json probe = {{{"role", "user"}, {"content", "a"}}, {{"role", "assistant"}, {"content", "b"}}};
  for (const Content content : {Content::text, Content::parts}) {
    const auto rendered = made.impl_->render(probe, nullptr, content, kProbeLimits);
    if (!rendered) break;
    if (!has_text_of(*rendered, jinja::from_last_message)) continue;
    const std::size_t last = rendered->origins.rfind(char{jinja::from_last_message});
    made.behind_answer_ = rendered->bytes.substr(last + 1);
    break;
  }
  return made;
}

Result<ChatPrompt> ChatTemplate::render(const Json& messages, const Json& variables) const {
  const jinja::Limits limits = limits_for(bytes_of(messages));
  CONTINUO_TRY(MarkedText text, impl_->render(messages, variables, Content::text, limits));
  const auto shows_last = [&](const MarkedText& rendered) {
    const std::string& content = messages.back().at("content").get_ref<const std::string&>();
    const bool blank = content.find_first_not_of(" \t\r\n") == std::string::npos;
    return blank || has_text_of(rendered, jinja::from_last_message);
  };
  if (!shows_last(text)) {  // a template that goes through the parts of a message
    auto parts = impl_->render(messages, variables, Content::parts, limits);
    if (!parts || !shows_last(*parts))
      return model_error(impl_->file, "the chat template leaves the last message out",
                         "another template can be given with --template");
    text = std::move(*parts);
  }
  if (is_answer(messages.back())) {
    const std::size_t last = text.origins.rfind(char{jinja::from_last_message});
    if (last == std::string::npos)
      return usage_error("the last message is the assistant's and is empty", "leave it out to have it written");
    text.bytes.resize(last + 1);
    text.origins.resize(last + 1);
  }
  return ChatPrompt{std::move(text.bytes), plain_ranges(text.origins)};
}

}  // namespace continuo
