// The hidden attention of recurrent mixers: its matrix times the values is what the scan made, on one
// checkpoint of each kind of mixer, at the beginning of a text and behind other tokens.
#include <algorithm>
#include <cmath>
#include <set>

#include "catch.h"
#include "explain/memory_record.h"
#include "kernels/kernel_table.h"
#include "layers/forward.h"
#include "layers/probe.h"
#include "load_model.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;
using namespace continuo::explain;

namespace {

constexpr unsigned kSeed = 51;

const char* const kCases[] = {"lfm2",      "mamba",        "falcon_mamba", "mamba2",         "granite4_hybrid",
                              "falcon_h1", "qwen3_5_text", "qwen3_next",   "olmo_hybrid",    "rwkv5",
                              "rwkv6",     "rwkv7",        "rwkv",         "recurrent_gemma"};

// Checks every unit of every scan of the step that it watches.
class Checker : public Listener {
 public:
  explicit Checker(bool with_earlier) : continued_(with_earlier) {}
  bool watches_scans() const override { return true; }
  void scanned(std::size_t layer, const RecurrenceView* view) override {
    REQUIRE(view);
    kinds.insert(std::string(view->shape().kind));
    for (std::size_t unit = 0; unit < view->shape().units; ++unit) check(layer, *view, unit);
  }
  std::set<std::string> kinds;
  std::size_t checked = 0;

 private:
  void check(std::size_t layer, const RecurrenceView& view, std::size_t unit) {
    const UnitRecord record = record_unit(view, unit, continued_);
    REQUIRE(record.state.size() == view.rows());
    double largest = 1e-3;
    for (std::size_t row = 0; row < view.rows(); ++row) {
      for (const float y : view.result(row, unit)) largest = std::max(largest, std::fabs(double(y)));
    }
    for (std::size_t row = 0; row < view.rows(); ++row) {
      for (std::size_t c = 0; c < view.shape().value_dim; ++c) {
        double y = rest(view, unit, row, c);
        for (std::size_t j = 0; j <= row; ++j) y += double(record.weights.at(row, j)) * double(view.value(j, unit)[c]);
        INFO(view.shape().kind << ", layer " << layer << ", unit " << unit << ", row " << row << ", value " << c);
        REQUIRE(std::fabs(y - double(view.result(row, unit)[c])) < 2e-5 * largest);
        ++checked;
      }
      for (std::size_t j = row + 1; j < view.rows(); ++j) REQUIRE(record.weights.at(row, j) == 0);
      REQUIRE((record.before[row] > 0) <= continued_);
    }
  }

  // What does not come from the window: the constant, and the state before it, carried along by hand.
  double rest(const RecurrenceView& view, std::size_t unit, std::size_t last, std::size_t c) const {
    const auto& shape = view.shape();
    std::vector<double> s(shape.key_dim);
    for (std::size_t k = 0; k < s.size(); ++k) s[k] = continued_ ? view.before(unit, k, c) : 0;
    double read = 0;
    TokenUpdate update;
    const auto read_now = [&] {
      read = 0;
      for (std::size_t k = 0; k < s.size(); ++k) read += update.read[k] * s[k];
    };
    for (std::size_t row = 0; row <= last; ++row) {
      view.update(row, unit, update);
      if (shape.reads_before) read_now();
      std::vector<double> next(s.size());
      double held = 0;
      for (std::size_t k = 0; k < s.size() && !update.key.empty(); ++k) held += update.key[k] * s[k];
      for (std::size_t k = 0; k < s.size(); ++k) {
        const double old = !shape.shifts ? s[k] : k + 1 < s.size() ? s[k + 1] : 0;
        next[k] = update.keep[k] * old - (update.take.empty() ? 0 : update.take[k] * held);
      }
      s = next;
      if (!shape.reads_before) read_now();
    }
    return read + update.constant;
  }

  bool continued_;
};

}  // namespace

TEST_CASE("hidden attention: the matrix times the inputs is what the mixer's scan makes") {
  std::set<std::string> kinds;
  for (const char* const name : kCases) {
    const Model model = test::load_model(test::source_folder() / "golden" / name);
    const auto ids = test::random_ids(30, model.spec.vocab_size, kSeed);
    for (const std::size_t before : {std::size_t{0}, std::size_t{11}}) {
      INFO(name << ", from token " << before << " on");
      ThreadPool threads(1);
      ForwardPass forward(model, best_kernels(), threads);
      SequenceState state(model.spec, ids.size(), ids.size());
      if (before > 0) {
        const Segment segment{&state, std::span(ids).first(before), 0};
        forward(std::span(&segment, 1));
      }
      Checker checker(before > 0);
      forward(Segment{&state, std::span(ids).subspan(before), 1}, checker);
      REQUIRE(checker.checked > 0);
      kinds.insert(checker.kinds.begin(), checker.kinds.end());
    }
  }
  CHECK(kinds ==
        std::set<std::string>{"short_conv", "mamba", "mamba2", "delta_net", "rg_lru", "rwkv4", "rwkv", "rwkv7"});
}

TEST_CASE("hidden attention: RWKV-4 averages, a short convolution is a band") {
  const auto watch = [](const char* name, auto look) {
    const Model model = test::load_model(test::source_folder() / "golden" / name);
    const auto ids = test::random_ids(12, model.spec.vocab_size, kSeed);
    struct Looker : Listener {
      decltype(look)* f;
      std::size_t seen = 0;
      bool watches_scans() const override { return true; }
      void scanned(std::size_t, const RecurrenceView* view) override {
        (*f)(*view);
        ++seen;
      }
    } listener;
    listener.f = &look;
    ThreadPool threads(1);
    ForwardPass forward(model, best_kernels(), threads);
    SequenceState state(model.spec, ids.size(), ids.size());
    forward(Segment{&state, ids, 1}, listener);
    REQUIRE(listener.seen > 0);
  };
  watch("rwkv", [](const RecurrenceView& view) {
    const Grid weights = record_unit(view, 0, false).weights;
    for (std::size_t i = 0; i < weights.rows; ++i) {
      double sum = 0;
      for (std::size_t j = 0; j <= i; ++j) {
        REQUIRE(weights.at(i, j) >= 0);
        sum += weights.at(i, j);
      }
      REQUIRE(std::fabs(sum - 1) < 1e-5);
    }
  });
  watch("lfm2", [](const RecurrenceView& view) {
    const MemoryRecord memory = record_memory(view, false);
    REQUIRE_FALSE(memory.fades);
    for (const UnitRecord& unit : memory.units) {
      for (std::size_t i = 0; i < unit.weights.rows; ++i) {
        for (std::size_t j = 0; j + memory.key_dim < i; ++j) REQUIRE(unit.weights.at(i, j) == 0);
      }
    }
  });
}

TEST_CASE("what is kept of a state: half-lives, what is written and what is forgotten") {
  const Model model = test::load_model(test::source_folder() / "golden" / "mamba2");
  const auto ids = test::random_ids(20, model.spec.vocab_size, kSeed);
  struct Looker : Listener {
    bool watches_scans() const override { return true; }
    void scanned(std::size_t, const RecurrenceView* view) override {
      const MemoryRecord memory = record_memory(*view, false);
      REQUIRE(memory.units.size() == view->shape().units);  // heads are all shown
      for (const UnitRecord& unit : memory.units) {
        REQUIRE(unit.forgotten[0] == 0);  // there was nothing
        REQUIRE(std::fabs(double(unit.state[0]) - double(unit.written[0])) <= 1e-5 * double(unit.written[0]));
        for (std::size_t row = 1; row < unit.state.size(); ++row) {
          // One rate for the whole head: what is gone is 1 - e^-decay.
          const double gone = 1 - std::exp(-double(unit.decay[row]));
          REQUIRE(std::fabs(double(unit.forgotten[row]) - gone) < 1e-5);
          REQUIRE(std::fabs(*half_life(unit.decay[row]) * double(unit.decay[row]) - std::log(2.0)) < 1e-9);
        }
      }
    }
  } listener;
  ThreadPool threads(1);
  ForwardPass forward(model, best_kernels(), threads);
  SequenceState state(model.spec, ids.size(), ids.size());
  forward(Segment{&state, ids, 1}, listener);
  CHECK_FALSE(half_life(0));
}
