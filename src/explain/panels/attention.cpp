#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

std::string shared_with(const View& view, const AttentionRecord& attention, std::size_t head) {
  std::string out;
  for (std::size_t other = 0; other < attention.heads.size(); ++other) {
    if (other == head || attention.heads[other].kv_head != attention.heads[head].kv_head) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(other);
  }
  return out.empty() ? view.words("fact.alone") : out;
}

std::vector<std::pair<std::string, std::string>> facts_of(const View& view, const AttentionRecord& attention,
                                                          std::size_t head) {
  const HeadFacts& f = attention.heads[head].facts;
  const Words& words = view.words;
  return {{words("fact.off_diagonal"), percent(f.off_diagonal)},
          {words("fact.asymmetry"), three_digits(f.asymmetry)},
          {words("fact.first_token"), percent(f.first_token)},
          {words("fact.previous_token"), percent(f.previous_token)},
          {words("fact.induction"), f.induction ? percent(*f.induction) : words("fact.no_repeat")},
          {words("fact.entropy"), three_digits(f.entropy)},
          {words("fact.shared"), shared_with(view, attention, head)}};
}

}  // namespace

std::vector<Figure> draw_attention(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  AttentionMaps maps{
      .labels = token_labels(r), .heads = {}, .first = r.from, .chosen = 0, .without_mask = r.without_mask};
  double off_diagonal = 0, asymmetry = 0;
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (!r.layers[i].attention) continue;
    const AttentionRecord& attention = *r.layers[i].attention;
    for (std::size_t head = 0; head < attention.heads.size(); ++head) {
      if (i == view.layer && head == view.head) maps.chosen = maps.heads.size();
      maps.heads.push_back({i, head, attention.spec.window, &attention.heads[head], facts_of(view, attention, head)});
      maps.grouped =
          maps.grouped || (attention.spec.n_kv_heads > 1 && attention.spec.n_kv_heads < attention.spec.n_heads);
      off_diagonal += attention.heads[head].facts.off_diagonal;
      asymmetry += attention.heads[head].facts.asymmetry;
    }
  }
  if (maps.heads.empty()) return {Paragraph{words("attention.absent"), Paragraph::Kind::absent}};
  const double n = static_cast<double>(maps.heads.size());
  return {Paragraph{words("attention.finding", percent(off_diagonal / n), three_digits(asymmetry / n)),
                    Paragraph::Kind::finding},
          std::move(maps)};
}

}  // namespace continuo::explain
