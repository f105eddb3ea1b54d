#include "layers/experts.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "kernels/reference_math.h"

namespace continuo {

namespace {

struct Choice {
  std::size_t expert;
  float weight;
};

// Turns scores into the router's probabilities.
void softmax(float* scores, std::size_t n) {
  float largest = -std::numeric_limits<float>::infinity(), total = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, scores[i]);
  for (std::size_t i = 0; i < n; ++i) total += scores[i] = math::exp(scores[i] - largest);
  for (std::size_t i = 0; i < n; ++i) scores[i] /= total;
}

// What experts are chosen by, and what was chosen; kept from row to row.
struct Choices {
  std::vector<float> keys;
  std::vector<Choice> chosen;
};

// One expert after the other: the best of those that are left, weighed by a softmax over those that are nearly as good.
void choose_sparse_mixer(const ExpertsSpec& spec, std::span<const float> scores, Choices& choices) {
  auto& [keys, chosen] = choices;
  keys.assign(scores.begin(), scores.end());
  chosen.clear();
  for (int i = 0; i < spec.n_active; ++i) {
    const auto best = static_cast<std::size_t>(std::max_element(keys.begin(), keys.end()) - keys.begin());
    float total = 0;
    for (std::size_t e = 0; e < keys.size(); ++e) {
      // The first mask is taken with the scores themselves, and later ones leave out what was chosen.
      const float distance = (keys[best] - scores[e]) / std::max(std::fabs(scores[e]), keys[best]);
      if (std::isfinite(keys[e]) && !(distance > 2 * spec.jitter)) total += math::exp(keys[e] - keys[best]);
    }
    chosen.push_back({best, 1 / total});
    keys[best] = -std::numeric_limits<float>::infinity();  // taken
  }
  std::sort(chosen.begin(), chosen.end(), [](const Choice& a, const Choice& b) { return a.expert < b.expert; });
}

// Leaves the keys and scores of the groups of experts whose largest keys are the largest, of equals the first; others
// become 0.
void keep_groups(const ExpertsSpec& spec, std::vector<float>& keys, std::span<float> scores) {
  const std::size_t n = static_cast<std::size_t>(spec.n_groups), size = keys.size() / n;
  std::vector<float> best(n);
  for (std::size_t g = 0; g < n; ++g)
    best[g] = *std::max_element(keys.begin() + g * size, keys.begin() + (g + 1) * size);
  std::vector<bool> kept(n);
  for (int i = 0; i < spec.n_active_groups; ++i) {
    const auto group = static_cast<std::size_t>(std::max_element(best.begin(), best.end()) - best.begin());
    kept[group] = true;
    best[group] = -std::numeric_limits<float>::infinity();
  }
  for (std::size_t e = 0; e < keys.size(); ++e) {
    if (!kept[e / size]) keys[e] = scores[e] = 0;
  }
}

// The n_active experts with the largest scores (plus bias), of equals the first, in order of the expert. Scores become
// probabilities.
void choose(const ExpertsSpec& spec, std::span<float> scores, std::span<const float> bias, Choices& choices) {
  if (spec.scores == ExpertsSpec::Scores::sparse_mixer) return choose_sparse_mixer(spec, scores, choices);
  if (spec.scores == ExpertsSpec::Scores::softmax) {
    softmax(scores.data(), scores.size());
  } else {
    for (float& score : scores) score = math::sigmoid(score);
  }
  auto& [keys, chosen] = choices;
  keys.assign(scores.begin(), scores.end());
  for (std::size_t e = 0; e < bias.size(); ++e) keys[e] += bias[e];
  if (spec.n_groups > 1) keep_groups(spec, keys, scores);
  chosen.clear();
  float total = 0;
  for (int i = 0; i < spec.n_active; ++i) {
    const auto best = static_cast<std::size_t>(std::max_element(keys.begin(), keys.end()) - keys.begin());
    chosen.push_back({best, scores[best]});
    total += scores[best];
    keys[best] = -std::numeric_limits<float>::infinity();  // taken
  }
  for (Choice& choice : chosen) choice.weight *= spec.routed_scale;
  if (spec.normalize) {
    total += spec.normalize_eps;
    for (Choice& choice : chosen) choice.weight /= total;
  }
  std::sort(chosen.begin(), chosen.end(), [](const Choice& a, const Choice& b) { return a.expert < b.expert; });
}

}  // namespace

void route(const ExpertsSpec& spec, Rows scores, std::size_t rows, Routing& routing,
           std::span<const float> selection_bias) {
  const std::size_t n_experts = spec.n_experts, n_active = spec.n_active;
  CONTINUO_CHECK(n_active >= 1 && n_active <= n_experts, "some of the experts must be chosen");
  CONTINUO_CHECK(selection_bias.empty() || selection_bias.size() == n_experts, "a bias for every expert");
  Choices choices;
  std::vector<Choice> all;
  routing.first_slots.assign(n_experts + 1, 0);
  for (std::size_t row = 0; row < rows; ++row) {
    choose(spec, {scores[row], n_experts}, selection_bias, choices);
    all.insert(all.end(), choices.chosen.begin(), choices.chosen.end());
    for (const Choice& choice : choices.chosen) ++routing.first_slots[choice.expert + 1];
  }
  for (std::size_t e = 0; e < n_experts; ++e) routing.first_slots[e + 1] += routing.first_slots[e];
  std::vector<std::size_t> next(routing.first_slots.begin(), routing.first_slots.end() - 1);
  routing.rows.resize(all.size());
  routing.weights.resize(all.size());
  routing.row_slots.resize(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::size_t slot = next[all[i].expert]++;
    routing.rows[slot] = i / n_active;
    routing.weights[slot] = all[i].weight;
    routing.row_slots[i] = slot;
  }
}

// results_[slot] = expert(x[row]) for all slots.
void Experts::run_chosen(Step& step, const ExpertsSpec& spec, const ExpertsWeights& weights, Rows x) {
  const std::size_t slots = routing_.rows.size(), d_ff = spec.expert.d_ff;
  const Matrix& down = weights.experts.front().down.weight;  // all experts have the same shapes
  const std::size_t d_model = down.rows;
  const Rows inputs = inputs_.rows(slots, d_model), results = results_.rows(slots, d_model);
  for (std::size_t slot = 0; slot < slots; ++slot) std::copy_n(x[routing_.rows[slot]], d_model, inputs[slot]);
  active_.clear();
  for (std::size_t e = 0; e + 1 < routing_.first_slots.size(); ++e) {
    if (routing_.first_slots[e] < routing_.first_slots[e + 1]) active_.push_back(e);
  }
  const Rows hidden = hidden_.rows(slots, d_ff);
  const auto at = [](Rows rows, std::size_t first) { return Rows{rows[first], rows.stride}; };

  const std::size_t n_hidden = hidden_panels(step, spec.expert, weights.experts.front());
  share(step, active_.size() * n_hidden, 2 * slots * d_ff * d_model, [&](std::size_t i, int worker) {
    const std::size_t e = active_[i / n_hidden], first = routing_.first_slots[e];
    const HiddenJob job{spec.expert, weights.experts[e], at(inputs, first), routing_.first_slots[e + 1] - first,
                        at(hidden, first)};
    hidden_panel(step, job, i % n_hidden, worker);
  });
  const std::size_t n_down = panel_count(step, down);
  share(step, active_.size() * n_down, slots * d_ff * d_model, [&](std::size_t i, int worker) {
    const std::size_t e = active_[i / n_down], first = routing_.first_slots[e];
    const Linear& map = weights.experts[e].down;
    const Panel outputs = panel(step, map.weight, i % n_down);
    linear_panel(step, map, outputs, at(hidden, first), routing_.first_slots[e + 1] - first,
                 at(results, first).from(outputs.first), worker);
  });
}

void Experts::operator()(Step& step, const ExpertsSpec& spec, const ExpertsWeights& weights, Rows x, Rows out) {
  const std::size_t rows = step.rows(), n_active = spec.n_active, d_model = weights.router.weight.cols;
  const Rows scores = scores_.rows(rows, spec.n_experts);
  linear(step, {{&weights.router, scores}}, x, rows);
  route(spec, scores, rows, routing_, weights.selection_bias);
  run_chosen(step, spec, weights, x);
  Rows shared, gate;
  if (spec.shared) {
    shared = shared_result_.rows(rows, d_model);
    shared_(step, *spec.shared, weights.shared, x, {shared});
    if (spec.shared_gate) {
      gate = shared_score_.rows(rows, 1);
      linear(step, {{&weights.shared_gate, gate}}, x, rows);
    }
  }
  const Rows results = results_.rows(routing_.rows.size(), d_model);
  share(step, rows, rows * d_model * (n_active + 1), [&](std::size_t row, int) {
    float* const sum = out[row];
    std::fill_n(sum, d_model, 0.0f);
    const auto add = [&](float weight, const float* result) {
      for (std::size_t i = 0; i < d_model; ++i) sum[i] += weight * result[i];
    };
    for (std::size_t i = 0; i < n_active; ++i) {
      const std::size_t slot = routing_.row_slots[row * n_active + i];
      add(routing_.weights[slot], results[slot]);
    }
    if (spec.shared) add(spec.shared_gate ? math::sigmoid(*gate[row]) : 1.0f, shared[row]);
  });
}

}  // namespace continuo
