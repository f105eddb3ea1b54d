#include "text/case_folding.h"

#include <algorithm>

#include "text/character_tables.h"
#include "text/unicode_normalization.h"
#include "text/utf8.h"

namespace continuo {

namespace {

std::vector<CaseFolding> read_table() {
  std::vector<CaseFolding> all;
  for (const tables::Decomposition& row : tables::kFoldings) {
    std::string sequence;
    for (std::size_t i = 0; i < row.size; ++i) append_utf8(sequence, tables::kDecomposed[row.begin + i]);
    auto known = std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.sequence == sequence; });
    if (known == all.end()) known = all.insert(known, {sequence, {}});
    known->characters.push_back(row.code);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.sequence.size() > b.sequence.size(); });
  return all;
}

// How many bytes at the front of `text` are `sequence` but for their case; 0: they are not.
std::size_t spelled_out(std::string_view text, std::string_view sequence) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < sequence.size(); at += utf8_at(sequence, at).size) {
    if (size == text.size()) return 0;
    const std::string_view character = text.substr(size, utf8_at(text, size).size);
    if (lowercase(character) != sequence.substr(at, utf8_at(sequence, at).size)) return 0;
    size += character.size();
  }
  return size;
}

}  // namespace

std::string CaseFolding::alternatives() const {
  std::string text = sequence;
  for (const char32_t character : characters) {
    text += '|';
    append_utf8(text, character);
  }
  return text;
}

const std::vector<CaseFolding>& case_foldings() {
  static const std::vector<CaseFolding> all = read_table();
  return all;
}

const CaseFolding* find_folding(std::string_view text, std::size_t& size) {
  for (const CaseFolding& folding : case_foldings()) {
    size = spelled_out(text, folding.sequence);
    if (size > 0) return &folding;
  }
  const Utf8Char first = utf8_at(text, 0);
  size = first.size;
  for (const CaseFolding& folding : case_foldings()) {
    const auto& all = folding.characters;
    if (std::find(all.begin(), all.end(), first.code) != all.end()) return &folding;
  }
  return nullptr;
}

}  // namespace continuo
