// Law 3: explaining never changes a logit, on every kind of network, bit for bit.
#include <cstring>

#include "catch.h"
#include "explain/explain.h"
#include "explain/recorder.h"
#include "kernels/kernel_table.h"
#include "layers/forward.h"
#include "load_model.h"
#include "random_model.h"
#include "random_specs.h"
#include "support.h"

using namespace continuo;

namespace {

constexpr unsigned kSeed = 3141;

std::vector<Model> models() {
  std::vector<Model> all;
  all.push_back(test::random_llama(kSeed));
  all.push_back(test::random_llama(kSeed, {}, Format::bf16));
  all.push_back(test::random_gpt2(kSeed, {.n_heads = 4, .n_kv_heads = 4}));
  all.push_back(test::random_llama(kSeed, test::kWideShape));  // wide enough to be shared among threads
  for (Model& model : test::random_models(kSeed)) all.push_back(std::move(model));
  // One checkpoint of each kind of recurrent mixer, alone, beside attention and on one norm with it; and of loops.
  for (const char* const name :
       {"lfm2", "jamba", "mamba2", "falcon_h1", "qwen3_5_text", "recurrent_gemma", "rwkv", "rwkv5", "rwkv6", "rwkv7",
        "nemotron_h", "ouro", "huginn", "dory_small", "hrm_text_small"}) {
    all.push_back(test::load_model(test::source_folder() / "golden" / name));
  }
  return all;
}

// The logits of `ids` in three steps; of these, the second is watched where a listener is given.
std::vector<float> logits_of(const Model& model, const std::vector<TokenId>& ids, std::size_t from, std::size_t to,
                             int n_threads, Listener* listener) {
  ThreadPool threads(n_threads, n_threads);
  ForwardPass forward(model, best_kernels(), threads);
  SequenceState state(model.spec, ids.size(), ids.size());
  std::vector<float> all;
  const auto feed = [&](std::size_t first, std::size_t last, Listener* probe) {
    const Segment segment{&state, std::span(ids).subspan(first, last - first), last - first};
    const auto rows = probe ? forward(segment, *probe) : forward(std::span(&segment, 1));
    all.insert(all.end(), rows.begin(), rows.end());
  };
  feed(0, from, nullptr);
  feed(from, to, listener);
  feed(to, ids.size(), nullptr);
  return all;
}

}  // namespace

TEST_CASE("law 3: a watched step gives the same bits, and so does what follows it") {
  for (const Model& model : models()) {
    const auto ids = test::random_ids(90, model.spec.vocab_size, kSeed);
    for (const int threads : {1, 2}) {
      INFO(model.spec.family << " with " << threads << " threads");
      const auto silent = logits_of(model, ids, 20, 70, threads, nullptr);
      explain::Recording recording{.vocab_size = static_cast<std::size_t>(model.spec.vocab_size), .from = 20, .to = 70};
      explain::Recorder recorder(model.spec, recording);
      const auto watched = logits_of(model, ids, 20, 70, threads, &recorder);
      REQUIRE(silent.size() == watched.size());
      REQUIRE(std::memcmp(silent.data(), watched.data(), silent.size() * sizeof(float)) == 0);
      // It did listen: the logits that it kept are those of its step.
      const std::vector<LayerVisit> visits = layer_visits(model.spec);
      REQUIRE(recording.layers.size() == visits.size());
      for (std::size_t i = 0; i < recording.layers.size(); ++i) {
        const MixerSpec& mixer = model.spec.layers[visits[i].layer].mixer;
        REQUIRE(recording.layers[i].attention.has_value() == (attention_in(mixer) != nullptr));
        REQUIRE(recording.layers[i].memory.has_value() == (state_floats({.mixer = mixer}).mixer > 0));
      }
      REQUIRE(recording.hidden.size() == visits.size() + 1);
      REQUIRE(recording.loops.size() == (model.spec.loop ? model.spec.loop->loops : 0));
      for (std::size_t row = 0; model.spec.loop && row < recording.rows(); ++row) {
        // After the last loop it says what it says.
        const auto best = explain::best_guesses({&recording.logits.at(row, 0), recording.vocab_size}, 1).front();
        REQUIRE(recording.loops.back().rows[row].guesses.front().id == best.id);
        REQUIRE(recording.loops.back().rows[row].guesses.front().probability == best.probability);
      }
      REQUIRE(std::memcmp(recording.logits.values.data(), silent.data() + 20 * recording.vocab_size,
                          50 * recording.vocab_size * sizeof(float)) == 0);
    }
  }
}

TEST_CASE("law 3: the whole explanation is drawn from the logits that the silent pass gives") {
  for (const Model& model : models()) {
    INFO(model.spec.family);
    const auto ids = test::random_ids(24, model.spec.vocab_size, kSeed + 1);
    ThreadPool threads(1);
    const std::atomic<bool> not_interrupted{false};
    const explain::Machine machine{model, nullptr, best_kernels(), threads};
    explain::Question question{.ids = ids, .from = 0, .to = ids.size(), .without_mask = true};
    const auto recording = explain::explain(machine, question, not_interrupted);
    if (!recording) FAIL(recording.error().message());
    const auto silent = logits_of(model, ids, 1, 2, 1, nullptr);
    REQUIRE(std::memcmp(recording->logits.values.data(), silent.data(), silent.size() * sizeof(float)) == 0);
    // The lens at the last layer is the output itself.
    for (std::size_t row = 0; row < recording->rows(); ++row) REQUIRE(recording->layers.back().final_rank[row] == 0);
  }
}
