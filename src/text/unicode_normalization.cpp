#include "text/unicode_normalization.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>
#include <span>
#include <vector>

#include "text/character_tables.h"
#include "text/page_cache.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Hangul syllables are computed (The Unicode Standard, 3.12).
constexpr char32_t kSyllables = 0xac00, kLeads = 0x1100, kVowels = 0x1161, kTails = 0x11a7;
constexpr char32_t kLeadCount = 19, kVowelCount = 21, kTailCount = 28;
constexpr char32_t kSyllableCount = kLeadCount * kVowelCount * kTailCount;

bool in_run(char32_t code, char32_t first, char32_t count) { return code >= first && code < first + count; }

std::uint8_t combining_class(char32_t code) {
  const auto* range = find_range(tables::kCombiningClasses, code);
  return range ? range->value : std::uint8_t{0};
}

// What `code` decomposes into; empty: itself.
template <std::size_t N>
std::span<const char32_t> parts_of(const tables::Decomposition (&rows)[N], char32_t code) {
  const auto* row =
      std::lower_bound(std::begin(rows), std::end(rows), code, [](const auto& r, char32_t c) { return r.code < c; });
  if (row == std::end(rows) || row->code != code) return {};
  return std::span(tables::kDecomposed).subspan(row->begin, row->size);
}

void decompose(char32_t code, bool compatible, std::vector<char32_t>& out) {
  if (in_run(code, kSyllables, kSyllableCount)) {
    const char32_t index = code - kSyllables, tail = index % kTailCount;
    out.push_back(kLeads + index / (kVowelCount * kTailCount));
    out.push_back(kVowels + index / kTailCount % kVowelCount);
    if (tail != 0) out.push_back(kTails + tail);
    return;
  }
  auto parts = compatible ? parts_of(tables::kCompatible, code) : std::span<const char32_t>();
  if (parts.empty()) parts = parts_of(tables::kCanonical, code);
  if (parts.empty()) {
    out.push_back(code);
  } else {
    out.insert(out.end(), parts.begin(), parts.end());
  }
}

// The character that two become; 0 if they do not compose.
char32_t compose(char32_t first, char32_t second) {
  if (in_run(first, kLeads, kLeadCount) && in_run(second, kVowels, kVowelCount)) {
    return kSyllables + ((first - kLeads) * kVowelCount + second - kVowels) * kTailCount;
  }
  if (in_run(first, kSyllables, kSyllableCount) && (first - kSyllables) % kTailCount == 0 &&
      in_run(second, kTails + 1, kTailCount - 1)) {
    return first + (second - kTails);
  }
  const auto* row =
      std::lower_bound(std::begin(tables::kComposites), std::end(tables::kComposites), std::pair(first, second),
                       [](const auto& r, const auto& pair) { return std::pair(r.first, r.second) < pair; });
  const bool found = row != std::end(tables::kComposites) && row->first == first && row->second == second;
  return found ? row->composite : 0;
}

// Whether `code` may compose with the character before it.
bool composes_with_previous(char32_t code) {
  static const std::vector<char32_t> seconds = [] {
    std::vector<char32_t> all;
    for (const auto& row : tables::kComposites) all.push_back(row.second);
    std::sort(all.begin(), all.end());
    return all;
  }();
  return in_run(code, kVowels, kVowelCount) || in_run(code, kTails + 1, kTailCount - 1) ||
         std::binary_search(seconds.begin(), seconds.end(), code);
}

// A run of valid text, decomposed character by character, put into canonical order, and composed again
// (UAX #15).
class Run {
 public:
  explicit Run(UnicodeForm form) : form_(form) {}

  void append(char32_t code) {
    const std::size_t begin = codes_.size();
    decompose(code, form_.compatible, codes_);
    for (std::size_t i = begin; i < codes_.size(); ++i) classes_.push_back(combining_class(codes_[i]));
  }

  void finish(std::string& out) {
    order();
    if (form_.composed) compose_all();
    for (const char32_t code : codes_) append_utf8(out, code);
    codes_.clear();
    classes_.clear();
  }

 private:
  // Marks in a row stand by their classes.
  void order() {
    std::vector<std::pair<std::uint8_t, char32_t>> marks;
    for (std::size_t at = 0; at < codes_.size();) {
      marks.clear();
      for (std::size_t i = at; i < codes_.size() && classes_[i] != 0; ++i) marks.emplace_back(classes_[i], codes_[i]);
      std::stable_sort(marks.begin(), marks.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [mark_class, code] : marks) {
        classes_[at] = mark_class;
        codes_[at++] = code;
      }
      if (marks.empty()) ++at;
    }
  }

  void compose_all() {
    std::size_t size = 0;                 // of what is composed
    std::size_t starter = codes_.size();  // where the last one of class 0 stands
    std::uint8_t last_class = 0;          // of the character before, if it stayed
    for (std::size_t i = 0; i < codes_.size(); ++i) {
      const bool has_starter = starter < size;
      const bool adjacent = has_starter && starter + 1 == size;
      const bool blocked = !adjacent && last_class >= classes_[i];
      const char32_t composite = has_starter && !blocked ? compose(codes_[starter], codes_[i]) : 0;
      if (composite != 0) {
        codes_[starter] = composite;
        continue;
      }
      if (classes_[i] == 0) starter = size;
      last_class = classes_[i];
      codes_[size++] = codes_[i];
    }
    codes_.resize(size);
  }

  UnicodeForm form_;
  std::vector<char32_t> codes_;
  std::vector<std::uint8_t> classes_;  // of codes_
};

// Whether a character starts anew: it is normal in the form, and what is before it has no part in it.
bool starts_anew(char32_t code, UnicodeForm form) {
  if (combining_class(code) != 0) return false;
  if (form.composed && composes_with_previous(code)) return false;
  std::string itself, normal;
  append_utf8(itself, code);
  Run run(form);
  run.append(code);
  run.finish(normal);
  return normal == itself;
}

using Starters = PageCache<bool>;
std::array<Starters, 4> starters;  // by form

bool starts(char32_t code, UnicodeForm form) {
  if (code < (form.composed && !form.compatible ? 0x300 : 0x80)) return true;
  return starters[(form.compatible ? 1 : 0) + (form.composed ? 2 : 0)].at(code, [&](char32_t number) {
    auto page = std::make_unique<Starters::Page>();
    for (char32_t i = 0; i < 256; ++i) (*page)[i] = starts_anew(number * 256 + i, form);
    return page;
  });
}

}  // namespace

std::optional<UnicodeForm> unicode_form(std::string_view name) {
  if (name == "NFC") return UnicodeForm{.compatible = false, .composed = true};
  if (name == "NFD") return UnicodeForm{.compatible = false, .composed = false};
  if (name == "NFKC") return UnicodeForm{.compatible = true, .composed = true};
  if (name == "NFKD") return UnicodeForm{.compatible = true, .composed = false};
  return std::nullopt;
}

// Text between two characters that start anew is normalized by itself; most of it is one such character.
std::string normalize_unicode(std::string text, UnicodeForm form) {
  std::string out;
  Run run(form);
  std::size_t copied = 0;  // what is before is in `out`
  std::size_t begin = 0;   // of the last character that starts anew
  for (std::size_t at = 0; at < text.size();) {
    Utf8Char c = utf8_at(text, at);
    if (!c.valid || starts(c.code, form)) {
      at += c.size;
      begin = c.valid ? at - c.size : at;  // bytes that are not UTF-8 have no part in what follows
      continue;
    }
    for (std::size_t i = begin; i < at; i += utf8_at(text, i).size) run.append(utf8_at(text, i).code);
    for (; c.valid && !starts(c.code, form); c = utf8_at(text, at)) {
      run.append(c.code);
      at += c.size;
      if (at == text.size()) break;
    }
    out.append(text, copied, begin - copied);
    run.finish(out);
    copied = begin = at;
  }
  if (copied == 0) return text;
  out.append(text, copied);
  return out;
}

namespace {

char32_t lower(char32_t code) {
  const auto* run = find_range(tables::kLowerCase, code);
  if (!run || (code - run->first) % run->step != 0) return code;
  return static_cast<char32_t>(static_cast<std::int32_t>(code) + run->distance);
}

}  // namespace

std::string lowercase(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    if (!c.valid) {
      out += text.substr(at, c.size);
    } else if (c.code == 0x130) {
      out += "i\xcc\x87";  // the one character that becomes two (SpecialCasing.txt)
    } else {
      append_utf8(out, lower(c.code));
    }
    at += c.size;
  }
  return out;
}

}  // namespace continuo
