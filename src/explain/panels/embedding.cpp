#include <algorithm>
#include <map>

#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

// Where each token stands, in order of first appearance.
std::vector<std::pair<const TokenRecord*, std::vector<std::size_t>>> places(const Recording& r) {
  std::vector<std::pair<const TokenRecord*, std::vector<std::size_t>>> out;
  for (std::size_t i = 0; i < r.tokens.size(); ++i) {
    const auto known =
        std::find_if(out.begin(), out.end(), [&](const auto& p) { return p.first->id == r.tokens[i].id; });
    if (known == out.end()) {
      out.push_back({&r.tokens[i], {r.from + i}});
    } else {
      known->second.push_back(r.from + i);
    }
  }
  return out;
}

std::string joined(const std::vector<std::size_t>& positions) {
  std::string out;
  for (const std::size_t position : positions) out += (out.empty() ? "" : ", ") + std::to_string(position);
  return out;
}

}  // namespace

std::vector<Figure> draw_embedding(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  const auto tokens = places(r);
  std::vector<Figure> figures;
  const auto most = std::max_element(tokens.begin(), tokens.end(),
                                     [](const auto& a, const auto& b) { return a.second.size() < b.second.size(); });
  figures.emplace_back(Paragraph{most->second.size() > 1
                                     ? words("embedding.finding.same", name(r, most->first->id), joined(most->second))
                                     : words("embedding.finding.distinct", r.tokens.size(), tokens.size(), r.d_model),
                                 Paragraph::Kind::finding});
  Table table{.caption = "",
              .head = {words("position"), words("token"), words("embedding.norm"), words("embedding.nearest")},
              .rows = {},
              .numeric = {false, false, true, false},
              .positions = {}};
  for (const auto& [token, positions] : tokens) {
    std::string nearest;
    for (const Neighbour& neighbour : token->nearest) {
      nearest +=
          fmt::format("{}{} {}", nearest.empty() ? "" : ", ", name(r, neighbour.id), three_digits(neighbour.cosine));
    }
    table.rows.push_back({joined(positions), name(r, token->id), three_digits(token->embedding_norm), nearest});
    table.positions.push_back(positions.front());
  }
  figures.emplace_back(std::move(table));
  return figures;
}

}  // namespace continuo::explain
