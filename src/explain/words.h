// Every text that a person reads in a view, in each language: one table, words.cpp.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace continuo::explain {

enum class Language : unsigned char { en, zh_hant };

// "en", "zh-Hant"
std::string_view tag(Language language);
std::optional<Language> language_from(std::string_view tag);

class Words {
 public:
  explicit Words(Language language) : language_(language) {}
  Language language() const { return language_; }

  // The text of that key; a key that the table lacks is a bug of ours.
  std::string operator()(std::string_view key) const { return std::string(text(key)); }
  // With values put in for {}.
  template <class... Values>
  std::string operator()(std::string_view key, const Values&... values) const {
    return fmt::format(fmt::runtime(text(key)), values...);
  }

  struct Row {
    std::string_view key, en, zh_hant;
  };
  static std::span<const Row> table();

 private:
  std::string_view text(std::string_view key) const;
  Language language_;
};

}  // namespace continuo::explain
