#include "layers/output.h"

#include <algorithm>

#include "base/check.h"
#include "layers/activation.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace continuo {

namespace {

std::size_t count_wanted(const Step& step) {
  std::size_t n = 0;
  for (const Segment& segment : step.segments) n += segment.results();
  return n;
}

void gather_wanted(const Step& step, Rows x, std::size_t width, Rows out) {
  std::size_t to = 0;
  for (std::size_t s = 0; s < step.segments.size(); ++s) {
    const Segment& segment = step.segments[s];
    const std::size_t first = step.first_rows[s], n = segment.tokens.size();
    for (std::size_t i = 0; i < segment.results(); ++i) {
      const std::size_t token = segment.chosen.empty() ? n - segment.logits_wanted + i : segment.chosen[i];
      std::copy_n(x[first + token], width, out[to++]);
    }
  }
}

void multiply_rows(Rows logits, std::size_t n, const std::vector<float>& factors) {
  for (std::size_t row = 0; row < n; ++row) {
    for (std::size_t i = 0; i < factors.size(); ++i) logits[row][i] *= factors[i];
  }
}

void scale_and_cap(Step& step, const ModelSpec& spec, std::span<float> logits) {
  constexpr std::size_t kPiece = 4096;
  if (spec.logit_scale == 1 && spec.final_logit_softcap <= 0) return;
  share(step, (logits.size() + kPiece - 1) / kPiece, logits.size(), [&](std::size_t i, int) {
    const std::span<float> piece = logits.subspan(i * kPiece, std::min(kPiece, logits.size() - i * kPiece));
    for (float& logit : piece) logit *= spec.logit_scale;
    if (spec.final_logit_softcap > 0) step.kernels.soft_cap(piece.data(), spec.final_logit_softcap, piece.size());
  });
}

}  // namespace

std::span<const float> Output::hidden_states(Step& step, const Model& model, Rows x) {
  const std::size_t d_model = model.spec.d_model, n = count_wanted(step);
  const Rows last = wanted_.rows(n, d_model);
  gather_wanted(step, x, d_model, last);
  if (model.spec.final_norm) normalize(step, *model.spec.final_norm, model.weights.final_norm, last, n, last);
  return {last.data, n * d_model};
}

std::span<const float> Output::operator()(Step& step, const Model& model, Rows x) {
  const ModelSpec& spec = model.spec;
  CONTINUO_CHECK(spec.has_output, "logits of a network without an output");
  const Weights& weights = model.weights;
  const std::size_t d_model = spec.d_model, vocab_size = spec.vocab_size, n = count_wanted(step);
  const Linear& first = spec.output_head                  ? weights.output_head
                        : weights.project_out.weight.data ? weights.project_out
                                                          : weights.output;
  Rows last = spec.final_norm ? rows_for(step, {{&first}, true}, wanted_, n, d_model) : wanted_.rows(n, d_model);
  gather_wanted(step, x, d_model, last);
  if (spec.final_norm) normalize(step, *spec.final_norm, weights.final_norm, last, n, last);
  if (spec.output_head) {
    const std::size_t width = weights.output_head.weight.rows;
    const Rows made = head_.rows(n, width);
    linear(step, {{&weights.output_head, made}}, last, n);
    const KernelTable::Activate activate = activation_kernel(step.kernels, spec.output_head->activation);
    for (std::size_t row = 0; row < n; ++row) activate(made[row], nullptr, width);
    normalize(step, spec.output_head->norm, weights.output_head_norm, made, n, made);
    last = made;
  }
  if (weights.project_out.weight.data) {
    const Rows project_out = narrow_.rows(n, weights.project_out.weight.rows);
    linear(step, {{&weights.project_out, project_out}}, last, n);
    last = project_out;
  }
  const Rows logits = logits_.rows(n, vocab_size);
  linear(step, {{&weights.output, logits}}, last, n);
  if (spec.zero_token && spec.tied_output) {
    for (std::size_t row = 0; row < n; ++row) logits[row][*spec.zero_token] = 0;
  }
  if (spec.output_scales) {
    multiply_rows(logits, n, weights.output_scales);
  } else {
    scale_and_cap(step, spec, {logits.data, n * vocab_size});
  }
  return {logits.data, n * vocab_size};
}

}  // namespace continuo
