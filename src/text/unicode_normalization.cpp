#include "text/unicode_normalization.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "base/check.h"
#include "text/page_cache.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Starters that may combine with the character before them (the others with NFC_Quick_Check=Maybe,
// Unicode 15.0, have a combining class).
constexpr std::array<std::array<char32_t, 2>, 24> kCombiningStarters = {
    {{0x9be, 0x9be},     {0x9d7, 0x9d7},     {0xb3e, 0xb3e},     {0xb56, 0xb57},     {0xbbe, 0xbbe},
     {0xbd7, 0xbd7},     {0xcc2, 0xcc2},     {0xcd5, 0xcd6},     {0xd3e, 0xd3e},     {0xd57, 0xd57},
     {0xdcf, 0xdcf},     {0xddf, 0xddf},     {0x102e, 0x102e},   {0x1161, 0x1175},   {0x11a8, 0x11c2},
     {0x1b35, 0x1b35},   {0x11127, 0x11127}, {0x1133e, 0x1133e}, {0x11357, 0x11357}, {0x114b0, 0x114b0},
     {0x114ba, 0x114ba}, {0x114bd, 0x114bd}, {0x115af, 0x115af}, {0x11930, 0x11930}}};

// A run of valid text, decomposed character by character, put into canonical order, and composed again.
// utf8proc's own loop over a whole string is not used: it reorders marks in quadratic time.
class Run {
 public:
  explicit Run(UnicodeForm form) : form_(form) {}

  void append(char32_t code) {
    int last_class = 0;
    const auto options = static_cast<utf8proc_option_t>(
        UTF8PROC_STABLE | (form_.compatible ? UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT : UTF8PROC_DECOMPOSE));
    utf8proc_int32_t parts[32];
    const auto count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts, 32, options, &last_class);
    CONTINUO_CHECK(count >= 0 && count <= 32, "no character decomposes into more than 18");
    codes_.insert(codes_.end(), parts, parts + count);
  }

  void finish(std::string& out) {
    const auto mark = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
    for (auto at = codes_.begin(); at != codes_.end();) {
      at = std::find_if(at, codes_.end(), [&](auto c) { return mark(c) != 0; });
      const auto end = std::find_if(at, codes_.end(), [&](auto c) { return mark(c) == 0; });
      std::stable_sort(at, end, [&](auto a, auto b) { return mark(a) < mark(b); });
      at = end;
    }
    auto count = static_cast<utf8proc_ssize_t>(codes_.size());
    if (form_.composed) {
      count = utf8proc_normalize_utf32(codes_.data(), count,
                                       static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    }
    for (utf8proc_ssize_t i = 0; i < count; ++i)
      append_utf8(out, static_cast<char32_t>(codes_[static_cast<std::size_t>(i)]));
    codes_.clear();
  }

 private:
  UnicodeForm form_;
  std::vector<utf8proc_int32_t> codes_;
};

// Whether a character starts anew: it is normal in the form, and what is before it has no part in it.
bool starts_anew(char32_t code, UnicodeForm form) {
  const auto in = [&](const auto& range) { return code >= range[0] && code <= range[1]; };
  if (utf8proc_get_property(static_cast<utf8proc_int32_t>(code))->combining_class != 0) return false;
  if (form.composed && std::any_of(kCombiningStarters.begin(), kCombiningStarters.end(), in)) return false;
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
    for (char32_t i = 0; i < 256; ++i)
      (*page)[i] = starts_anew(number * 256 + i, form);
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
    for (std::size_t i = begin; i < at; i += utf8_at(text, i).size)
      run.append(utf8_at(text, i).code);
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
      append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c.code))));
    }
    at += c.size;
  }
  return out;
}

}  // namespace continuo
