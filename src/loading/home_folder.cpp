#include "loading/home_folder.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <fstream>

namespace continuo {

namespace {

// The home of a user, or (`user` empty) of whose process this is, as the password file has it: lines of
// NAME:PASSWORD:UID:GID:REMARK:HOME:SHELL.
std::string registered_home(std::string_view user) {
  const std::string uid = std::to_string(getuid());
  std::ifstream file("/etc/passwd");
  for (std::string line; std::getline(file, line);) {
    std::array<std::string_view, 6> fields;
    std::string_view rest = line;
    for (std::string_view& field : fields) {
      field = rest.substr(0, rest.find(':'));
      rest.remove_prefix(std::min(field.size() + 1, rest.size()));
    }
    if (user.empty() ? fields[2] == uid : fields[0] == user) return std::string(fields[5]);
  }
  return {};
}

bool is_of_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

// The variable that `text`, behind a '$', begins with; empty if it is none. `size`: of what names it.
std::string_view variable_name(std::string_view text, std::size_t& size) {
  if (text.starts_with('{')) {
    const std::size_t end = text.find('}');
    size = end == text.npos ? 0 : end + 1;
    return end == text.npos ? std::string_view() : text.substr(1, end - 1);
  }
  size = 0;
  while (size < text.size() && is_of_name(text[size])) ++size;
  return text.substr(0, size);
}

std::string with_variables(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t size = 0;
    const std::string name(text[at] == '$' ? variable_name(text.substr(at + 1), size) : std::string_view());
    const char* const value = name.empty() ? nullptr : std::getenv(name.c_str());
    if (value) {
      out += value;
      at += 1 + size;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string with_home(std::string_view text) {
  if (!text.starts_with('~')) return std::string(text);
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string user(text.substr(1, slash - 1));
  std::string home = user.empty() ? home_folder() : registered_home(user);
  if (home.empty()) return std::string(text);
  while (home.size() > 1 && home.back() == '/') home.pop_back();
  return home + std::string(text.substr(slash));
}

}  // namespace

std::string home_folder() {
  const char* const home = std::getenv("HOME");
  return home && *home ? home : registered_home({});
}

std::string expanded_path(std::string_view path) { return with_variables(with_home(path)); }

}  // namespace continuo
