// What is said of a record, and of all of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "requests/json_answer.h"
#include "requests/record.h"
#include "requests/scored.h"

namespace continuo {

// A text (completion, choice) that is scored.
struct ScoredText {
  double sum = 0;
  std::size_t tokens = 0, bytes = 0;
  bool greedy = false;
  std::optional<double> unconditional;  // the sum without the prompt
};

// Ways to say which choice is the best; each is larger for a better one.
struct Ranking {
  std::string_view name;
  std::optional<double> (*merit)(const ScoredText& text);
};
inline constexpr std::size_t kRankings = 4;
extern const std::array<Ranking, kRankings> kAllRankings;  // raw, per_token, per_byte, unconditional

// The choice that a ranking puts first (the first of equals); nothing if it does not say, or if none is possible.
std::optional<std::size_t> best_choice(const Ranking& ranking, const std::vector<ScoredText>& texts);

// What `sum` is: the log-probability of the text, token after token, or an encoder's sum of the log-probabilities of each
// token given all others. They are no more comparable than their names.
enum class Measure : std::uint8_t { log_probability, pseudo_log_likelihood };

Answer record_json(const ScoreRecord& record, const std::vector<ScoredText>& texts,
                   Measure measure = Measure::log_probability);
// {"id", "error"}: of a record that could not be scored.
Answer record_error_json(const BatchError& error, std::uint64_t line);

// Over all records.
class ScoreSummary {
 public:
  explicit ScoreSummary(Measure measure = Measure::log_probability) : measure_(measure) {}
  void add(const ScoreRecord& record, const std::vector<ScoredText>& texts);
  void add_error() { ++records_, ++errors_; }
  std::size_t records() const { return records_; }
  std::size_t errors() const { return errors_; }
  Answer json() const;

 private:
  Measure measure_;
  std::size_t records_ = 0, errors_ = 0;
  std::size_t texts_ = 0, tokens_ = 0, bytes_ = 0, greedy_ = 0;  // of texts and completions
  double sum_ = 0;
  std::size_t answered_ = 0;  // records of choices that say which is right
  std::array<std::size_t, kRankings> ranked_{}, right_{};
};

}  // namespace continuo
