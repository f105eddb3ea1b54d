#include "text/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "text/bert_chars.h"
#include "text/byte_level.h"
#include "text/char_class.h"
#include "text/part.h"
#include "text/utf8.h"

namespace continuo {

namespace {

bool is_number(char32_t code) { return char_class(code) == CharClass::number; }

struct Cut {
  Range range;
  bool matched;
};

// All of [0, size) as matches and what is between them.
std::vector<Cut> cuts(const std::vector<Range>& matches, std::size_t size, bool invert) {
  std::vector<Cut> out;
  std::size_t at = 0;
  for (const Range& match : matches) {
    if (at != match.begin) out.push_back({{at, match.begin}, invert});
    out.push_back({match, !invert});
    at = match.end;
  }
  if (at != size) out.push_back({{at, size}, invert});
  return out;
}

// A match joins the piece before it (contiguous: neighbours of the same kind join).
std::vector<Range> join(const std::vector<Cut>& cuts, bool contiguous) {
  std::vector<Range> out;
  bool previous = false;
  for (const Cut& cut : cuts) {
    const bool joins = contiguous ? cut.matched == previous : cut.matched && !previous;
    if (joins && !out.empty()) {
      out.back().end = cut.range.end;
    } else {
      out.push_back(cut.range);
    }
    previous = cut.matched;
  }
  return out;
}

// A match joins the piece after it.
std::vector<Range> join_next(const std::vector<Cut>& cuts) {
  std::vector<Range> out;
  bool next = false;
  for (auto cut = cuts.rbegin(); cut != cuts.rend(); ++cut) {
    if (cut->matched && !next && !out.empty()) {
      out.back().begin = cut->range.begin;
    } else {
      out.push_back(cut->range);
    }
    next = cut->matched;
  }
  std::reverse(out.begin(), out.end());
  return out;
}

std::vector<Range> split(const std::vector<Cut>& cuts, SplitBehavior behavior) {
  if (behavior == SplitBehavior::merged_with_previous) return join(cuts, false);
  if (behavior == SplitBehavior::contiguous) return join(cuts, true);
  if (behavior == SplitBehavior::merged_with_next) return join_next(cuts);
  std::vector<Range> out;
  for (const Cut& cut : cuts) {
    if (!cut.matched || behavior == SplitBehavior::isolated) out.push_back(cut.range);
  }
  return out;
}

Result<SplitBehavior> parse_behavior(const Part& part) {
  constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kNames = {{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous},
  }};
  CONTINUO_TRY(const std::string name, part.text("behavior"));
  for (const auto& [known, behavior] : kNames) {
    if (name == known) return behavior;
  }
  return part.error(fmt::format("behavior '{}' is not supported", name));
}

// Each piece of `pieces` as `change(old piece, index, out)` writes it to a new text.
template <class Change>
void rewrite(Pieces& pieces, Change change) {
  std::string out;
  out.reserve(pieces.text.size() + pieces.text.size() / 4 + 16);
  std::size_t from_first = 0;
  for (std::size_t i = 0; i < pieces.ranges.size(); ++i) {
    const std::size_t begin = out.size(), before = pieces.ranges[i].begin;
    if (before < pieces.from_first) {
      std::string changed;
      change(pieces[i].substr(0, pieces.from_first - before), i, changed);
      from_first = begin + changed.size();
    }
    change(pieces[i], i, out);
    pieces.ranges[i] = {begin, out.size()};
  }
  pieces.text = std::move(out);
  pieces.from_first = from_first;
}

}  // namespace

Result<PreTokenizer> PreTokenizer::parse(const Json& json, const std::string& file) {
  PreTokenizer pre_tokenizer;
  if (!json.is_null()) CONTINUO_TRY_VOID(pre_tokenizer.add(json, file));
  return pre_tokenizer;
}

Result<void> PreTokenizer::add(const Json& json, const std::string& file) {
  CONTINUO_TRY(const Part part, Part::open(json, "pre_tokenizer", file));
  if (part.type() == "Sequence") {
    CONTINUO_TRY_VOID(part.only({"pretokenizers"}));
    CONTINUO_TRY(const Json* list, part.list("pretokenizers"));
    for (const Json& item : *list) CONTINUO_TRY_VOID(add(item, file));
    return {};
  }
  if (part.type() == "ByteLevel") return add_byte_level(part);
  if (part.type() == "Split") return add_split(part);
  if (part.type() == "Metaspace") return add_metaspace(part);
  if (part.type() == "Digits") {
    CONTINUO_TRY_VOID(part.only({"individual_digits"}));
    CONTINUO_TRY(const bool individual, part.flag("individual_digits"));
    steps_.push_back(Split{Pattern(&is_number), individual ? SplitBehavior::isolated : SplitBehavior::contiguous});
    return {};
  }
  if (part.type() == "Punctuation") {
    CONTINUO_TRY_VOID(part.only({"behavior"}));
    auto behavior = SplitBehavior::isolated;
    if (json.contains("behavior")) {
      CONTINUO_TRY(behavior, parse_behavior(part));
    }
    steps_.push_back(Split{Pattern(&is_bert_punctuation), behavior});
    return {};
  }
  if (part.type() == "Whitespace" || part.type() == "WhitespaceSplit" || part.type() == "BertPreTokenizer") {
    return add_blanks(part);
  }
  return part.not_supported();
}

Result<void> PreTokenizer::add_regex(const Part& part, std::string_view regex, SplitBehavior behavior, bool invert) {
  CONTINUO_TRY(Pattern pattern, Pattern::regex(regex, part.file(), part.name()));
  steps_.push_back(Split{std::move(pattern), behavior, invert});
  return {};
}

Result<void> PreTokenizer::add_byte_level(const Part& part) {
  // trim_offsets is about positions in the text, which nobody asks for.
  CONTINUO_TRY_VOID(part.only({"add_prefix_space", "trim_offsets", "use_regex"}));
  CONTINUO_TRY(const bool prefix, part.flag("add_prefix_space"));
  CONTINUO_TRY(const bool regex, part.flag("use_regex", true));
  if (prefix) steps_.push_back(PrefixSpace{});
  if (regex) CONTINUO_TRY_VOID(add_regex(part, kGpt2Pattern, SplitBehavior::isolated));
  steps_.push_back(ByteLevel{});
  return {};
}

Result<void> PreTokenizer::add_split(const Part& part) {
  CONTINUO_TRY_VOID(part.only({"pattern", "behavior", "invert"}));
  CONTINUO_TRY(Pattern pattern, Pattern::parse(part.json().value("pattern", Json()), part.file(), part.name()));
  CONTINUO_TRY(const SplitBehavior behavior, parse_behavior(part));
  CONTINUO_TRY(const bool invert, part.flag("invert"));
  steps_.push_back(Split{std::move(pattern), behavior, invert});
  return {};
}

Result<void> PreTokenizer::add_metaspace(const Part& part) {
  CONTINUO_TRY(MetaspaceOptions options, parse_metaspace(part));
  steps_.push_back(Metaspace{options.replacement, options.prepend});
  if (options.split) {
    steps_.push_back(Split{Pattern(std::move(options.replacement)), SplitBehavior::merged_with_next});
  }
  return {};
}

// The pre-tokenizers that drop white space.
Result<void> PreTokenizer::add_blanks(const Part& part) {
  CONTINUO_TRY_VOID(part.only({}));
  steps_.push_back(Split{Pattern(&is_white_space), SplitBehavior::removed});
  if (part.type() == "WhitespaceSplit") return {};
  if (part.type() == "Whitespace") {  // runs of word characters, and of what is neither
    steps_.push_back(Split{Pattern(&is_word_character), SplitBehavior::contiguous});
    return {};
  }
  steps_.push_back(Split{Pattern(&is_bert_punctuation), SplitBehavior::isolated});
  return {};
}

bool PreTokenizer::take_byte_level() {
  if (steps_.empty() || !std::holds_alternative<ByteLevel>(steps_.back())) return false;
  steps_.pop_back();
  return true;
}

const KnownPattern* PreTokenizer::only_step() const {
  if (steps_.size() != 1) return nullptr;
  const Split* split = std::get_if<Split>(&steps_.front());
  const bool isolates = split && split->behavior == SplitBehavior::isolated;
  return isolates ? split->pattern.known() : nullptr;
}

bool PreTokenizer::asks_for_first() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) {
    const auto* metaspace = std::get_if<Metaspace>(&step);
    return metaspace && metaspace->prepend == MetaspacePrepend::first;
  });
}

Pieces PreTokenizer::apply(std::string text, std::size_t from_first, TextWork& work) const {
  Pieces pieces{std::move(text), {}, from_first};
  if (!pieces.text.empty()) pieces.ranges.push_back({0, pieces.text.size()});
  for (const Step& step : steps_) {
    std::visit([&](const auto& kind) { kind.apply(pieces, work); }, step);
  }
  return pieces;
}

void PreTokenizer::Split::apply(Pieces& pieces, TextWork& work) const {
  std::vector<Range> out, matches;
  for (std::size_t i = 0; i < pieces.ranges.size(); ++i) {
    matches.clear();
    pattern.find_all(pieces[i], matches, work);
    const std::size_t base = pieces.ranges[i].begin;
    for (const Range& range : split(cuts(matches, pieces[i].size(), invert), behavior)) {
      if (range.begin != range.end) out.push_back({base + range.begin, base + range.end});
    }
  }
  pieces.ranges = std::move(out);
}

void PreTokenizer::PrefixSpace::apply(Pieces& pieces, TextWork&) const {
  rewrite(pieces, [](std::string_view piece, std::size_t, std::string& out) {
    if (!piece.starts_with(' ')) out += ' ';
    out += piece;
  });
}

void PreTokenizer::ByteLevel::apply(Pieces& pieces, TextWork&) const {
  rewrite(pieces, [](std::string_view piece, std::size_t, std::string& out) { append_byte_level(out, piece); });
}

void PreTokenizer::Metaspace::apply(Pieces& pieces, TextWork&) const {
  rewrite(pieces, [&](std::string_view piece, std::size_t i, std::string& out) {
    const bool first = pieces.ranges[i].begin < pieces.from_first;
    const bool wanted = prepend == MetaspacePrepend::always || (prepend == MetaspacePrepend::first && first);
    if (wanted && !piece.starts_with(replacement) && !piece.starts_with(' ')) out += replacement;
    for (const char c : piece) {
      if (c == ' ') {
        out += replacement;
      } else {
        out += c;
      }
    }
  });
}

}  // namespace continuo
