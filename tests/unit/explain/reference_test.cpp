// What the recorder hears against Hugging Face transformers' output_attentions and output_hidden_states
// (scripts/make_attention_goldens.py).
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/json.h"
#include "catch.h"
#include "explain/recorder.h"
#include "io/checkpoint.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "model/model.h"
#include "load_model.h"
#include "support.h"

using namespace continuo;
using namespace continuo::explain;
namespace fs = std::filesystem;

namespace {

// All of `ids` in one watched step, after the first `before` of them in a silent one.
Recording record(const Model& model, const std::vector<TokenId>& ids, std::size_t before) {
  Recording r;
  r.vocab_size = static_cast<std::size_t>(model.spec.vocab_size);
  r.from = before;
  r.to = ids.size();
  ThreadPool threads(1);
  ForwardPass forward(model, best_kernels(), threads);
  SequenceState state(model.spec, ids.size(), ids.size());
  if (before > 0) {
    const Segment segment{&state, std::span(ids).first(before), 0};
    forward(std::span(&segment, 1));
  }
  Recorder recorder(model.spec, r);
  forward(Segment{&state, std::span(ids).subspan(before), r.rows()}, recorder);
  return r;
}

void check_weights(const Recording& r, const Json& attentions) {
  REQUIRE(r.layers.size() == attentions.size());
  for (std::size_t layer = 0; layer < r.layers.size(); ++layer) {
    REQUIRE(r.layers[layer].attention);
    const auto& heads = r.layers[layer].attention->heads;
    REQUIRE(heads.size() == attentions[layer].size());
    for (std::size_t head = 0; head < heads.size(); ++head) {
      for (std::size_t i = 0; i < r.rows(); ++i) {
        const auto want = attentions[layer][head][r.from + i].get<std::vector<double>>();
        double before = 0;
        for (std::size_t j = 0; j < r.from; ++j) before += want[j];
        INFO("layer " << layer << ", head " << head << ", row " << i);
        REQUIRE(std::fabs(double(heads[head].before[i]) - before) < 1e-5);
        for (std::size_t j = 0; j < r.rows(); ++j) {
          const double reference = j <= i ? want[r.from + j] : 0;
          REQUIRE(std::fabs(double(heads[head].weights.at(i, j)) - reference) < 1e-5);
        }
      }
    }
  }
}

// Relative to the largest value of the layer's rows: float32 itself, the reference's included, is no finer.
void check_hidden(const Recording& r, const Json& states) {
  REQUIRE(r.hidden.size() == states.size() + 1);
  for (std::size_t layer = 0; layer < states.size(); ++layer) {
    double largest = 1;
    for (const auto& row : states[layer].get<std::vector<std::vector<double>>>()) {
      for (const double value : row) largest = std::max(largest, std::fabs(value));
    }
    for (std::size_t i = 0; i < r.rows(); ++i) {
      const auto want = states[layer][r.from + i].get<std::vector<double>>();
      REQUIRE(r.hidden[layer].cols == want.size());
      for (std::size_t d = 0; d < want.size(); ++d) {
        INFO("layer " << layer << ", row " << i << ", dimension " << d);
        REQUIRE(std::fabs(double(r.hidden[layer].at(i, d)) - want[d]) < 1e-5 * largest);
      }
    }
  }
}

}  // namespace

TEST_CASE("attention weights and hidden states equal the reference's within 1e-5") {
  std::size_t cases = 0;
  for (const char* name : {"gpt2", "llama", "gemma2", "bloom"}) {
    const fs::path folder = test::source_folder() / "golden" / name;
    REQUIRE(fs::exists(folder / "attention.json"));
    const Model model = test::load_model(folder);
    const Json reference = Json::parse(test::read_file(folder / "attention.json"));
    const auto ids = reference["ids"].get<std::vector<TokenId>>();
    for (const std::size_t before : {std::size_t{0}, std::size_t{7}}) {
      INFO(name << ", the window from token " << before << " on");
      const Recording r = record(model, ids, before);
      check_weights(r, reference["attentions"]);
      check_hidden(r, reference["hidden_states"]);
    }
    ++cases;
  }
  REQUIRE(cases == 4);
}
