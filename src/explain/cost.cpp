#include "explain/cost.h"

#include <algorithm>
#include <chrono>

#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "layers/probe.h"

namespace continuo::explain {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kChunk = 512;       // prompt tokens at once: the engine's own
constexpr std::size_t kFirstLength = 16;  // of the curve
constexpr std::size_t kLongestCounted = 4096;
constexpr std::size_t kDecodeSteps = 12;
constexpr int kRepeats = 3;             // at the least; more while they take
constexpr double kEnoughSeconds = 0.1;  // less than this together, but not more than
constexpr int kMostRepeats = 20;

// ---- time ----

struct LayerTimes {
  double projections = 0, attention = 0, scan = 0, feed = 0;
};

// Of a pass.
struct Times {
  double input = 0, output = 0;
  std::vector<LayerTimes> layers;

  double sum(double LayerTimes::*part) const {
    double seconds = 0;
    for (const LayerTimes& layer : layers) seconds += layer.*part;
    return seconds;
  }
  double attention() const { return sum(&LayerTimes::attention); }
  double scan() const { return sum(&LayerTimes::scan); }
  double feed() const { return sum(&LayerTimes::feed); }
  double whole() const { return input + output + attention() + scan() + feed() + sum(&LayerTimes::projections); }
};

// A listener that only looks at the clock.
class Stopwatch : public Listener {
 public:
  explicit Stopwatch(std::size_t n_layers) { times.layers.resize(n_layers); }
  void started() override { last_ = Clock::now(); }
  void embedded(RowsView) override { times.input += lap(); }
  void projected(std::size_t i) override { times.layers[i].projections += lap(); }
  void looked_back(std::size_t i, const AttentionView&) override { times.layers[i].attention += lap(); }
  void scanned(std::size_t i, const RecurrenceView*) override { times.layers[i].scan += lap(); }
  void mixed(std::size_t i, RowsView) override { times.layers[i].projections += lap(); }
  void passed(std::size_t i, RowsView) override { times.layers[i].feed += lap(); }
  void finished(std::span<const float>) override { times.output += lap(); }

  Times times;

 private:
  double lap() {
    const auto now = Clock::now();
    const std::chrono::duration<double> passed = now - last_;
    last_ = now;
    return passed.count();
  }
  Clock::time_point last_;
};

// The run of that place when they are sorted by time, 0 the shortest and 1 the longest.
Times by_time(std::vector<Times> runs, double place) {
  std::sort(runs.begin(), runs.end(), [](const Times& a, const Times& b) { return a.whole() < b.whole(); });
  return runs[static_cast<std::size_t>(place * static_cast<double>(runs.size() - 1))];
}

// Feeds `ids` from the state's length on, as the engine would, under one watch.
Times timed(ForwardPass& forward, SequenceState& state, std::span<const TokenId> ids, std::size_t layers) {
  Stopwatch watch(layers);
  while (!ids.empty()) {
    const auto tokens = ids.first(std::min(kChunk, ids.size()));
    forward(Segment{&state, tokens, tokens.size() == ids.size() ? std::size_t{1} : 0}, watch);
    ids = ids.subspan(tokens.size());
  }
  return watch.times;
}

// ---- work ----

struct Work {
  double operations = 0, bytes = 0;
};

// `rows`: tokens that go through the map.
Work work_of(const Linear& map, std::size_t rows) {
  const Matrix& w = map.weight;
  if (!w.data) return {};
  return {2.0 * double(w.rows) * double(w.cols) * double(rows), double(stored_bytes(w.format, w.rows * w.cols))};
}

Work sum(std::initializer_list<Work> parts) {
  Work whole;
  for (const Work& part : parts) {
    whole.operations += part.operations;
    whole.bytes += part.bytes;
  }
  return whole;
}

Work projections_work(const MixerWeights& weights, std::size_t rows) {
  Work whole;
  for_each_linear(weights, [&](const Linear& map, MapInput) { whole = sum({whole, work_of(map, rows)}); });
  return whole;
}

// Operations of a scan for each token, exponentials left out, and the floats of its state, which every token reads and
// writes.
struct ScanCost {
  double operations = 0, floats = 0;
};

ScanCost scan_cost(const ShortConvSpec& s) { return {(2.0 * s.kernel + 2) * s.d_inner, double(s.state_floats())}; }
ScanCost scan_cost(const MambaSpec& s) { return {6.0 * s.d_inner * s.d_state, double(s.d_inner) * s.d_state}; }
ScanCost scan_cost(const Mamba2Spec& s) { return {5.0 * s.d_inner() * s.d_state, double(s.d_inner()) * s.d_state}; }
ScanCost scan_cost(const DeltaNetSpec& s) {
  const double floats = double(s.n_value_heads) * s.key_dim * s.value_dim;
  return {7 * floats, floats};
}
ScanCost scan_cost(const RgLruSpec& s) { return {6.0 * s.width, double(s.width)}; }
ScanCost scan_cost(const Rwkv4Spec& s) { return {14.0 * s.d_attention, 3.0 * s.d_attention}; }
ScanCost scan_cost(const RwkvSpec& s) {
  const double floats = double(s.n_heads) * s.head_dim * s.value_dim;
  return {(s.version == 7 ? 9 : 7) * floats, floats};
}
ScanCost scan_cost(const SharedBlockSpec& s) { return scan_cost(s.mixer); }
ScanCost scan_cost(const AttentionSpec&) { return {}; }
ScanCost scan_cost(const std::monostate&) { return {}; }
ScanCost scan_cost(const MixerSpec& mixer);
ScanCost scan_cost(const BesideSpec& beside) {
  ScanCost whole;
  for (const BesidePart& part : beside.parts) {
    const ScanCost cost = scan_cost(part.mixer);
    whole.operations += cost.operations;
    whole.floats += cost.floats;
  }
  return whole;
}
ScanCost scan_cost(const MixerSpec& mixer) {
  return std::visit([](const auto& kind) { return scan_cost(kind); }, mixer);
}

// What a layer remembers of a token.
std::size_t cache_bytes(const AttentionSpec& spec, Format kv_type) {
  return 2 * spec.n_kv_heads * KvLayout{kv_type, std::size_t(spec.head_dim)}.vector_bytes();
}

// q.k and the weighted sum of values: a multiplication and an addition each for every pair that is seen.
Work attention_work(const AttentionSpec& spec, std::size_t from, std::size_t to, Format kv_type) {
  double pairs = 0;
  for (std::size_t position = from; position < to; ++position) {
    pairs += double(position + 1 - first_visible(spec, position));
  }
  if (spec.mask == AttentionSpec::Mask::both_sides) {
    pairs = 0;
    for (std::size_t position = from; position < to; ++position) {
      const VisibleKeys keys = visible_keys(spec, position, to);
      pairs += double(keys.end - keys.first);
    }
  }
  const std::size_t seen = to - first_visible(spec, from);
  return {4.0 * spec.n_heads * spec.head_dim * pairs, double(seen * cache_bytes(spec, kv_type))};
}

Work feed_work(const FeedForwardSpec&, const FeedForwardWeights& w, std::size_t rows) {
  return sum({work_of(w.gate, rows), work_of(w.up, rows), work_of(w.down, rows)});
}

// Each row goes through its chosen experts; at the most so many experts are read.
Work feed_work(const ExpertsSpec& spec, const ExpertsWeights& w, std::size_t rows) {
  const auto active = static_cast<std::size_t>(spec.n_active);
  Work experts = feed_work(spec.expert, w.experts.front(), rows * active);
  experts.bytes *= double(std::min(w.experts.size(), rows * active));
  Work whole = sum({work_of(w.router, rows), work_of(w.shared_gate, rows), experts});
  if (spec.shared) whole = sum({whole, feed_work(*spec.shared, w.shared, rows)});
  return whole;
}

Work feed_work(const LayerSpec& layer, const LayerWeights& weights, std::size_t rows) {
  if (const auto* dense = std::get_if<FeedForwardSpec>(&layer.ffn)) {
    return feed_work(*dense, std::get<FeedForwardWeights>(weights.ffn), rows);
  }
  if (const auto* experts = std::get_if<ExpertsSpec>(&layer.ffn)) {
    return feed_work(*experts, std::get<ExpertsWeights>(weights.ffn), rows);
  }
  return {};
}

void add_phase(Recording& r, std::string name, std::optional<std::size_t> layer, Work work, double seconds) {
  r.cost.phases.push_back({std::move(name), layer, work.operations, work.bytes, seconds});
}

void list_phases(const Machine& machine, const Times& times_of_pass, Recording& r) {
  const Model& model = machine.model;
  const Format kv_type = machine.kv_type;
  const std::size_t rows = r.rows();
  const Matrix& embedding = model.weights.embedding;
  add_phase(r, "input", {}, {double(rows * r.d_model), double(stored_bytes(embedding.format, rows * embedding.cols))},
            times_of_pass.input);
  const std::vector<LayerVisit> visits = layer_visits(model.spec);
  for (std::size_t i = 0; i < visits.size(); ++i) {
    const LayerSpec& layer = model.spec.layers[visits[i].layer];
    const LayerWeights& weights = model.weights.layers[visits[i].layer];
    const LayerTimes& times = times_of_pass.layers[i];
    add_phase(r, "projections", i, projections_work(weights.mixer, rows), times.projections);
    if (const AttentionSpec* const attention = attention_in(layer.mixer)) {
      add_phase(r, "attention", i, attention_work(*attention, r.from, r.to, kv_type), times.attention);
      r.cost.cache_bytes_per_token += cache_bytes(*attention, kv_type);
    }
    if (const ScanCost scan = scan_cost(layer.mixer); scan.floats > 0) {
      add_phase(r, "scan", i, {scan.operations * double(rows), 2 * sizeof(float) * scan.floats}, times.scan);
    }
    add_phase(r, "feed_forward", i, feed_work(layer, weights, rows), times.feed);
  }
  add_phase(r, "output", {}, work_of(model.weights.output, 1),
            times_of_pass.output);  // the last row alone, as generating does
}

// ---- operations by length ----

// Of the tokens [from, to) behind what is remembered; the output layer for the last of them alone.
WorkPoint work_of_tokens(const Model& model, std::size_t from, std::size_t to) {
  WorkPoint point{.length = to};
  const std::size_t rows = to - from;
  for (const LayerVisit& visit : layer_visits(model.spec)) {
    const LayerSpec& layer = model.spec.layers[visit.layer];
    const LayerWeights& weights = model.weights.layers[visit.layer];
    point.other += projections_work(weights.mixer, rows).operations;
    if (const AttentionSpec* const attention = attention_in(layer.mixer))
      point.attention += attention_work(*attention, from, to, Format::f32).operations;
    point.scan += scan_cost(layer.mixer).operations * double(rows);
    point.feed += feed_work(layer, weights, rows).operations;
  }
  point.other += work_of(model.weights.output, 1).operations;
  return point;
}

void count_work(const Model& model, CostRecord& cost) {
  for (std::size_t n = kFirstLength; n <= kLongestCounted; n *= 2) {
    WorkPoint point = work_of_tokens(model, 0, n);
    const WorkPoint one = work_of_tokens(model, n, n + 1);
    point.decode_attention = one.attention;
    point.decode_scan = one.scan;
    point.decode_other = one.feed + one.other;
    cost.work.push_back(point);
  }
}

// ---- the curve ----

std::vector<TokenId> ids_all_over(std::size_t n, std::size_t vocab_size) {
  std::vector<TokenId> ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<TokenId>((i * 7919 + 1) % vocab_size);
  return ids;
}

CurvePoint measure_length(const Machine& machine, std::size_t n) {
  const ModelSpec& spec = machine.model.spec;
  const auto ids = ids_all_over(n + kDecodeSteps, spec.vocab_size);
  ForwardPass forward(machine.model, machine.kernels, machine.threads);
  SequenceState state(spec, ids.size(), n, machine.kv_type);
  std::vector<Times> prefills, decodes;
  double spent = 0;
  for (int i = 0; i < kRepeats || (spent < kEnoughSeconds && i < kMostRepeats); ++i) {
    state.rewind(0);
    prefills.push_back(timed(forward, state, std::span(ids).first(n), layer_visits(spec).size()));
    spent += prefills.back().whole();
  }
  for (std::size_t i = 0; i < kDecodeSteps; ++i) {
    decodes.push_back(timed(forward, state, std::span(ids).subspan(n + i, 1), layer_visits(spec).size()));
  }
  // A prompt at its best; of single tokens the middle one, as a long run of them takes.
  const Times prefill = by_time(std::move(prefills), 0), decode = by_time(std::move(decodes), 0.5);
  return {.length = n,
          .prefill = prefill.whole(),
          .prefill_attention = prefill.attention(),
          .prefill_scan = prefill.scan(),
          .prefill_feed = prefill.feed(),
          .decode = decode.whole(),
          .decode_attention = decode.attention(),
          .decode_scan = decode.scan()};
}

std::size_t longest_length(const ModelSpec& spec) {
  const auto* learned = std::get_if<LearnedPositions>(&spec.positions);
  return learned ? static_cast<std::size_t>(learned->count) : SIZE_MAX;
}

Result<void> measure_curve(const Machine& machine, const Question& question, CostRecord& cost,
                           const std::atomic<bool>& interrupted) {
  cost.curve_limit = question.curve_limit;
  if (question.curve_seconds <= 0) {
    cost.curve_end = "time";
    return {};
  }
  double left = question.curve_seconds;
  for (std::size_t n = kFirstLength; n <= question.curve_limit; n *= 2) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    if (n + kDecodeSteps > longest_length(machine.model.spec)) {
      cost.curve_end = "positions";
      break;
    }
    // Twice the length takes up to four times as long.
    if (!cost.curve.empty() && 4 * kRepeats * cost.curve.back().prefill > left) {
      cost.curve_end = "time";
      break;
    }
    const auto start = Clock::now();
    cost.curve.push_back(measure_length(machine, n));
    left -= std::chrono::duration<double>(Clock::now() - start).count();
  }
  return {};
}

Result<void> measure_phases(const Machine& machine, const Question& question, Recording& r,
                            const std::atomic<bool>& interrupted) {
  const ModelSpec& spec = machine.model.spec;
  ForwardPass forward(machine.model, machine.kernels, machine.threads);
  SequenceState state(spec, question.to, question.ids.size(), machine.kv_type);
  timed(forward, state, std::span(question.ids).first(question.from), layer_visits(spec).size());
  const Snapshot before = state.snapshot();
  std::vector<Times> runs;
  for (int i = 0; i < kRepeats; ++i) {
    if (interrupted) return Error{.kind = ErrorKind::interrupted, .what = "interrupted"};
    state.restore(before);
    runs.push_back(
        timed(forward, state, std::span(question.ids).subspan(question.from, r.rows()), layer_visits(spec).size()));
  }
  list_phases(machine, by_time(std::move(runs), 0), r);
  return {};
}

}  // namespace

double operations(const Model& model, std::size_t from, std::size_t to) {
  return work_of_tokens(model, from, to).whole();
}

Result<void> measure_cost(const Machine& machine, const Question& question, Recording& r,
                          const std::atomic<bool>& interrupted) {
  r.cost.state_bytes = SequenceState::recurrent_bytes(machine.model.spec);
  r.cost.weight_bytes = machine.model.weight_bytes;
  r.cost.threads = machine.threads.size();
  r.cost.kernels = machine.kernels.name;
  r.cost.context_length = r.context_length;
  if (question.parts & (kPhases | kCurve)) count_work(machine.model, r.cost);
  if (question.parts & kPhases) CONTINUO_TRY_VOID(measure_phases(machine, question, r, interrupted));
  // A text that is seen from both sides has no next token, and its length is timed as it is.
  if (!(question.parts & kCurve) || r.both_sides) return {};
  return measure_curve(machine, question, r.cost, interrupted);
}

}  // namespace continuo::explain
