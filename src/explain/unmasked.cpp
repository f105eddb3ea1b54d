#include "explain/unmasked.h"

#include <algorithm>
#include <cmath>

#include "explain/changed_model.h"
#include "explain/recorder.h"
#include "layers/forward.h"

namespace continuo::explain {

namespace {

bool attention_alone(const ModelSpec& spec) {
  return SequenceState::recurrent_floats(spec) == 0 &&
         std::all_of(spec.layers.begin(), spec.layers.end(),
                     [](const LayerSpec& layer) { return std::holds_alternative<AttentionSpec>(layer.mixer); });
}

// Records one layer's attention and the logits, nothing else.
class Watcher : public Listener {
 public:
  Watcher(const ModelSpec& spec, std::size_t layer, Recording& r) : recorder_(spec, r), layer_(layer) {}
  void started() override { recorder_.started(); }
  void looked_back(std::size_t i, const AttentionView& view) override {
    if (i == layer_) recorder_.looked_back(i, view);
  }
  void finished(std::span<const float> logits) override { recorder_.finished(logits); }

 private:
  Recorder recorder_;
  std::size_t layer_;
};

double log_probability(std::span<const float> logits, TokenId id) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double(logit) - largest);
  return double(logits[static_cast<std::size_t>(id)]) - largest - std::log(sum);
}

}  // namespace

void take_mask_away(const Machine& machine, const Question& question, Recording& r) {
  if (r.both_sides || !attention_alone(machine.model.spec)) return;  // absent: "model"
  r.unmasked.absent = r.rows() == r.text_tokens ? "" : "window";
  if (!r.unmasked.absent.empty()) return;
  ChangedModel changed(machine.model);
  changed.take_mask_away();
  const ModelSpec& spec = changed.model().spec;
  Recording seen{.vocab_size = r.vocab_size, .from = r.from, .to = r.to, .parts = kPass | kAttention};
  Watcher watcher(spec, question.layer, seen);
  ForwardPass forward(changed.model(), machine.kernels, machine.threads, {.repack = false});
  SequenceState state(spec, r.to, r.to, machine.kv_type);
  forward(Segment{&state, std::span(question.ids).first(r.to), r.rows()}, watcher);
  for (std::size_t row = 0; row < r.rows(); ++row) {
    std::optional<double>& logprob = r.unmasked.logprobs.emplace_back();
    if (row + 1 < r.rows()) logprob = log_probability({&seen.logits.at(row, 0), r.vocab_size}, question.ids[row + 1]);
  }
  if (question.layer >= seen.layers.size() || !seen.layers[question.layer].attention) return;
  auto& heads = seen.layers[question.layer].attention->heads;
  if (question.head < heads.size()) r.unmasked.weights = std::move(heads[question.head].weights);
}

}  // namespace continuo::explain
