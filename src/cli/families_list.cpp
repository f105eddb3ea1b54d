#include "cli/families_list.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/families.h"
#include "model/wrappers.h"

namespace continuo {

Answer families_json() {
  Answer all = Answer::array();
  for (const Family* family : families()) {
    Answer gguf = Answer::array();
    for (const std::string_view name : {family->gguf.architecture, family->gguf.also}) {
      if (!name.empty()) gguf.push_back(name);
    }
    all.push_back({{"known_as", family->known_as},
                   {"model_type", family->model_type},
                   {"gguf", std::move(gguf)},
                   {"text_only", false}});
  }
  for (const Wrapper& wrapper : wrappers()) {
    all.push_back({{"known_as", wrapper.known_as},
                   {"model_type", wrapper.model_type},
                   {"gguf", Answer::array()},
                   {"text_only", true}});
  }
  std::stable_sort(all.begin(), all.end(), [](const Answer& a, const Answer& b) {
    const auto name = [](const Answer& row) { return row["known_as"].get_ref<const std::string&>(); };
    const auto folded = [](std::string text) {
      std::transform(text.begin(), text.end(), text.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      return text;
    };
    return folded(name(a)) < folded(name(b));
  });
  return {{"families", std::move(all)}};
}

std::string families_text() {
  const Answer all = families_json();
  std::string out;
  for (const Answer& row : all["families"]) {
    std::string gguf;
    for (const Answer& name : row["gguf"])
      gguf += fmt::format("{}{}", gguf.empty() ? "  gguf " : ", ", name.get<std::string>());
    out += fmt::format("{:<48} {}{}{}\n", row["known_as"].get<std::string>(), row["model_type"].get<std::string>(),
                       gguf, row["text_only"].get<bool>() ? "  (its text)" : "");
  }
  return out;
}

}  // namespace continuo
