#include "explain/attribution.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "explain/dense.h"
#include "model/model.h"

namespace continuo::explain {

namespace {

using Vector = std::vector<double>;

double dot(const Vector& a, std::span<const float> b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }

double mean_square(std::span<const double> x) {
  return std::inner_product(x.begin(), x.end(), x.begin(), 0.0) / double(x.size());
}

// What a logit is of x, with the norm's divisor as it is for this x: weights . x + constant.
struct LinearForm {
  Vector weights;
  double constant = 0;
};

// form(norm(x)) as a form of x.
LinearForm through_norm(const NormSpec& spec, const NormWeights& norm, const Vector& x, LinearForm form) {
  const std::size_t n = x.size();
  const auto weight = [&](std::size_t i) { return norm.weight.empty() ? 1.0 : double(norm.weight[i]); };
  for (std::size_t i = 0; i < norm.bias.size(); ++i) form.constant += form.weights[i] * double(norm.bias[i]);
  for (std::size_t i = 0; i < n; ++i) form.weights[i] *= weight(i);
  if (const auto* rms = std::get_if<RmsNormSpec>(&spec)) {
    const double divisor = std::sqrt(mean_square(x) + double(rms->eps));
    for (double& w : form.weights) w /= divisor;
    return form;
  }
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / double(n);
  Vector centred(x);
  for (double& value : centred) value -= mean;
  const double divisor = std::sqrt(mean_square(centred) + double(std::get<LayerNormSpec>(spec).eps));
  const double mean_weight = std::accumulate(form.weights.begin(), form.weights.end(), 0.0) / double(n);
  for (double& w : form.weights) w = (w - mean_weight) / divisor;
  return form;
}

// The logit of a token, before the cap, as a form of the last residual row.
LinearForm logit_form(const Model& model, std::span<const float> last, TokenId id) {
  const Weights& w = model.weights;
  const auto row = static_cast<std::size_t>(id);
  const auto output = dense_row(w.output.weight, row);
  LinearForm form{.weights = Vector(output.begin(), output.end())};
  if (!w.output.bias.empty()) form.constant = double(w.output.bias[row]);
  if (w.project_out.weight.data) {
    const Grid narrow = dense(w.project_out.weight);
    Vector wide(narrow.cols);
    for (std::size_t i = 0; i < narrow.rows; ++i) {
      for (std::size_t j = 0; j < narrow.cols; ++j) wide[j] += form.weights[i] * double(narrow.at(i, j));
      if (!w.project_out.bias.empty()) form.constant += form.weights[i] * double(w.project_out.bias[i]);
    }
    form.weights = std::move(wide);
  }
  for (double& value : form.weights) value *= double(model.spec.logit_scale);
  form.constant *= double(model.spec.logit_scale);
  if (!model.spec.final_norm) return form;
  return through_norm(*model.spec.final_norm, w.final_norm, Vector(last.begin(), last.end()), std::move(form));
}

// The output map of a layer's attention, where the layer's mixer is that attention, or has it on one norm with others.
struct AttentionOutput {
  Linear map;
  Grid weights;
  float scale = 1;  // of the attention's result among the others'
  std::size_t n_heads = 0;
  bool alone = true;  // no other mixer is beside it
};

std::optional<AttentionOutput> attention_output(const Model& model, std::size_t layer) {
  const MixerSpec& mixer = model.spec.layers[layer].mixer;
  const MixerWeights& weights = model.weights.layers[layer].mixer;
  const auto make = [](const AttentionSpec& spec, const AttentionWeights& attention, float scale, bool alone) {
    const auto n_heads = static_cast<std::size_t>(spec.n_heads);
    return AttentionOutput{attention.out, dense(attention.out.weight), scale, n_heads, alone};
  };
  if (const auto* attention = std::get_if<AttentionSpec>(&mixer))
    return make(*attention, std::get<AttentionWeights>(weights), 1, true);
  const auto* beside = std::get_if<BesideSpec>(&mixer);
  for (std::size_t i = 0; beside && i < beside->parts.size(); ++i) {
    if (const auto* attention = std::get_if<AttentionSpec>(&beside->parts[i].mixer)) {
      const auto& part = std::get<BesideWeights>(weights).parts[i];
      return make(*attention, std::get<AttentionWeights>(part), beside->parts[i].scale, false);
    }
  }
  return std::nullopt;
}

// What the mixer made before its norm: only attention can be asked.
Vector before_post_norm(const AttentionOutput& output, std::span<const float> inputs) {
  Vector made(output.weights.rows);
  for (std::size_t r = 0; r < made.size(); ++r) {
    made[r] = output.map.bias.empty() ? 0 : double(output.map.bias[r]);
    for (std::size_t c = 0; c < output.weights.cols; ++c)
      made[r] += double(output.weights.at(r, c)) * double(inputs[c]);
  }
  return made;
}

// form(post_norm(scale * W inputs)) for each head's share of the inputs.
std::vector<double> head_shares(const LayerSpec& spec, const NormWeights& post_norm, const AttentionOutput& output,
                                std::span<const float> inputs, LinearForm form) {
  if (spec.post_mixer_norm) {
    form = through_norm(*spec.post_mixer_norm, post_norm, before_post_norm(output, inputs), std::move(form));
  }
  std::vector<double> shares(output.n_heads);
  const std::size_t width = output.weights.cols / output.n_heads;
  for (std::size_t r = 0; r < output.weights.rows; ++r) {
    const double weight = form.weights[r] * double(output.scale);
    for (std::size_t c = 0; c < output.weights.cols; ++c)
      shares[c / width] += weight * double(output.weights.at(r, c)) * double(inputs[c]);
  }
  return shares;
}

// Walks from the last layer to the first with the two forms; each layer scales what stands in the stream before it.
class Walk {
 public:
  Walk(const Model& model, const Recording& r, LinearForm answer, LinearForm rival)
      : model_(model), r_(r), forms_{std::move(answer), std::move(rival)} {}

  std::vector<PartShare> parts() {
    for (std::size_t i = r_.layers.size(); i-- > 0;) layer(i);
    add({.kind = PartShare::Kind::embedding}, row_of(r_.hidden.front()));
    std::reverse(parts_.begin(), parts_.end());
    return std::move(parts_);
  }

 private:
  static std::span<const float> row_of(const Grid& rows) { return {&rows.at(rows.rows - 1, 0), rows.cols}; }

  void add(PartShare part, std::span<const float> vector, double scale = 1) {
    part.answer = scale * dot(forms_[0].weights, vector);
    part.rival = scale * dot(forms_[1].weights, vector);
    parts_.push_back(part);
  }

  void layer(std::size_t i) {
    const LayerSpec& spec = model_.spec.layers[i];
    const LayerRecord& record = r_.layers[i];
    const double scale = double(spec.residual_scale);
    if (spec.output_scale) {
      for (LinearForm& form : forms_) {
        for (double& w : form.weights) w *= double(model_.weights.layers[i].output_scale);
      }
    }
    if (spec.layer_input) add_layer_input(i);
    if (!record.last_fed.empty()) add({.kind = PartShare::Kind::feed, .layer = i}, record.last_fed, scale);
    if (!record.last_mixed.empty()) add_mixer(i, scale);
  }

  // What the layer's own input added: all that the two parts did not.
  void add_layer_input(std::size_t i) {
    const LayerSpec& spec = model_.spec.layers[i];
    const auto before = row_of(r_.hidden[i]), after = row_of(r_.hidden[i + 1]);
    const double scale = spec.output_scale ? double(model_.weights.layers[i].output_scale) : 1;
    std::vector<float> own(before.size());
    for (std::size_t d = 0; d < own.size(); ++d) {
      double value = double(after[d]) / scale - double(before[d]);
      for (const auto* part : {&r_.layers[i].last_mixed, &r_.layers[i].last_fed}) {
        if (!part->empty()) value -= double(spec.residual_scale) * double((*part)[d]);
      }
      own[d] = static_cast<float>(value);
    }
    add({.kind = PartShare::Kind::input, .layer = i}, own);
  }

  void add_mixer(std::size_t i, double scale) {
    const LayerRecord& record = r_.layers[i];
    const auto output = attention_output(model_, i);
    PartShare whole{.kind = PartShare::Kind::mixer, .layer = i};
    add(whole, record.last_mixed, scale);
    // With other mixers beside it, what comes before the norm behind them all is not known.
    const bool known = output && record.attention && !record.attention->last_inputs.empty() &&
                       (output->alone || !model_.spec.layers[i].post_mixer_norm);
    if (!known) return;
    whole = parts_.back();
    parts_.pop_back();
    std::vector<double> shares[2];
    for (std::size_t k = 0; k < 2; ++k) {
      shares[k] = head_shares(model_.spec.layers[i], model_.weights.layers[i].post_mixer_norm, *output,
                              record.attention->last_inputs, forms_[k]);
      for (double& share : shares[k]) share *= scale;
      (k == 0 ? whole.answer : whole.rival) -= std::accumulate(shares[k].begin(), shares[k].end(), 0.0);
    }
    parts_.push_back(whole);  // biases, and mixers beside the attention
    for (std::size_t head = output->n_heads; head-- > 0;) {
      parts_.push_back({PartShare::Kind::head, i, head, shares[0][head], shares[1][head]});
    }
  }

  const Model& model_;
  const Recording& r_;
  LinearForm forms_[2];
  std::vector<PartShare> parts_;
};

// A logit before the cap z = cap * tanh(y / cap).
double uncapped(double logit, double cap) {
  return cap > 0 ? cap * std::atanh(std::clamp(logit / cap, -1.0, 1.0)) : logit;
}

std::string why_absent(const ModelSpec& spec) {
  if (spec.output_head) return "output_head";
  const auto normalizes = [](const LayerSpec& layer) {
    return layer.order != LayerSpec::Order::sequential && layer.order != LayerSpec::Order::parallel;
  };
  if (spec.loop) return "post_norm";
  return std::any_of(spec.layers.begin(), spec.layers.end(), normalizes) ? "post_norm" : "";
}

}  // namespace

void attribute_logits(const Machine& machine, Recording& r) {
  const Model& model = machine.model;
  Attribution& out = r.attribution;
  out.absent = why_absent(model.spec);
  if (!out.absent.empty()) return;
  const std::span<const float> logits(&r.logits.at(r.rows() - 1, 0), r.vocab_size);
  const auto best = best_guesses(logits, 2);
  out.answer = best.front();
  out.rival = best.back();
  const double cap = double(model.spec.final_logit_softcap);
  const auto logit = [&](TokenId id) { return uncapped(double(logits[static_cast<std::size_t>(id)]), cap); };
  out.answer_logit = logit(out.answer.id);
  out.rival_logit = logit(out.rival.id);
  const Grid& hidden = r.hidden.back();
  const std::span<const float> last(&hidden.at(hidden.rows - 1, 0), hidden.cols);
  LinearForm answer = logit_form(model, last, out.answer.id), rival = logit_form(model, last, out.rival.id);
  PartShare rest{.kind = PartShare::Kind::rest, .answer = out.answer_logit, .rival = out.rival_logit};
  const PartShare bias{.kind = PartShare::Kind::bias, .answer = answer.constant, .rival = rival.constant};
  out.parts = Walk(model, r, std::move(answer), std::move(rival)).parts();
  if (bias.answer != 0 || bias.rival != 0) out.parts.push_back(bias);
  for (const PartShare& part : out.parts) {
    rest.answer -= part.answer;
    rest.rival -= part.rival;
  }
  out.parts.push_back(rest);
}

}  // namespace continuo::explain
