#include "text/unicode_normalization.h"

#include <utf8proc.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Characters below these are normal in their form and do not combine with what is before them.
char32_t first_that_may_change(UnicodeForm form) { return form.composed && !form.compatible ? 0x300 : 0x80; }

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

}  // namespace

std::optional<UnicodeForm> unicode_form(std::string_view name) {
  if (name == "NFC") return UnicodeForm{.compatible = false, .composed = true};
  if (name == "NFD") return UnicodeForm{.compatible = false, .composed = false};
  if (name == "NFKC") return UnicodeForm{.compatible = true, .composed = true};
  if (name == "NFKD") return UnicodeForm{.compatible = true, .composed = false};
  return std::nullopt;
}

std::string normalize_unicode(std::string text, UnicodeForm form) {
  const char32_t inert_below = first_that_may_change(form);
  // 0xCC begins U+0300; a text without such bytes, or without any above ASCII, is the common case.
  const unsigned char threshold = inert_below == 0x300 ? 0xcc : 0x80;
  const auto may_change = [&](char c) { return static_cast<unsigned char>(c) >= threshold; };
  if (std::none_of(text.begin(), text.end(), may_change)) return text;
  std::string out;
  out.reserve(text.size());
  Run run(form);
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    if (c.valid) {
      run.append(c.code);
    } else {
      run.finish(out);
      out.append(text, at, c.size);
    }
    at += c.size;
  }
  run.finish(out);
  return out;
}

}  // namespace continuo
