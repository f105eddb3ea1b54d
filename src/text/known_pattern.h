// Hand-written matchers for the regular expressions that most tokenizer files hold. They find the engine's
// matches, many times faster; an expression that is not known to the letter goes to the engine.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace continuo {

class KnownPattern {
 public:
  static std::optional<KnownPattern> find(std::string_view expression);

  // Where the piece of text that begins at `at` (inside the text) ends: a match, or bytes that are not UTF-8,
  // up to the next character. The known expressions leave no character without a match.
  std::size_t end_of_piece(std::string_view text, std::size_t at) const { return end_(text, at); }
  // Whether the piece at `at` is a match.
  static bool is_match(std::string_view text, std::size_t at);

 private:
  using End = std::size_t (*)(std::string_view text, std::size_t at);
  explicit KnownPattern(End end) : end_(end) {}
  End end_;
};

// GPT-2's expression (Radford et al. 2019, encoder.py), llama 3's and qwen2's.
inline constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// The one of GPT-3.5 and GPT-4 ("cl100k"), which matches what llama 3's does.
inline constexpr std::string_view kCl100kPattern =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";

}  // namespace continuo
