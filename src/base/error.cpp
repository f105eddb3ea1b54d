#include "base/error.h"

#include <fmt/format.h>

namespace continuo {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return 2;
    case ErrorKind::model: return 3;
    case ErrorKind::context: return 4;
    case ErrorKind::output: return 1;
    case ErrorKind::interrupted: return 130;
  }
  return 70;
}

namespace {

// Names and texts from files end up in messages; a control character must not break the line or the terminal.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string Error::message() const {
  std::string line;
  if (!file.empty()) line += file + ": ";
  if (offset) line += fmt::format("byte {}: ", *offset);
  if (!field.empty()) line += field + " ";
  line += what;
  if (!hint.empty()) line += " (" + hint + ")";
  return printable(line);
}

Error usage_error(std::string what, std::string hint) {
  return {.kind = ErrorKind::usage, .what = std::move(what), .hint = std::move(hint)};
}

Error field_error(std::string_view field, std::string what, std::string hint) {
  return {.kind = ErrorKind::usage,
          .what = std::move(what),
          .hint = std::move(hint),
          .field = std::string(field)};
}

Error model_error(std::string file, std::string what, std::string hint) {
  return {.kind = ErrorKind::model, .what = std::move(what), .file = std::move(file), .hint = std::move(hint)};
}

}  // namespace continuo
