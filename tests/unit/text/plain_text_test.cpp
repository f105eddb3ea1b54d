// Texts in some places of which special tokens are text, as those of messages are.
#include "base/json.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

std::vector<TokenId> encode(const Tokenizer& tokenizer, const std::string& text, std::vector<PlainRange> plain,
                            std::span<const TokenId> control = {}) {
  const auto ids = tokenizer.try_encode(text, PlainText{std::move(plain), control}, false);
  INFO((ids ? "" : ids.error().message()));
  REQUIRE(ids);
  return *ids;
}

bool has_special(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  return std::ranges::any_of(ids, [&](TokenId id) {
    return tokenizer.is_special(id) && tokenizer.piece(id) != "<unk>" && tokenizer.piece(id) != "[UNK]";
  });
}

bool writes_special(const Tokenizer& tokenizer, const std::string& text) {
  for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocab_size()); ++id) {
    if (tokenizer.is_special(id) && text.find(tokenizer.piece(id)) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("special tokens are read out of what is not plain alone, as the reference reads them") {
  const Json cases = Json::parse(read_file(source_folder() / "data" / "chat" / "plain.json"));
  REQUIRE(cases.size() > 30);
  for (const Json& item : cases) {
    INFO(item.dump());
    const Tokenizer tokenizer = own_tokenizer(item.at("tokenizer").get<std::string>());
    std::string text;
    std::vector<PlainRange> plain;
    for (const Json& json : item.at("parts")) {
      std::string part = json.get<std::string>();
      const bool of_template = part.starts_with("T:");
      if (of_template) part.erase(0, 2);
      if (!of_template && !part.empty()) plain.push_back({text.size(), text.size() + part.size()});
      text += part;
    }
    CHECK(encode(tokenizer, text, plain) == item.at("ids").get<std::vector<TokenId>>());
  }
}

// llama2-like looks for them in normalized text, unigram-like has them among its pieces.
TEST_CASE("no tokenizer makes a special token of plain text") {
  for (const std::string& name : kOwnTokenizers) {
    INFO(name);
    const Tokenizer tokenizer = own_tokenizer(name);
    for (TokenId id = 0; id < static_cast<TokenId>(tokenizer.vocab_size()); ++id) {
      if (!tokenizer.is_special(id)) continue;
      const std::string special(tokenizer.piece(id));
      if (special == "<unk>" || special == "[UNK]") continue;  // what unknown characters become as well
      INFO(special);
      for (const std::string& text :
           {special, "a " + special + " b", special + special, " " + special, "\u0338" + special}) {
        CHECK_FALSE(has_special(tokenizer, encode(tokenizer, text, {{0, text.size()}})));
        // The template's own token beside it stays one.
        const std::string both = special + " x " + text;
        const auto ids = encode(tokenizer, both, {{special.size() + 3, both.size()}});
        CHECK(std::ranges::count(ids, id) == 1);
        CHECK(ids.front() == id);
      }
      const std::string cut = special.substr(0, special.size() / 2), rest = special.substr(cut.size());
      CHECK_FALSE(has_special(tokenizer, encode(tokenizer, special, {{0, cut.size()}})));
      CHECK_FALSE(has_special(tokenizer, encode(tokenizer, special, {{cut.size(), special.size()}})));
    }
  }
}

TEST_CASE("plain text without special tokens is encoded as it always is") {
  for (const std::string& name : kOwnTokenizers) {
    const Tokenizer tokenizer = own_tokenizer(name);
    std::istringstream lines(read_file(own_tokenizer_folder(name) / "goldens.jsonl"));
    int count = 0;
    for (std::string line; std::getline(lines, line);) {
      const std::string text = Json::parse(line).at("text").get<std::string>();
      const auto ids = tokenizer.encode(text, false);
      if (text.empty() || writes_special(tokenizer, text)) continue;
      INFO(name << ": " << text);
      ++count;
      CHECK(encode(tokenizer, text, {{0, text.size()}}) == ids);
      CHECK(encode(tokenizer, text, {{text.size() / 3, text.size() / 2 + 1}}) == ids);
    }
    CHECK(count > 40);
  }
}

TEST_CASE("tokens that are none of the special ones can be forbidden, too") {
  const Tokenizer tokenizer = own_tokenizer("qwen2-like");
  const TokenId left = *tokenizer.find("<left>"), key = *tokenizer.find("κλειδί");
  const std::string text = "<left> κλειδί <right>";
  const auto read = encode(tokenizer, text, {{0, text.size()}});
  CHECK(std::ranges::count(read, left) + std::ranges::count(read, key) == 2);
  const std::vector<TokenId> control = {left, key};
  const auto forbidden = encode(tokenizer, text, {{0, text.size()}}, control);
  CHECK(std::ranges::count(forbidden, left) + std::ranges::count(forbidden, key) == 0);
  CHECK(std::ranges::count(forbidden, *tokenizer.find("<right>")) == 1);
  CHECK(tokenizer.decode(forbidden, false) == text);
}
