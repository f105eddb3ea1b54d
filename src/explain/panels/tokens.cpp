#include "base/grouped.h"
#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

std::string_view key_of(Cut cut) {
  switch (cut) {
    case Cut::start:
      return "cut.start";
    case Cut::special:
      return "cut.special";
    case Cut::word:
      return "cut.word";
    case Cut::no_piece:
      return "cut.no_piece";
    case Cut::words_first:
      return "cut.words_first";
    case Cut::merge:
      return "cut.merge";
    case Cut::unknown:
      return "cut.unknown";
  }
  return "cut.unknown";
}

std::string why(const View& view, const TokenRecord& token) {
  const std::string joined = token.joined ? name(view.recording, *token.joined) : "";
  return view.words(key_of(token.cut), joined);
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char byte : bytes)
    out += fmt::format("{}{:02x}", out.empty() ? "" : " ", static_cast<unsigned char>(byte));
  return out;
}

std::string kind(const View& view, const TokenRecord& token) {
  if (token.special) return view.words("tokens.special");
  return token.generated ? view.words("tokens.generated") : "";
}

}  // namespace

std::vector<Figure> draw_tokens(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  Strip strip{.first = r.from, .tokens = {}};
  Table table{.caption = "",
              .head = {words("position"), words("token"), words("id"), words("bytes"), words("tokens.why")},
              .rows = {},
              .numeric = {true, false, true, false, false},
              .positions = {}};
  const auto labels = token_labels(r);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < r.tokens.size(); ++i) {
    const TokenRecord& token = r.tokens[i];
    const std::string position = std::to_string(r.from + i), id = std::to_string(token.id);
    if (!token.special) bytes += token.text.size();
    Strip::Token shown{
        .label = labels[i], .id = token.id, .special = token.special, .generated = token.generated, .facts = {}};
    shown.facts = {{words("position"), position},
                   {words("id"), id},
                   {words("tokens.piece"), visible(token.piece)},
                   {words("bytes"), hex(token.text)},
                   {words("tokens.why"), why(view, token)}};
    if (const std::string special = kind(view, token); !special.empty())
      shown.facts.emplace_back(words("tokens.kind"), special);
    strip.tokens.push_back(std::move(shown));
    table.rows.push_back({position, labels[i], id, hex(token.text), why(view, token)});
    table.positions.push_back(r.from + i);
  }
  std::vector<Figure> figures;
  if (r.has_tokenizer) {
    figures.emplace_back(
        Paragraph{words("tokens.finding", bytes, r.tokens.size(), grouped(r.vocab_size)), Paragraph::Kind::finding});
  }
  figures.emplace_back(std::move(strip));
  figures.emplace_back(std::move(table));
  return figures;
}

}  // namespace continuo::explain
