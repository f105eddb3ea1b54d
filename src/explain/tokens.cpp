#include <algorithm>
#include <cmath>

#include "explain/explain.h"
#include "layers/probe.h"

namespace continuo::explain {

std::string spelled(const Tokenizer& tokenizer, TokenId id) {
  const TokenId twice[] = {id, id};
  const std::string alone = tokenizer.decode(std::span(twice).first(1), false);
  std::string both = tokenizer.decode(twice, false);
  return both.size() >= alone.size() ? both.substr(alone.size()) : alone;
}

namespace {

constexpr std::size_t kNearest = 5;

struct Why {
  Cut cut;
  std::optional<TokenId> joined;
};

// What keeps `after` from being one token with `before`, as far as the vocabulary tells.
Why why_cut(const Tokenizer& tokenizer, const TokenRecord& before, const TokenRecord& after) {
  if (before.special || after.special) return {Cut::special, {}};
  if (after.text.starts_with(' ') || after.text.starts_with('\n')) return {Cut::word, {}};
  const auto joined = tokenizer.find(before.piece + after.piece);
  if (!joined) return {Cut::no_piece, {}};
  const auto alone = tokenizer.try_encode(before.text + after.text, false);
  return {alone && alone->size() == 1 ? Cut::merge : Cut::words_first, joined};
}

TokenRecord describe(const Tokenizer* tokenizer, TokenId id) {
  TokenRecord token{.id = id};
  if (tokenizer) {
    token.piece = tokenizer->piece(id);
    token.special = tokenizer->is_special(id);
    token.text = spelled(*tokenizer, id);
  }
  if (token.piece.empty()) token.piece = std::to_string(id);
  return token;
}

// The vocabulary's entries whose embeddings point most nearly the same way.
std::vector<Neighbour> nearest(TokenId id, std::span<const float> products, std::span<const float> norms) {
  std::vector<Neighbour> all;
  const float own = norms[static_cast<std::size_t>(id)];
  for (std::size_t other = 0; other < products.size(); ++other) {
    if (static_cast<TokenId>(other) == id || norms[other] == 0 || own == 0) continue;
    const float cosine = products[other] / (norms[other] * own);
    if (std::isfinite(cosine)) all.push_back({static_cast<TokenId>(other), cosine});
  }
  const std::size_t kept = std::min(kNearest, all.size());
  std::partial_sort(
      all.begin(), all.begin() + static_cast<std::ptrdiff_t>(kept), all.end(),
      [](const Neighbour& a, const Neighbour& b) { return a.cosine != b.cosine ? a.cosine > b.cosine : a.id < b.id; });
  all.resize(kept);
  return all;
}

float length_of(std::span<const float> row) {
  double squares = 0;
  for (const float value : row) squares += double(value) * double(value);
  return static_cast<float>(std::sqrt(squares));
}

}  // namespace

void describe_tokens(const Machine& machine, const Question& question, Recording& r) {
  const VocabularyProbe vocabulary(machine.model, machine.kernels, machine.threads);
  const bool with_neighbours = (question.parts & kNeighbours) != 0;
  const auto norms = with_neighbours ? vocabulary.embedding_norms() : std::vector<float>();
  std::optional<TokenRecord> before;
  if (question.from > 0) before = describe(machine.tokenizer, question.ids[question.from - 1]);
  for (std::size_t i = question.from; i < question.to; ++i) {
    TokenRecord token = describe(machine.tokenizer, question.ids[i]);
    token.generated = i + question.generated >= question.ids.size();
    const auto embedding = vocabulary.embedding(token.id);
    token.embedding_norm = length_of(embedding);
    const auto known =
        std::find_if(r.tokens.begin(), r.tokens.end(), [&](const TokenRecord& t) { return t.id == token.id; });
    if (known != r.tokens.end()) {
      token.nearest = known->nearest;
    } else if (with_neighbours) {
      token.nearest = nearest(token.id, vocabulary.embedding_products(embedding), norms);
    }
    if (machine.tokenizer) {
      const Why why = before ? why_cut(*machine.tokenizer, *before, token) : Why{Cut::start, {}};
      token.cut = why.cut;
      token.joined = why.joined;
    }
    before = token;
    r.tokens.push_back(std::move(token));
  }
}

}  // namespace continuo::explain
