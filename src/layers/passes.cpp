#include "layers/passes.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "kernels/exp_values.h"
#include "kernels/reference_math.h"
#include "layers/linear.h"
#include "layers/norm.h"

namespace continuo {

namespace {

std::size_t n_layers(const std::vector<Pass>& passes) {
  std::size_t n = 0;
  for (const Pass& pass : passes) n += pass.layers.size();
  return n;
}

void copy_rows(Rows from, std::size_t first, Rows to, std::size_t at, std::size_t n, std::size_t width) {
  if (from.data == to.data && first == at) return;
  for (std::size_t i = 0; i < n; ++i) std::copy_n(from[first + i], width, to[at + i]);
}

// exp(logit - largest) of all, and their sum.
struct Exponentials {
  explicit Exponentials(std::span<const float> logits)
      : largest(*std::max_element(logits.begin(), logits.end())), values(logits.begin(), logits.end()) {
    for (float& value : values) value -= largest;
    exp_values(values.data(), values.size());
    for (const float value : values) sum += double(value);
  }
  float largest;
  std::vector<float> values;
  double sum = 0;
};

// KL(p || q) in nats, of the distributions that two rows of logits make.
double divergence(std::span<const float> p_logits, std::span<const float> q_logits) {
  const Exponentials p(p_logits), q(q_logits);
  double sum = 0;
  for (std::size_t i = 0; i < p.values.size(); ++i) {
    const double difference = (double(p_logits[i]) - double(p.largest)) - (double(q_logits[i]) - double(q.largest));
    if (p.values[i] > 0) sum += double(p.values[i]) * difference;
  }
  return sum / p.sum - std::log(p.sum / q.sum);
}

// |x - before| / |x|
double change(std::span<const float> x, std::span<const float> before) {
  double difference = 0, length = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = double(x[i]) - double(before[i]);
    difference += d * d;
    length += double(x[i]) * double(x[i]);
  }
  return length > 0 ? std::sqrt(difference / length) : 0;
}

std::ptrdiff_t best(std::span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

}  // namespace

void Passes::run(Step& step, const Model& model, std::span<const Segment> segments, Rows x, PassParts& parts) {
  const LoopSpec& spec = *model.spec.loop;
  const Run run{step, model, spec, segments, parts, x};
  start(run);
  const std::size_t after = passes(run, spec.before, 0, x), body = after + n_layers(spec.after);
  for (std::size_t loop = 1; !active_.empty(); ++loop) {
    passes(run, loop == 1 ? spec.first : spec.again, body + (loop - 1) * n_layers(spec.first), x);
    if (parts.watches_loops()) tell(run, loop, after);
    leave(run, ending(run, loop, after), loop);
  }
  parts.lay_out(segments);
  copy_rows(done_.rows(step.rows(), x.stride), 0, x, 0, step.rows(), static_cast<std::size_t>(model.spec.d_model));
  passes(run, spec.after, after, x);
}

void Passes::start(const Run& run) {
  const std::size_t rows = run.step.rows(), d_model = static_cast<std::size_t>(run.model.spec.d_model);
  done_.rows(rows, run.x.stride);
  kept_.resize(run.spec.n_kept);
  for (Buffer& kept : kept_) kept.rows(rows, d_model);
  if (run.spec.learned_start) {
    const Rows learned = kept_[*run.spec.learned_start].rows(rows, d_model);
    for (std::size_t row = 0; row < rows; ++row)
      std::copy_n(run.model.weights.loop_start.data(), d_model, learned[row]);
  }
  active_.clear();
  loops_.assign(run.all.size(), 0);
  for (std::size_t i = 0; i < run.all.size(); ++i) {
    const Segment& segment = run.all[i];
    CONTINUO_CHECK(!segment.exit || segment.tokens.size() == 1, "a token that may stop early goes by itself");
    active_.push_back({i, run.step.first_rows[i], segment.state->loops()});
  }
}

// Returns the slot behind those of the passes.
std::size_t Passes::passes(const Run& run, const std::vector<Pass>& passes, std::size_t slot, Rows x) {
  for (const Pass& each : passes) {
    pass(run, each, slot, x);
    slot += each.layers.size();
  }
  return slot;
}

void Passes::pass(const Run& run, const Pass& pass, std::size_t slot, Rows x) {
  Step& step = run.step;
  const std::size_t rows = step.rows(), d_model = static_cast<std::size_t>(run.model.spec.d_model);
  if (pass.norm) normalize(step, *run.model.spec.final_norm, run.model.weights.final_norm, x, rows, x);
  if (pass.keep) copy_rows(x, 0, kept_[*pass.keep].rows(rows, d_model), 0, rows, d_model);
  for (std::size_t row = 0; pass.from_zero && row < rows; ++row) std::fill_n(x[row], d_model, 0.0f);
  if (pass.join == Pass::Join::map) join_map(run, pass, x);
  if (pass.join == Pass::Join::add) {
    const Rows kept = kept_[pass.joined].rows(rows, d_model);
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t i = 0; i < d_model; ++i) x[row][i] += kept[row][i];
    }
  }
  for (const std::size_t layer : pass.layers) run.parts.layer({layer, slot++}, x);
}

void Passes::join_map(const Run& run, const Pass& pass, Rows x) {
  const std::size_t rows = run.step.rows(), d_model = static_cast<std::size_t>(run.model.spec.d_model);
  const Rows both = joined_.rows(rows, 2 * d_model);
  copy_rows(x, 0, both, 0, rows, d_model);
  copy_rows(kept_[pass.joined].rows(rows, d_model), 0, both.from(d_model), 0, rows, d_model);
  linear(run.step, {{&run.model.weights.loop_map, {x}}}, both, rows);
}

std::vector<float> Passes::lambdas(const Run& run, Rows x, std::size_t rows) {
  const std::size_t d_model = static_cast<std::size_t>(run.model.spec.d_model);
  const Rows normal = normal_.rows(rows, d_model), made = gate_.rows(rows, 1);
  normalize(run.step, *run.model.spec.final_norm, run.model.weights.final_norm, x, rows, normal);
  linear(run.step, {{&run.model.weights.exit_gate, {made}}}, normal, rows);
  std::vector<float> lambdas(rows);
  for (std::size_t row = 0; row < rows; ++row) lambdas[row] = math::sigmoid(made[row][0]);
  return lambdas;
}

void Passes::tell(const Run& run, std::size_t loop, std::size_t slot_after) {
  const std::size_t rows = run.step.rows(), d_model = static_cast<std::size_t>(run.model.spec.d_model);
  const Rows copy = tested_.rows(rows, run.x.stride);
  copy_rows(run.x, 0, copy, 0, rows, d_model);
  const std::vector<float> gates = run.spec.gate ? lambdas(run, copy, rows) : std::vector<float>();
  run.parts.listen(false);
  passes(run, run.spec.after, slot_after, copy);
  run.parts.listen(true);
  run.parts.looped(loop, run.parts.logits(copy), run.x, gates);
}

// ---- the end of the loop ----

std::vector<unsigned char> Passes::ending(const Run& run, std::size_t loop, std::size_t slot_after) {
  const std::size_t d_model = static_cast<std::size_t>(run.model.spec.d_model),
                    vocab_size = static_cast<std::size_t>(run.model.spec.vocab_size);
  std::vector<unsigned char> ends(active_.size());
  std::vector<std::size_t> tested, with_logits;  // active ones
  std::vector<std::size_t> row_of(active_.size());
  for (std::size_t i = 0, row = 0; i < active_.size(); ++i) {
    const Segment& segment = run.all[active_[i].segment];
    row_of[i] = row;
    row += segment.tokens.size();
    ends[i] = loop >= active_[i].most_loops;
    if (ends[i] || !segment.exit) continue;
    (segment.exit.needs_logits() ? with_logits : tested).push_back(i);
  }
  for (const std::size_t i : tested) {
    const Rows row{run.x[row_of[i]], run.x.stride};
    const bool gate = run.all[active_[i].segment].exit.kind == ExitRule::Kind::gate;
    ends[i] = this->ends(run, active_[i], loop, {row.data, d_model}, gate ? lambdas(run, row, 1).front() : 0);
  }
  if (with_logits.empty()) return ends;
  const Rows rows = tested_.rows(with_logits.size(), run.x.stride);
  segments_.clear();
  for (std::size_t j = 0; j < with_logits.size(); ++j) {
    copy_rows(run.x, row_of[with_logits[j]], rows, j, 1, d_model);
    segments_.push_back(run.all[active_[with_logits[j]].segment]);
    segments_.back().logits_wanted = 1;
  }
  run.parts.lay_out(segments_);
  passes(run, run.spec.after, slot_after, rows);
  const std::span<const float> logits = run.parts.logits(rows);
  for (std::size_t j = 0; j < with_logits.size(); ++j) {
    const std::size_t i = with_logits[j];
    ends[i] = this->ends(run, active_[i], loop, logits.subspan(j * vocab_size, vocab_size), 0);
  }
  lay_out_active(run);
  return ends;
}

// `seen`: the logits, or the row, after this loop.
bool Passes::ends(const Run& run, Active& active, std::size_t loop, std::span<const float> seen, float lambda) {
  const ExitRule rule = run.all[active.segment].exit;
  if (rule.kind == ExitRule::Kind::gate) {
    active.survival *= 1 - double(lambda);
    return 1 - active.survival >= double(rule.limit > 0 ? rule.limit : run.spec.gate_threshold);
  }
  bool end = false;
  if (loop > 1) {
    end = rule.kind == ExitRule::Kind::kl       ? divergence(seen, active.before) < double(rule.limit)
          : rule.kind == ExitRule::Kind::latent ? change(seen, active.before) < double(rule.limit)
                                                : best(seen) == best(active.before);
  }
  active.before.assign(seen.begin(), seen.end());
  return end;
}

// Later tokens look at it in loops that it did not go through: there it stands with what it left in its last one.
void Passes::copy_to_later_loops(const Run& run, const Active& active, std::size_t loop, std::size_t slot,
                                 std::size_t n) {
  SequenceState& state = *run.all[active.segment].state;
  const std::size_t position = state.length();
  for (std::size_t later = loop; later < active.most_loops; ++later) {
    for (std::size_t i = 0; i < n; ++i)
      state.kv(slot + later * n + i).write_from(state.kv(slot + (loop - 1) * n + i), position);
  }
}

// Takes those that end here out: their rows are done, the others move together.
void Passes::leave(const Run& run, const std::vector<unsigned char>& ends, std::size_t loop) {
  const std::size_t d_model = static_cast<std::size_t>(run.model.spec.d_model), rows = run.step.rows();
  const std::size_t body = n_layers(run.spec.before) + n_layers(run.spec.after), n_body = n_layers(run.spec.first);
  if (std::none_of(ends.begin(), ends.end(), [](unsigned char end) { return end != 0; })) return;
  const Rows done = done_.rows(0, run.x.stride);
  std::size_t row = 0, to = 0, left = 0;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    const std::size_t n = run.all[active_[i].segment].tokens.size();
    if (ends[i]) {
      copy_rows(run.x, row, done, active_[i].first_row, n, d_model);
      loops_[active_[i].segment] = loop;
      if (loop < active_[i].most_loops) copy_to_later_loops(run, active_[i], loop, body, n_body);
    } else {
      copy_rows(run.x, row, run.x, to, n, d_model);
      for (Buffer& kept : kept_) copy_rows(kept.rows(rows, d_model), row, kept.rows(rows, d_model), to, n, d_model);
      to += n;
      if (left != i) active_[left] = std::move(active_[i]);
      ++left;
    }
    row += n;
  }
  active_.resize(left);
  if (!active_.empty()) lay_out_active(run);
}

void Passes::lay_out_active(const Run& run) {
  segments_.clear();
  for (const Active& active : active_) segments_.push_back(run.all[active.segment]);
  run.parts.lay_out(segments_);
}

}  // namespace continuo
