#include "text/added_tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "text/part.h"
#include "text/utf8.h"

namespace continuo {

namespace {

// Bounds the time to look for tokens: text size times this.
constexpr std::size_t kLongestToken = 1024;

bool is_white_space(const Utf8Char& c) { return c.valid && continuo::is_white_space(c.code); }

std::size_t skip_white_space(std::string_view text, std::size_t at) {
  while (at < text.size() && is_white_space(utf8_at(text, at))) at += utf8_at(text, at).size;
  return at;
}

// Not below `least`.
std::size_t skip_white_space_back(std::string_view text, std::size_t least, std::size_t end) {
  while (end > least && is_white_space(utf8_before(text, end))) end -= utf8_before(text, end).size;
  return end;
}

bool is_single_word(std::string_view text, std::size_t begin, std::size_t end) {
  const auto in_word = [](const Utf8Char& c) { return c.valid && is_word_character(c.code); };
  return !(begin > 0 && in_word(utf8_before(text, begin))) && !(end < text.size() && in_word(utf8_at(text, end)));
}

}  // namespace

bool is_forbidden(const AddedToken& token, const PlainText& plain) {
  return token.special || std::ranges::binary_search(plain.control, token.id);
}

bool AddedTokens::has_normalized(const PlainText& plain) const {
  return std::ranges::any_of(normalized_.items, [&](const Finder::Item& i) { return is_forbidden(*i.token, plain); });
}

Result<AddedTokens> AddedTokens::parse(const Json& json, const Vocabulary& vocabulary, const Normalizer& normalizer,
                                       const std::string& file) {
  AddedTokens added;
  if (json.is_null()) return added;
  if (!json.is_array()) return model_error(file, "added_tokens is not a list");
  for (const Json& item : json) CONTINUO_TRY_VOID(added.add(item, vocabulary, normalizer, file));
  CONTINUO_TRY_VOID(added.index(vocabulary, file));
  return added;
}

Result<void> AddedTokens::add(const Json& json, const Vocabulary& vocabulary, const Normalizer& normalizer,
                              const std::string& file) {
  const auto text = json.is_object() ? json.find("content") : json.end();
  if (text == json.end() || !text->is_string()) return model_error(file, "an added token has no content");
  Json named = json;
  named["type"] = *text;  // for errors: "added token '<s>'"
  CONTINUO_TRY(const Part part, Part::open(named, "added token", file));
  CONTINUO_TRY_VOID(part.only({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}));
  AddedToken token;
  token.content = text->get<std::string>();
  CONTINUO_TRY(const std::int64_t id, part.whole_number("id", kMaxTokenId));
  token.id = static_cast<TokenId>(id);
  CONTINUO_TRY(token.single_word, part.flag("single_word"));
  CONTINUO_TRY(token.lstrip, part.flag("lstrip"));
  CONTINUO_TRY(token.rstrip, part.flag("rstrip"));
  CONTINUO_TRY(token.normalized, part.flag("normalized"));
  CONTINUO_TRY(token.special, part.flag("special"));
  return add(std::move(token), vocabulary, normalizer, file);
}

Result<AddedTokens> AddedTokens::create(std::vector<AddedToken> tokens, const Vocabulary& vocabulary,
                                        const Normalizer& normalizer, const std::string& file) {
  AddedTokens added;
  for (AddedToken& token : tokens) CONTINUO_TRY_VOID(added.add(std::move(token), vocabulary, normalizer, file));
  CONTINUO_TRY_VOID(added.index(vocabulary, file));
  return added;
}

Result<void> AddedTokens::add(AddedToken token, const Vocabulary& vocabulary, const Normalizer& normalizer,
                              const std::string& file) {
  const auto refuse = [&](std::string_view what) {
    return model_error(file, fmt::format("added token '{}': {}", token.content, what));
  };
  if (token.content.size() > kLongestToken) return refuse(fmt::format("it is longer than {} bytes", kLongestToken));
  try {
    TextWork work(token.content.size());
    token.normalized_content = token.normalized ? normalizer.apply(token.content, work) : token.content;
  } catch (const TextFault& fault) {
    return refuse(fault.what);
  }
  if (token.content.empty() || token.normalized_content.empty()) return refuse("it is empty");
  if (std::max(token.content.size(), token.normalized_content.size()) > kLongestToken) {
    return refuse(fmt::format("it is longer than {} bytes", kLongestToken));
  }
  const auto known = vocabulary.find(token.content);
  if (known && *known != token.id) {
    return refuse(fmt::format("its id is {}, but the vocabulary gives it {}", token.id, *known));
  }
  if (!known && !vocabulary.piece(token.id).empty()) {
    return refuse(fmt::format("its id {} is that of the piece '{}'", token.id, vocabulary.piece(token.id)));
  }
  tokens_.push_back(std::move(token));
  return {};
}

Result<void> AddedTokens::index(const Vocabulary& vocabulary, const std::string& file) {
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (std::size_t i = 1; i < tokens_.size(); ++i) {
    if (tokens_[i - 1].id != tokens_[i].id) continue;
    return model_error(file, fmt::format("the added tokens '{}' and '{}' have the same id {}", tokens_[i - 1].content,
                                         tokens_[i].content, tokens_[i].id));
  }
  const std::size_t entries = vocabulary.size() + tokens_.size();
  if (id_count() > max_id_count(entries)) {
    return model_error(file, fmt::format("the vocabulary has {} pieces but the added token '{}' has the id {}", entries,
                                         tokens_.back().content, tokens_.back().id));
  }
  for (const AddedToken& token : tokens_) {
    Finder& finder = token.normalized ? normalized_ : raw_;
    finder.items.push_back({token.normalized_content, &token});
    finder.begins[static_cast<unsigned char>(token.normalized_content.front())] = true;
  }
  for (Finder* finder : {&raw_, &normalized_}) {
    auto& items = finder->items;
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.text < b.text; });
    for (std::size_t i = 1; i < items.size(); ++i) {
      if (items[i - 1].text != items[i].text) continue;
      return model_error(file, fmt::format("the added tokens {} and {} are both looked for as '{}'",
                                           items[i - 1].token->id, items[i].token->id, items[i].text));
    }
  }
  return {};
}

const AddedTokens::Finder::Item* AddedTokens::Finder::longest_at(std::string_view text, std::size_t at) const {
  const Item* longest = nullptr;
  auto low = items.begin(), high = items.end();  // the items that agree with the text so far
  for (std::size_t size = 0; low != high; ++size) {
    if (low->text.size() == size) longest = &*low++;
    if (at + size == text.size()) break;
    const auto byte = static_cast<unsigned char>(text[at + size]);
    const auto of = [&](const Item& item) { return static_cast<unsigned char>(item.text[size]); };
    low = std::partition_point(low, high, [&](const Item& item) { return of(item) < byte; });
    high = std::partition_point(low, high, [&](const Item& item) { return of(item) <= byte; });
  }
  return longest;
}

std::vector<TextPart> AddedTokens::find_tokens(std::string_view text, const Finder& finder,
                                               const PlainText& plain) const {
  std::vector<TextPart> parts;
  std::size_t done = 0;               // where the text that no part covers yet begins
  auto range = plain.ranges.begin();  // the first that ends behind the place looked at
  const auto put = [&](std::size_t begin, std::size_t end, const AddedToken* token) {
    if (begin < end) parts.push_back({text.substr(begin, end - begin), token});
  };
  const auto begins = [&](char c) { return finder.begins[static_cast<unsigned char>(c)]; };
  for (std::size_t at = 0; at < text.size() && !finder.items.empty();) {
    if (!begins(text[at])) {
      ++at;
      continue;
    }
    const Finder::Item* item = finder.longest_at(text, at);
    if (!item) {
      ++at;
      continue;
    }
    while (range != plain.ranges.end() && range->end <= at) ++range;
    const auto is_plain = [&](const Finder::Item& found) {
      return is_forbidden(*found.token, plain) && range != plain.ranges.end() && range->begin < at + found.text.size();
    };
    if (is_plain(*item)) {
      if (range->begin <= at) {  // as the reference does it, what begins inside of it is none either
        at = std::min(at + item->text.size(), range->end);
        continue;
      }
      item = finder.longest_at(text.substr(0, range->begin), at);  // one that ends before
      if (!item) {
        ++at;
        continue;
      }
    }
    const AddedToken& token = *item->token;
    std::size_t begin = at, end = at + item->text.size();
    at = end;
    if (token.single_word && !is_single_word(text, begin, end)) continue;
    if (token.lstrip) begin = skip_white_space_back(text, done, begin);
    if (token.rstrip) at = end = skip_white_space(text, end);
    put(done, begin, nullptr);
    put(begin, end, &token);
    done = end;
  }
  put(done, text.size(), nullptr);
  return parts;
}

const AddedToken* AddedTokens::find(TokenId id) const {
  const auto at =
      std::lower_bound(tokens_.begin(), tokens_.end(), id, [](const AddedToken& t, TokenId i) { return t.id < i; });
  return at != tokens_.end() && at->id == id ? &*at : nullptr;
}

const AddedToken* AddedTokens::find(std::string_view content) const {
  for (const AddedToken& token : tokens_) {
    if (token.content == content) return &token;
  }
  return nullptr;
}

std::size_t AddedTokens::id_count() const {
  return tokens_.empty() ? 0 : static_cast<std::size_t>(tokens_.back().id) + 1;
}

}  // namespace continuo
