#include "explain/memory_record.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace continuo::explain {

namespace {

using Shape = RecurrenceView::Shape;

double dot(const std::vector<double>& a, const double* b) { return std::inner_product(a.begin(), a.end(), b, 0.0); }

double length(std::span<const double> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}
double length(std::span<const float> values) {
  return std::sqrt(std::inner_product(values.begin(), values.end(), values.begin(), 0.0));
}

// A matrix of key_dim rows, column by column.
struct State {
  std::size_t key_dim, columns;
  std::vector<double> values;

  State(std::size_t keys, std::size_t n) : key_dim(keys), columns(n), values(keys * n) {}
  double* column(std::size_t i) { return values.data() + i * key_dim; }
  double length() const { return explain::length(std::span<const double>(values)); }

  // S = diag(keep) S - take (key' S)
  void fade(const Shape& shape, const TokenUpdate& update) {
    for (std::size_t c = 0; c < columns; ++c) {
      double* const s = column(c);
      if (shape.shifts && key_dim > 0) {
        std::copy(s + 1, s + key_dim, s);
        s[key_dim - 1] = 0;
      }
      const double held = update.key.empty() ? 0 : dot(update.key, s);
      for (std::size_t k = 0; k < key_dim; ++k) {
        s[k] *= update.keep[k];
        if (!update.take.empty()) s[k] -= update.take[k] * held;
      }
    }
  }
};

std::vector<TokenUpdate> updates_of(const RecurrenceView& view, std::size_t unit) {
  std::vector<TokenUpdate> updates(view.rows());
  for (std::size_t row = 0; row < view.rows(); ++row) view.update(row, unit, updates[row]);
  return updates;
}

// What a token wrote, carried to every later one and read there.
Grid unrolled(const Shape& shape, const std::vector<TokenUpdate>& updates) {
  const std::size_t n = updates.size();
  Grid weights(n, n);
  for (std::size_t j = 0; j < n; ++j) {
    State carried(shape.key_dim, 1);
    carried.values = updates[j].write;
    const double own = shape.reads_before ? 0 : dot(updates[j].read, carried.column(0));
    weights.at(j, j) = static_cast<float>(own + updates[j].direct);
    for (std::size_t i = j + 1; i < n; ++i) {
      if (shape.reads_before) weights.at(i, j) = static_cast<float>(dot(updates[i].read, carried.column(0)));
      carried.fade(shape, updates[i]);
      if (!shape.reads_before) weights.at(i, j) = static_cast<float>(dot(updates[i].read, carried.column(0)));
    }
  }
  return weights;
}

State state_before(const RecurrenceView& view, std::size_t unit) {
  State state(view.shape().key_dim, view.shape().value_dim);
  for (std::size_t c = 0; c < state.columns; ++c) {
    for (std::size_t k = 0; k < state.key_dim; ++k) state.column(c)[k] = view.before(unit, k, c);
  }
  return state;
}

// The lengths of what each row reads of the state that stood before the window.
std::vector<double> read_from_before(const Shape& shape, const std::vector<TokenUpdate>& updates, State state) {
  std::vector<double> lengths;
  for (const TokenUpdate& update : updates) {
    if (!shape.reads_before) state.fade(shape, update);
    std::vector<double> result;
    for (std::size_t c = 0; c < state.columns; ++c) result.push_back(dot(update.read, state.column(c)));
    lengths.push_back(length(result));
    if (shape.reads_before) state.fade(shape, update);
  }
  return lengths;
}

std::vector<float> shares_before(const RecurrenceView& view, std::size_t unit, const Grid& weights,
                                 const std::vector<double>& lengths) {
  std::vector<float> shares(view.rows());
  for (std::size_t i = 0; i < view.rows(); ++i) {
    double whole = lengths[i];
    for (std::size_t j = 0; j <= i; ++j) whole += std::fabs(double(weights.at(i, j))) * length(view.value(j, unit));
    shares[i] = whole > 0 ? static_cast<float>(lengths[i] / whole) : 0;
  }
  return shares;
}

double decay_of(const TokenUpdate& update) {
  double sum = 0;
  for (const double keep : update.keep) sum -= std::log(std::max(std::fabs(keep), 1e-30));
  return update.keep.empty() ? 0 : sum / double(update.keep.size());
}

// The state's fate, token by token.
void follow_state(const RecurrenceView& view, std::size_t unit, const std::vector<TokenUpdate>& updates,
                  UnitRecord& record) {
  State state = state_before(view, unit);
  for (std::size_t row = 0; row < view.rows(); ++row) {
    const TokenUpdate& update = updates[row];
    const std::span<const float> value = view.value(row, unit);
    const double before = state.length();
    state.fade(view.shape(), update);
    record.carried.push_back(static_cast<float>(state.length()));
    record.forgotten.push_back(before > 0 ? static_cast<float>(1 - state.length() / before) : 0);
    for (std::size_t c = 0; c < state.columns; ++c) {
      for (std::size_t k = 0; k < state.key_dim; ++k) state.column(c)[k] += update.write[k] * double(value[c]);
    }
    record.written.push_back(static_cast<float>(length(std::span<const double>(update.write)) * length(value)));
    record.state.push_back(static_cast<float>(state.length()));
    record.decay.push_back(static_cast<float>(decay_of(update)));
  }
}

void add(std::vector<float>& sums, const std::vector<float>& values, float share) {
  sums.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) sums[i] += share * values[i];
}

UnitRecord mean_of(const std::vector<UnitRecord>& units) {
  UnitRecord mean{.index = {}, .weights = Grid(units[0].weights.rows, units[0].weights.cols)};
  const float share = 1 / static_cast<float>(units.size());
  for (const UnitRecord& unit : units) {
    for (std::size_t i = 0; i < unit.weights.values.size(); ++i)
      mean.weights.values[i] += share * std::fabs(unit.weights.values[i]);
    add(mean.before, unit.before, share);
    add(mean.carried, unit.carried, share);
    add(mean.state, unit.state, share);
    add(mean.written, unit.written, share);
    add(mean.forgotten, unit.forgotten, share);
    add(mean.decay, unit.decay, share);
  }
  return mean;
}

// `n` of `all` at even distances, the first and the last among them.
template <class T>
std::vector<T> evenly(const std::vector<T>& all, std::size_t n) {
  if (all.size() <= n) return all;
  std::vector<T> some;
  for (std::size_t i = 0; i < n; ++i) some.push_back(all[i * (all.size() - 1) / (n - 1)]);
  return some;
}

}  // namespace

UnitRecord record_unit(const RecurrenceView& view, std::size_t unit, bool continued) {
  const auto updates = updates_of(view, unit);
  UnitRecord record{.index = unit, .weights = unrolled(view.shape(), updates)};
  record.before.assign(view.rows(), 0);
  if (continued) {
    const auto lengths = read_from_before(view.shape(), updates, state_before(view, unit));
    record.before = shares_before(view, unit, record.weights, lengths);
  }
  follow_state(view, unit, updates, record);
  return record;
}

MemoryRecord record_memory(const RecurrenceView& view, bool continued) {
  const Shape& shape = view.shape();
  MemoryRecord record{.kind = std::string(shape.kind),
                      .heads = shape.unit == RecurrenceView::Unit::head,
                      .fades = !shape.shifts,
                      .n_units = shape.units,
                      .key_dim = shape.key_dim,
                      .value_dim = shape.value_dim};
  std::vector<std::size_t> all(shape.units);
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<UnitRecord> units;
  for (const std::size_t unit : record.heads ? all : evenly(all, kMostAveraged))
    units.push_back(record_unit(view, unit, continued));
  if (record.heads) {
    record.units = std::move(units);
    return record;
  }
  record.averaged = units.size();
  record.units.push_back(mean_of(units));
  const auto faster = [](const UnitRecord& a, const UnitRecord& b) { return mean_decay(a) > mean_decay(b); };
  if (record.fades) std::stable_sort(units.begin(), units.end(), faster);
  for (UnitRecord& unit : evenly(units, kShownChannels)) record.units.push_back(std::move(unit));
  return record;
}

double mean_decay(const UnitRecord& unit) {
  return std::accumulate(unit.decay.begin(), unit.decay.end(), 0.0) / double(unit.decay.size());
}

std::optional<double> half_life(double decay) {
  if (!(decay > 1e-12)) return std::nullopt;
  return std::log(2.0) / decay;
}

}  // namespace continuo::explain
