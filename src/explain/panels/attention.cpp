#include <algorithm>

#include "explain/attention_facts.h"
#include "explain/panels.h"
#include "explain/show.h"

namespace continuo::explain {

namespace {

std::string shared_with(const View& view, const AttentionRecord& attention, std::size_t head) {
  std::string others;
  std::size_t n = 0;
  for (std::size_t other = 0; other < attention.heads.size(); ++other) {
    if (other == head || attention.heads[other].kv_head != attention.heads[head].kv_head) continue;
    others += (n++ == 0 ? "" : ", ") + std::to_string(other);
  }
  if (n == 0) return view.words("fact.alone");
  return view.words(n == 1 ? "fact.shares.one" : "fact.shares.many", others);
}

std::vector<std::pair<std::string, std::string>> facts_of(const View& view, const AttentionRecord& attention,
                                                          std::size_t head) {
  const HeadFacts& f = attention.heads[head].facts;
  const Words& words = view.words;
  return {{words("fact.kind"), words(kind_key(kind_of(f)))},
          {words("fact.off_diagonal"), percent(f.off_diagonal)},
          {words("fact.asymmetry"), three_digits(f.asymmetry)},
          {words("fact.first_token"), percent(f.first_token)},
          {words("fact.previous_token"), percent(f.previous_token)},
          {words("fact.own_token"), percent(f.own_token)},
          {words("fact.induction"), f.induction ? percent(*f.induction) : words("fact.no_repeat")},
          {words("fact.entropy"), three_digits(f.entropy)},
          {words("fact.shared"), shared_with(view, attention, head)}};
}

// The best head of each kind that has a name, if any deserves it.
std::vector<AttentionMaps::Example> best_examples(const std::vector<AttentionMaps::Head>& heads) {
  std::vector<AttentionMaps::Example> examples;
  for (const HeadKind kind : kHeadKinds) {
    const auto share = [&](const AttentionMaps::Head& head) { return share_of(head.record->facts, kind); };
    const auto best =
        std::max_element(heads.begin(), heads.end(), [&](const auto& a, const auto& b) { return share(a) < share(b); });
    if (share(*best) <= 0) continue;
    examples.push_back({kind, static_cast<std::size_t>(best - heads.begin()), share(*best)});
  }
  return examples;
}

}  // namespace

std::vector<Figure> draw_attention(const View& view) {
  const Recording& r = view.recording;
  const Words& words = view.words;
  AttentionMaps maps{.labels = token_labels(r),
                     .heads = {},
                     .first = r.from,
                     .chosen = 0,
                     .without_mask = r.without_mask,
                     .both_sides = r.both_sides,
                     .examples = {}};
  double off_diagonal = 0, asymmetry = 0;
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    if (!r.layers[i].attention) continue;
    const AttentionRecord& attention = *r.layers[i].attention;
    for (std::size_t head = 0; head < attention.heads.size(); ++head) {
      const HeadRecord& record = attention.heads[head];
      if (i == view.layer && head == view.head) maps.chosen = maps.heads.size();
      maps.heads.push_back({i, head, &attention, &record, kind_of(record.facts), facts_of(view, attention, head)});
      maps.grouped =
          maps.grouped || (attention.spec.n_kv_heads > 1 && attention.spec.n_kv_heads < attention.spec.n_heads);
      maps.sinks = maps.sinks || !record.sink.empty();
      off_diagonal += record.facts.off_diagonal;
      asymmetry += record.facts.asymmetry;
    }
  }
  if (maps.heads.empty()) return {Paragraph{words("attention.absent"), Paragraph::Kind::absent}};
  maps.examples = best_examples(maps.heads);
  const double n = static_cast<double>(maps.heads.size());
  return {Paragraph{words("attention.finding", percent(off_diagonal / n), three_digits(asymmetry / n)),
                    Paragraph::Kind::finding},
          std::move(maps)};
}

}  // namespace continuo::explain
