#include "base/error.h"

#include <fmt/format.h>

#include "base/printable.h"

namespace continuo {

int exit_code(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage:
      return 2;
    case ErrorKind::model:
      return 3;
    case ErrorKind::context:
      return 4;
    case ErrorKind::output:
      return 1;
    case ErrorKind::interrupted:
      return 130;
  }
  return 70;
}

std::string Error::message() const {
  std::string line;
  if (!file.empty()) line += file + ": ";
  if (offset) line += fmt::format("byte {}: ", *offset);
  if (!field.empty()) line += field + " ";
  line += what;
  if (!hint.empty()) line += " (" + hint + ")";
  return message_line(line);
}

Error usage_error(std::string what, std::string hint) {
  return {.kind = ErrorKind::usage, .what = std::move(what), .hint = std::move(hint)};
}

Error field_error(std::string_view field, std::string what, std::string hint) {
  return {.kind = ErrorKind::usage, .what = std::move(what), .hint = std::move(hint), .field = std::string(field)};
}

Error model_error(std::string file, std::string what, std::string hint) {
  return {.kind = ErrorKind::model, .what = std::move(what), .file = std::move(file), .hint = std::move(hint)};
}

}  // namespace continuo
