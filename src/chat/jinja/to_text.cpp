// Values as texts: str(), repr() and json.dumps().
#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>

#include "chat/jinja/value.h"
#include "text/utf8.h"

namespace continuo::jinja {

namespace {

constexpr int kDeepest = 100;  // of values in values

// The shortest decimal that gives the number back, as Python writes it.
std::string number_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

class Writer {
 public:
  explicit Writer(Heap& heap) : heap_(heap) {}
  MarkedText take() { return std::move(out_); }

  // ---- repr ----

  void represent(const Value& value, int depth = 0) {
    if (depth > kDeepest) throw Fault{"a value nests too deep to be printed"};
    heap_.spend(1);
    if (value.text()) return quote(*value.text());
    if (const List* const list = value.list()) return represent_list(*list, depth);
    if (const Dict* const dict = value.dict(); dict && !dict->is_namespace) {
      put("{");
      bool first = true;
      for (const auto& [key, entry] : dict->entries) {
        if (!std::exchange(first, false)) put(", ");
        represent(key, depth + 1);
        put(": ");
        represent(entry, depth + 1);
      }
      return put("}");
    }
    if (value.is_undefined()) return put("Undefined");
    put(scalar(value));
  }

  // None, True, 1, 1.5
  static std::string scalar(const Value& value) {
    if (value.is_none()) return "None";
    if (value.is<bool>()) return *value.get<bool>() ? "True" : "False";
    if (value.is<std::int64_t>()) return std::to_string(*value.get<std::int64_t>());
    if (value.is<double>()) return number_text(*value.get<double>());
    throw Fault{fmt::format("{} is printed, which has no text", kind_of(value))};
  }

  // ---- JSON ----

  void json(const Value& value, const JsonStyle& style, int depth = 0) {
    if (depth > kDeepest) throw Fault{"tojson: the value nests too deep"};
    heap_.spend(1);
    if (value.text()) return json_text(*value.text(), style);
    if (value.is_none()) return put("null");
    if (value.is<bool>()) return put(*value.get<bool>() ? "true" : "false");
    if (value.is<double>() && !std::isfinite(*value.get<double>()))
      return put(std::isnan(*value.get<double>()) ? "NaN" : *value.get<double>() > 0 ? "Infinity" : "-Infinity");
    if (value.is_number()) return put(scalar(value));
    if (value.list() && value.list()->kind <= List::Kind::tuple) return json_list(value.list()->items, style, depth);
    if (value.dict() && !value.dict()->is_namespace) return json_dict(*value.dict(), style, depth);
    throw Fault{fmt::format("tojson: {} has no JSON", kind_of(value))};
  }

 private:
  void put(TextView text) {
    heap_.spend_bytes(text.size());
    out_.append(text);
  }

  void represent_list(const List& list, int depth) {
    if (list.kind == List::Kind::view || list.kind == List::Kind::generator)
      throw Fault{fmt::format("{} is printed, which has no text", kind_of(const_cast<List*>(&list)))};
    const bool tuple = list.kind == List::Kind::tuple;
    put(tuple ? "(" : "[");
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (i > 0) put(", ");
      represent(list.items[i], depth + 1);
    }
    if (tuple && list.items.size() == 1) put(",");
    put(tuple ? ")" : "]");
  }

  // A character as it is, or what stands for it, which comes from where the character does.
  void put_as(TextView character, std::string_view instead) {
    if (character.origins.empty()) return put(instead);
    const std::string origins(instead.size(), character.origins.front());
    put(TextView(instead, origins));
  }

  void quote(TextView text) {
    const bool has_single = text.bytes.find('\'') != std::string_view::npos;
    const char mark = has_single && text.bytes.find('"') == std::string_view::npos ? '"' : '\'';
    put(std::string(1, mark));
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Char c = utf8_at(text.bytes, at);
      const TextView character = text.substr(at, c.size);
      at += c.size;
      if (const std::string escape = python_escape(c, mark); escape.empty()) {
        put(character);
      } else {
        put_as(character, escape);
      }
    }
    put(std::string(1, mark));
  }

  // Empty where repr() keeps the character.
  static std::string python_escape(const Utf8Char& c, char mark) {
    if (!c.valid) return {};
    if (c.code == '\n') return "\\n";
    if (c.code == '\r') return "\\r";
    if (c.code == '\t') return "\\t";
    if (c.code == '\\' || c.code == static_cast<char32_t>(mark)) return {'\\', static_cast<char>(c.code)};
    const auto code = static_cast<std::uint32_t>(c.code);
    if (code >= 0x20 && code < 0x7f) return {};
    const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(code));
    const bool printable = category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_CF &&
                           category != UTF8PROC_CATEGORY_CS && category != UTF8PROC_CATEGORY_CO &&
                           category != UTF8PROC_CATEGORY_CN && category != UTF8PROC_CATEGORY_ZL &&
                           category != UTF8PROC_CATEGORY_ZP && category != UTF8PROC_CATEGORY_ZS;
    if (printable) return {};
    if (code < 0x100) return fmt::format("\\x{:02x}", code);
    return code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
  }

  void json_text(TextView text, const JsonStyle& style) {
    put("\"");
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Char c = utf8_at(text.bytes, at);
      const TextView character = text.substr(at, c.size);
      at += c.size;
      if (const std::string escape = json_escape(c, style.ascii); escape.empty()) {
        put(character);
      } else {
        put_as(character, escape);
      }
    }
    put("\"");
  }

  static std::string json_escape(const Utf8Char& c, bool ascii) {
    if (!c.valid) return {};
    switch (c.code) {
      case '"':
        return "\\\"";
      case '\\':
        return "\\\\";
      case '\n':
        return "\\n";
      case '\r':
        return "\\r";
      case '\t':
        return "\\t";
      case '\b':
        return "\\b";
      case '\f':
        return "\\f";
      default:
        break;
    }
    const auto code = static_cast<std::uint32_t>(c.code);
    if (code >= 0x20 && (!ascii || code < 0x7f)) return {};
    if (code < 0x10000) return fmt::format("\\u{:04x}", code);
    return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
  }

  void new_line(const JsonStyle& style, int depth) {
    if (style.indent >= 0)
      put("\n" + std::string(static_cast<std::size_t>(style.indent) * static_cast<std::size_t>(depth), ' '));
  }

  void json_list(const std::vector<Value>& items, const JsonStyle& style, int depth) {
    if (items.empty()) return put("[]");
    put("[");
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (i > 0) put(style.item_separator);
      new_line(style, depth + 1);
      json(items[i], style, depth + 1);
    }
    new_line(style, depth);
    put("]");
  }

  void json_dict(const Dict& dict, const JsonStyle& style, int depth) {
    if (dict.entries.empty()) return put("{}");
    auto entries = dict.entries;
    if (style.sort_keys) {
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto& a, const auto& b) { return compare(heap_, a.first, b.first) < 0; });
    }
    put("{");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) put(style.item_separator);
      new_line(style, depth + 1);
      if (entries[i].first.text()) {
        json(entries[i].first, style, depth + 1);
      } else {
        put("\"");
        json(entries[i].first, style, depth + 1);
        put("\"");
      }
      put(style.key_separator);
      json(entries[i].second, style, depth + 1);
    }
    new_line(style, depth);
    put("}");
  }

  Heap& heap_;
  MarkedText out_;
};

}  // namespace

MarkedText to_text(Heap& heap, const Value& value) {
  if (value.text()) return *value.text();
  if (value.is_undefined()) return {};
  if (value.list() || value.dict()) return representation(heap, value);
  return MarkedText(Writer::scalar(value));
}

MarkedText representation(Heap& heap, const Value& value) {
  Writer writer(heap);
  writer.represent(value);
  return writer.take();
}

MarkedText to_json(Heap& heap, const Value& value, const JsonStyle& style) {
  Writer writer(heap);
  writer.json(value, style);
  return writer.take();
}

}  // namespace continuo::jinja
