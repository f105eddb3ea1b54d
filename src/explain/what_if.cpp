#include "explain/what_if.h"

#include <algorithm>
#include <cmath>

#include "explain/changed_model.h"
#include "explain/cost.h"

namespace continuo::explain {

namespace {

// Else the layer makes the stream anew, and nothing is left without it.
bool adds_to_stream(const LayerSpec& layer) {
  return layer.order == LayerSpec::Order::sequential || layer.order == LayerSpec::Order::parallel;
}

constexpr std::size_t kShownGuesses = 3;
constexpr std::size_t kStep = 512;  // tokens at once

// KL(before || then) in bits.
double divergence(std::span<const float> before, std::span<const float> then) {
  const auto normalizer = [](std::span<const float> logits) {
    const double largest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float logit : logits) sum += std::exp(double(logit) - largest);
    return largest + std::log(sum);
  };
  const double a = normalizer(before), b = normalizer(then);
  double nats = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double logprob = double(before[i]) - a;
    nats += std::exp(logprob) * (logprob - (double(then[i]) - b));
  }
  return std::max(0.0, nats / std::log(2.0));
}

class Trial {
 public:
  Trial(const TextRun& run, const Machine& machine, Recording& r) : run_(run), machine_(machine), r_(r) {
    const std::span<const float> logits(&r.logits.at(r.rows() - 1, 0), r.vocab_size);
    before_.assign(logits.begin(), logits.end());
    r_.what_if.before = best_guesses(before_, kShownGuesses);
    left_ = run.question.no_limits ? INFINITY : kWhatIfOperations;
  }

  Result<void> leave_out_tokens(const std::atomic<bool>& interrupted) {
    const std::span<const TokenId> ids(run_.question.ids);
    // From the last to the first: near tokens cost least, and matter most.
    for (std::size_t row = r_.rows(); row-- > 0;) {
      const std::size_t position = r_.from + row;
      const auto behind = ids.subspan(position + 1, r_.to - position - 1);
      if (behind.empty() && row == 0) continue;  // nothing would be left to go on from
      const std::size_t again = run_.state.has_recurrent() ? row : 0;
      if (!pay(operations(machine_.model, position - again, r_.to))) return {};
      if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
      Ablation out{.row = row};
      if (behind.empty()) {
        describe({&r_.logits.at(row - 1, 0), r_.vocab_size}, out);
      } else {
        go_back(run_, position);
        const Segment segment{&run_.state, behind, 1};
        describe(run_.forward(std::span(&segment, 1)), out);
      }
      r_.what_if.tokens.push_back(std::move(out));
    }
    std::reverse(r_.what_if.tokens.begin(), r_.what_if.tokens.end());
    return {};
  }

  Result<void> leave_out_layers(const std::atomic<bool>& interrupted) {
    for (std::size_t i = 0; i < machine_.model.spec.layers.size(); ++i) {
      // A block that normalizes the stream itself cannot be passed by.
      if (!adds_to_stream(machine_.model.spec.layers[i])) continue;
      if (!pay(operations(machine_.model, 0, r_.to))) return {};
      changed_.leave_out_layer(i);
      CONTINUO_TRY(Ablation out, run_changed(interrupted));
      out.layer = i;
      r_.what_if.layers.push_back(std::move(out));
    }
    return {};
  }

  Result<void> leave_out_heads(const std::atomic<bool>& interrupted) {
    for (const auto& [layer, head] : heads()) {
      if (!pay(operations(machine_.model, 0, r_.to))) return {};
      changed_.leave_out_head(layer, head);
      CONTINUO_TRY(Ablation out, run_changed(interrupted));
      out.layer = layer;
      out.head = head;
      r_.what_if.heads.push_back(std::move(out));
    }
    return {};
  }

 private:
  // False, and the answer is not complete, when this is more than what is left.
  bool pay(double work) {
    if (work > left_) return r_.what_if.complete = false;
    left_ -= work;
    return true;
  }

  // Those that wrote most into the answer, or against it, first.
  std::vector<std::pair<std::size_t, std::size_t>> heads() {
    std::vector<std::pair<double, std::pair<std::size_t, std::size_t>>> all;
    for (std::size_t i = 0; i < machine_.model.spec.layers.size(); ++i) {
      if (!ChangedModel::has_own_heads(machine_.model.spec.layers[i].mixer)) continue;
      const int n = attention_in(machine_.model.spec.layers[i].mixer)->n_heads;
      for (std::size_t head = 0; head < static_cast<std::size_t>(n); ++head) {
        double size = 0;
        for (const PartShare& part : r_.attribution.parts) {
          if (part.kind == PartShare::Kind::head && part.layer == i && part.head == head)
            size = std::fabs(part.answer - part.rival);
        }
        all.push_back({size, {i, head}});
      }
    }
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    r_.what_if.n_heads = all.size();
    std::vector<std::pair<std::size_t, std::size_t>> order;
    for (const auto& one : all) order.push_back(one.second);
    return order;
  }

  // The whole text through the changed model, which is as it was afterwards.
  Result<Ablation> run_changed(const std::atomic<bool>& interrupted) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    const ModelSpec& spec = changed_.model().spec;
    ForwardPass forward(changed_.model(), machine_.kernels, machine_.threads, {.repack = false});
    SequenceState state(spec, r_.to, run_.question.ids.size(), machine_.kv_type);
    Ablation out;
    for (std::span<const TokenId> ids = std::span(run_.question.ids).first(r_.to); !ids.empty();) {
      const auto some = ids.first(std::min(kStep, ids.size()));
      const Segment segment{&state, some, some.size() == ids.size() ? std::size_t{1} : 0};
      const auto logits = forward(std::span(&segment, 1));
      ids = ids.subspan(some.size());
      if (ids.empty()) describe(logits, out);
    }
    changed_.restore();
    return out;
  }

  void describe(std::span<const float> logits, Ablation& out) const {
    out.best = best_guesses(logits, kShownGuesses);
    const TokenId answer = r_.what_if.before.front().id;
    const double below = double(logits[static_cast<std::size_t>(answer)]) -
                         double(logits[static_cast<std::size_t>(out.best.front().id)]);
    out.answer = static_cast<float>(double(out.best.front().probability) * std::exp(below));
    out.divergence = divergence(before_, logits);
  }

  const TextRun& run_;
  const Machine& machine_;
  Recording& r_;
  std::vector<float> before_;
  ChangedModel changed_{machine_.model};
  double left_ = 0;
};

}  // namespace

Result<void> leave_parts_out(const TextRun& run, const Machine& machine, Recording& r,
                             const std::atomic<bool>& interrupted) {
  Trial trial(run, machine, r);
  CONTINUO_TRY_VOID(trial.leave_out_tokens(interrupted));
  CONTINUO_TRY_VOID(trial.leave_out_layers(interrupted));
  return trial.leave_out_heads(interrupted);
}

}  // namespace continuo::explain
