// What a text may cost, whatever a tokenizer's file asks for: a bounded number of steps and of bytes for each
// byte of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace continuo {

// Thrown where a bound is reached, or where a file turns out to be damaged while a text is at work; the
// functions of Tokenizer and the readers of its parts turn it into an error. It never leaves the library.
struct TextFault {
  std::string what;
};

class TextWork {
 public:
  explicit TextWork(std::size_t bytes)  // of the text
      : steps_(1'000'000 + 64 * static_cast<std::uint64_t>(bytes)), most_bytes_(65'536 + 128 * bytes) {}

  // Backtracking steps that regular expressions may still take beyond the few that every match has.
  std::uint64_t& steps() { return steps_; }

  // What the text has become has so many bytes.
  void check_size(std::size_t bytes) const {
    if (bytes > most_bytes_) throw TextFault{"the tokenizer makes more than 128 bytes out of each byte of the text"};
  }

 private:
  std::uint64_t steps_;
  std::size_t most_bytes_;
};

}  // namespace continuo
