#include <algorithm>
#include <cmath>

#include "explain/explain.h"
#include "layers/probe.h"

namespace continuo::explain {

namespace {

constexpr std::size_t kLensGuesses = 5;
constexpr std::size_t kRowsAtOnce = 32;  // whole rows of logits are large

float probability_of(std::span<const float> logits, TokenId id, const Guess& best) {
  const double below = double(logits[static_cast<std::size_t>(id)]) - double(logits[static_cast<std::size_t>(best.id)]);
  return static_cast<float>(best.probability * std::exp(below));
}

}  // namespace

void read_lens(const Machine& machine, Recording& r) {
  const VocabularyProbe vocabulary(machine.model, machine.kernels, machine.threads);
  std::vector<TokenId> final_choice;
  for (std::size_t row = 0; row < r.rows(); ++row) {
    final_choice.push_back(best_guesses({&r.logits.at(row, 0), r.vocab_size}, 1).front().id);
  }
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    LayerRecord& layer = r.layers[i];
    const Grid& hidden = r.hidden[i + 1];
    for (std::size_t first = 0; first < hidden.rows; first += kRowsAtOnce) {
      const std::size_t n = std::min(kRowsAtOnce, hidden.rows - first);
      const auto logits = vocabulary.logits({&hidden.values[first * hidden.cols], n * hidden.cols});
      for (std::size_t k = 0; k < n; ++k) {
        const std::span<const float> row = std::span(logits).subspan(k * r.vocab_size, r.vocab_size);
        const TokenId chosen = final_choice[first + k];
        layer.lens.push_back(best_guesses(row, kLensGuesses));
        layer.final_rank.push_back(rank_of(row, chosen));
        layer.final_probability.push_back(probability_of(row, chosen, layer.lens.back().front()));
      }
    }
  }
}

}  // namespace continuo::explain
