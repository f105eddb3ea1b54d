#include "requests/record_answer.h"

#include <cmath>
#include <limits>

namespace continuo {

const std::array<Ranking, kRankings> kAllRankings{{
    {"raw", [](const ScoredText& text) -> std::optional<double> { return text.sum; }},
    {"per_token",
     [](const ScoredText& text) -> std::optional<double> { return text.sum / static_cast<double>(text.tokens); }},
    {"per_byte",
     [](const ScoredText& text) -> std::optional<double> {
       if (text.bytes == 0) return std::nullopt;
       return text.sum / static_cast<double>(text.bytes);
     }},
    // Brown et al. 2020, arXiv:2005.14165, section 2.4.
    {"unconditional",
     [](const ScoredText& text) -> std::optional<double> {
       if (!text.unconditional) return std::nullopt;
       return text.sum - *text.unconditional;
     }},
}};

std::optional<std::size_t> best_choice(const Ranking& ranking, const std::vector<ScoredText>& texts) {
  std::optional<std::size_t> best;
  double most = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::optional<double> merit = ranking.merit(texts[i]);
    if (!merit || std::isnan(*merit) || *merit == std::numeric_limits<double>::infinity()) return std::nullopt;
    if (!best || *merit > most) {
      best = i;
      most = *merit;
    }
  }
  // Where every choice is impossible, none is the best.
  return std::isfinite(most) ? best : std::nullopt;
}

namespace {

struct MeasureNames {
  const char *sum, *per_token, *per_byte, *perplexity;
};
const MeasureNames& names_of(Measure measure) {
  static constexpr MeasureNames kCausal{"logprob", "logprob_per_token", "logprob_per_byte", "perplexity"};
  static constexpr MeasureNames kMasked{"pseudo_log_likelihood", "pseudo_log_likelihood_per_token",
                                        "pseudo_log_likelihood_per_byte", "pseudo_perplexity"};
  return measure == Measure::log_probability ? kCausal : kMasked;
}

Answer quotient(double sum, std::size_t n) { return n > 0 ? Answer(sum / static_cast<double>(n)) : Answer(); }

void add_text(const ScoredText& text, Measure measure, Answer& answer) {
  const MeasureNames& names = names_of(measure);
  answer[names.sum] = text.sum;
  answer["tokens"] = text.tokens;
  answer["bytes"] = text.bytes;
  answer[names.per_token] = quotient(text.sum, text.tokens);
  answer[names.per_byte] = quotient(text.sum, text.bytes);
  if (measure == Measure::log_probability) answer["greedy"] = text.greedy;
}

}  // namespace

Answer record_error_json(const BatchError& error, std::uint64_t line) {
  return {{"id", error.id}, {"error", {{"type", error.type}, {"message", error.message}, {"line", line}}}};
}

Answer record_json(const ScoreRecord& record, const std::vector<ScoredText>& texts, Measure measure) {
  Answer answer = {{"id", record.id}};
  if (record.kind != ScoreRecord::Kind::choices) {
    add_text(texts.front(), measure, answer);
    return answer;
  }
  Answer choices = Answer::array();
  for (const ScoredText& text : texts) {
    Answer choice = Answer::object();
    add_text(text, measure, choice);
    choice["unconditional"] = text.unconditional ? Answer(*text.unconditional) : Answer();
    choices.push_back(std::move(choice));
  }
  answer["choices"] = std::move(choices);
  Answer best = Answer::object();
  for (const Ranking& ranking : kAllRankings) {
    const auto choice = best_choice(ranking, texts);
    best[std::string(ranking.name)] = choice ? Answer(*choice) : Answer();
  }
  answer["best"] = std::move(best);
  if (record.answer) answer["answer"] = *record.answer;
  return answer;
}

void ScoreSummary::add(const ScoreRecord& record, const std::vector<ScoredText>& texts) {
  ++records_;
  if (record.kind == ScoreRecord::Kind::choices) {
    if (!record.answer) return;
    ++answered_;
    for (std::size_t i = 0; i < kRankings; ++i) {
      const auto best = best_choice(kAllRankings[i], texts);
      ranked_[i] += best ? 1 : 0;
      right_[i] += best == record.answer ? 1 : 0;
    }
    return;
  }
  const ScoredText& text = texts.front();
  ++texts_;
  tokens_ += text.tokens;
  bytes_ += text.bytes;
  greedy_ += text.greedy ? 1 : 0;
  sum_ += text.sum;
}

Answer ScoreSummary::json() const {
  Answer answer = {{"records", records_}, {"errors", errors_}};
  const auto share = [](std::size_t part, std::size_t all) {
    return static_cast<double>(part) / static_cast<double>(all);
  };
  if (texts_ > 0) {
    const bool causal = measure_ == Measure::log_probability;
    answer[names_of(measure_).sum] = sum_;
    answer["tokens"] = tokens_;
    answer["bytes"] = bytes_;
    if (causal) answer["greedy"] = greedy_;
    if (causal) answer["greedy_accuracy"] = share(greedy_, texts_);
    if (tokens_ > 0) answer[names_of(measure_).perplexity] = std::exp(-sum_ / static_cast<double>(tokens_));
    if (causal) answer["perplexity_per_record"] = std::exp(-sum_ / static_cast<double>(texts_));
    if (causal && bytes_ > 0) answer["bits_per_byte"] = -sum_ / std::log(2.0) / static_cast<double>(bytes_);
  }
  if (answered_ > 0) {
    Answer accuracy = Answer::object();
    for (std::size_t i = 0; i < kRankings; ++i)
      accuracy[std::string(kAllRankings[i].name)] = ranked_[i] > 0 ? Answer(share(right_[i], ranked_[i])) : Answer();
    answer["answered"] = answered_;
    answer["accuracy"] = std::move(accuracy);
  }
  return answer;
}

}  // namespace continuo
