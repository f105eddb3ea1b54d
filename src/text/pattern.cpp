#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <new>

#include "base/json.h"
#include "text/regex_syntax.h"
#include "text/utf8.h"

namespace continuo {

namespace {

template <auto free_function>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    free_function(p);
  }
};
using CompileContext = std::unique_ptr<pcre2_compile_context, Deleter<pcre2_compile_context_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Deleter<pcre2_match_context_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Deleter<pcre2_match_data_free>>;

constexpr std::uint32_t kFirstLimit = 2'000;  // backtracking steps that every match may take
constexpr std::uint32_t kHeapLimitKiB = 256 * 1024;

// One pass of an expression over a text. Gives every match the few steps that a sane expression needs, and
// hard ones more and more of those that the text as a whole has.
class Matcher {
 public:
  Matcher(const pcre2_code* code, std::string_view text, TextWork& work)
      : code_(code),
        text_(text),
        context_(pcre2_match_context_create(nullptr)),
        data_(pcre2_match_data_create(1, nullptr)),
        work_(work) {
    if (!context_ || !data_) throw std::bad_alloc();
    pcre2_set_heap_limit(context_.get(), kHeapLimitKiB);
    pcre2_set_match_limit(context_.get(), kFirstLimit);
  }

  enum class Outcome { match, no_match, given_up };
  Outcome find(std::size_t from, Range& match) {
    int rc = run(from, 0);
    std::uint32_t options = 0;
    for (std::uint64_t limit = kFirstLimit * 4; rc < 0 && rc != PCRE2_ERROR_NOMATCH; limit *= 4) {
      if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
        options = PCRE2_NO_JIT;
      } else if (rc != PCRE2_ERROR_MATCHLIMIT) {
        return Outcome::given_up;
      }
      limit = std::min<std::uint64_t>({limit, work_.steps(), 0xffffffffu});
      if (limit == 0) return Outcome::given_up;
      work_.steps() -= limit;
      pcre2_set_match_limit(context_.get(), static_cast<std::uint32_t>(limit));
      rc = run(from, options);
      pcre2_set_match_limit(context_.get(), kFirstLimit);
    }
    if (rc == PCRE2_ERROR_NOMATCH) return Outcome::no_match;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data_.get());
    match = {ends[0], ends[1]};
    return Outcome::match;
  }

 private:
  int run(std::size_t from, std::uint32_t options) {
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(), from,
                       options | PCRE2_NO_UTF_CHECK, data_.get(), context_.get());
  }

  const pcre2_code* code_;
  std::string_view text_;
  MatchContext context_;
  MatchData data_;
  TextWork& work_;
};

}  // namespace

Result<Regex> Regex::compile(std::string_view expression, const std::string& file, const std::string& part) {
  const auto refuse = [&](const std::string& why) {
    return model_error(file, fmt::format("{}: the regular expression '{}': {}", part, expression, why));
  };
  const auto translated = oniguruma_to_pcre2(expression);
  if (!translated) return refuse(translated.error().what);
  const CompileContext context(pcre2_compile_context_create(nullptr));
  if (!context) throw std::bad_alloc();
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  pcre2_set_max_pattern_length(context.get(), 1 << 16);
  int code = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated->data()), translated->size(),
                                       PCRE2_UTF | PCRE2_MULTILINE, &code, &offset, context.get());
  if (!compiled) {
    PCRE2_UCHAR message[256] = {};
    pcre2_get_error_message(code, message, sizeof message);
    return refuse(reinterpret_cast<const char*>(message));
  }
  Regex regex;
  regex.code_ = std::shared_ptr<const pcre2_code>(
      compiled, [](const pcre2_code* p) { pcre2_code_free(const_cast<pcre2_code*>(p)); });
  pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE);  // without it the interpreter runs, with the same results
  return regex;
}

void Regex::find_all(std::string_view text, std::vector<Range>& matches, TextWork& work) const {
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view valid = text.substr(at, valid_utf8_prefix(text.substr(at)));
    if (!valid.empty()) find_in_valid(valid, at, matches, work);
    at += valid.size();
    if (at < text.size()) at += utf8_at(text, at).size;
  }
}

void Regex::find_in_valid(std::string_view text, std::size_t offset, std::vector<Range>& matches,
                          TextWork& work) const {
  Matcher matcher(code_.get(), text, work);
  std::size_t from = 0;
  bool after_match = false;
  while (from <= text.size()) {
    Range match;
    switch (matcher.find(from, match)) {
      case Matcher::Outcome::given_up:
        throw TextFault{"a regular expression of the tokenizer takes too many steps for this text"};
      case Matcher::Outcome::no_match:
        return;
      case Matcher::Outcome::match:
        break;
    }
    if (match.begin == match.end && after_match && match.end == from) {
      from += from < text.size() ? utf8_at(text, from).size : 1;
      after_match = false;
      continue;
    }
    matches.push_back({offset + match.begin, offset + match.end});
    from = match.end;
    after_match = true;
  }
}

Result<Pattern> Pattern::parse(const Json& json, const std::string& file, const std::string& part) {
  const bool one = json.is_object() && json.size() == 1 && json.begin().value().is_string();
  if (!one || (!json.contains("String") && !json.contains("Regex"))) {
    return model_error(file, fmt::format("{}: pattern must be {{\"String\": ...}} or {{\"Regex\": ...}}", part));
  }
  const std::string text = json.begin().value().get<std::string>();
  if (text.empty()) return model_error(file, fmt::format("{}: the pattern is empty", part));
  if (json.contains("String")) return Pattern(text);
  return regex(text, file, part);
}

Result<Pattern> Pattern::regex(std::string_view expression, const std::string& file, const std::string& part) {
  if (const auto known = KnownPattern::find(expression)) return Pattern(What(*known));
  CONTINUO_TRY(Regex compiled, Regex::compile(expression, file, part));
  return Pattern(What(std::move(compiled)));
}

void Pattern::find_all(std::string_view text, std::vector<Range>& matches, TextWork& work) const {
  if (const auto* regex = std::get_if<Regex>(&what_)) return regex->find_all(text, matches, work);
  if (const auto* pattern = known()) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = pattern->end_of_piece(text, at);
      if (KnownPattern::is_match(text, at)) matches.push_back({at, end});
      at = end;
    }
    return;
  }
  if (const auto* is_match = std::get_if<CharPredicate>(&what_)) {
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Char c = utf8_at(text, at);
      if (c.valid && (*is_match)(c.code)) matches.push_back({at, at + c.size});
      at += c.size;
    }
    return;
  }
  const std::string& literal = std::get<std::string>(what_);
  for (std::size_t at = text.find(literal); at != std::string_view::npos;
       at = text.find(literal, at + literal.size())) {
    matches.push_back({at, at + literal.size()});
  }
}

std::string replace_all(std::string_view text, const Pattern& pattern, std::string_view replacement, TextWork& work) {
  std::vector<Range> matches;
  pattern.find_all(text, matches, work);
  if (matches.empty()) return std::string(text);
  std::string out;
  std::size_t copied = 0;
  for (const Range& match : matches) {
    out += text.substr(copied, match.begin - copied);
    out += replacement;
    work.check_size(out.size());
    copied = match.end;
  }
  out += text.substr(copied);
  return out;
}

}  // namespace continuo
