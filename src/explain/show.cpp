#include "explain/show.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <cmath>

#include "text/utf8.h"

namespace continuo::explain {

namespace {

// Characters that change how others are shown, or show nothing: control, format, surrogate, private, line
// separators.
bool hidden(char32_t code) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS:
      return true;
    default:
      return false;
  }
}

std::string scaled(double value, double base, std::string_view unit) {
  constexpr std::string_view kPrefixes[] = {"", "k", "M", "G", "T", "P"};
  std::size_t i = 0;
  while (value >= 0.9995 * base && i + 1 < std::size(kPrefixes)) {
    value /= base;
    ++i;
  }
  return fmt::format("{} {}{}", three_digits(value), kPrefixes[i], unit);
}

}  // namespace

std::string visible(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size();) {
    const Utf8Char c = utf8_at(bytes, at);
    const std::string_view raw = bytes.substr(at, c.size);
    at += c.size;
    if (raw == " ") {
      out += "·";
    } else if (raw == "\n") {
      out += "⏎";
    } else if (raw == "\t") {
      out += "⇥";
    } else if (c.valid && !hidden(c.code)) {
      out += raw;
    } else {
      for (const char byte : raw) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
  }
  return out;
}

std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    at += c.size;
    columns +=
        c.valid ? static_cast<std::size_t>(std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(c.code)))) : 1;
  }
  return columns;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (width(text) <= columns) return std::string(text);
  std::string out;
  std::size_t taken = 0;
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Char c = utf8_at(text, at);
    const std::string_view raw = text.substr(at, c.size);
    taken += width(raw);
    if (taken + 1 > columns) break;
    out += raw;
    at += c.size;
  }
  out += "…";
  return out;
}

std::string three_digits(double value) {
  if (value == 0 || !std::isfinite(value)) return fmt::format("{}", value);
  const std::string scientific = fmt::format("{:.2e}", value);
  const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  if (exponent < -5 || exponent > 5) return scientific;
  return fmt::format("{:.{}f}", value, std::max(0, 2 - exponent));
}

std::string percent(double share) { return three_digits(100 * share) + " %"; }
std::string bytes_text(double bytes) { return scaled(bytes, 1000, "B"); }
std::string count_text(double count) { return scaled(count, 1000, ""); }

std::string seconds_text(double seconds) {
  if (seconds < 1e-3) return three_digits(seconds * 1e6) + " µs";
  if (seconds < 1) return three_digits(seconds * 1e3) + " ms";
  return three_digits(seconds) + " s";
}

std::string name(const Recording& recording, TokenId id) {
  return visible(recording.pieces[static_cast<std::size_t>(id)]);
}

std::string guesses_text(const Recording& recording, const std::vector<Guess>& guesses, std::size_t n) {
  std::string out;
  for (std::size_t i = 0; i < std::min(n, guesses.size()); ++i) {
    out += fmt::format("{}{} {}", i == 0 ? "" : ", ", name(recording, guesses[i].id), percent(guesses[i].probability));
  }
  return out;
}

std::string_view kind_key(HeadKind kind) {
  switch (kind) {
    case HeadKind::previous_token:
      return "kind.previous_token";
    case HeadKind::first_token:
      return "kind.first_token";
    case HeadKind::own_token:
      return "kind.own_token";
    case HeadKind::induction:
      return "kind.induction";
    case HeadKind::mixed:
      break;
  }
  return "kind.mixed";
}

std::string short_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string_view whole = path;
  path = path.substr(path.rfind('/') + 1);  // npos + 1 is 0
  constexpr std::string_view kEnding = ".gguf";
  if (path.size() > kEnding.size() && path.ends_with(kEnding)) path.remove_suffix(kEnding.size());
  return std::string(path.empty() || path == "." || path == ".." ? whole : path);
}

std::string lead_text(const Recording& r, const Words& words) {
  std::string text = words("page.lead", short_name(r.model), r.text_tokens);
  if (r.rows() < r.text_tokens) text += " " + words("page.window", r.from, r.to - 1, r.text_tokens);
  return text;
}

std::vector<std::string> token_labels(const Recording& recording) {
  std::vector<std::string> labels;
  for (const TokenRecord& token : recording.tokens)
    labels.push_back(visible(token.text.empty() ? token.piece : token.text));
  return labels;
}

std::vector<std::string> numbers(std::size_t n, std::size_t first) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < n; ++i) out.push_back(std::to_string(first + i));
  return out;
}

}  // namespace continuo::explain
