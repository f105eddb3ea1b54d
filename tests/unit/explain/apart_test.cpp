// A network taken apart, against the reference library's own modules (scripts/make_attribution_goldens.py): what each part
// writes into the answer, what happens without it, and what the mask keeps out of sight.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/json.h"
#include "catch.h"
#include "explain/attention_facts.h"
#include "explain/changed_model.h"
#include "explain/cost.h"
#include "explain/explain.h"
#include "kernels/kernel_table.h"
#include "kernels/thread_pool.h"
#include "layers/forward.h"
#include "load_model.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;
using namespace continuo::explain;

namespace {

const std::atomic<bool> kNotInterrupted{false};

Recording explained(const Model& model, Question question) {
  ThreadPool threads(1);
  const Machine machine{model, nullptr, best_kernels(), threads};
  question.to = question.to == 0 ? question.ids.size() : question.to;
  auto recording = explain::explain(machine, question, kNotInterrupted);
  if (!recording) FAIL(recording.error().message());
  return std::move(*recording);
}

const PartShare& part_of(const Recording& r, PartShare::Kind kind, std::size_t layer, std::size_t head = 0) {
  for (const PartShare& part : r.attribution.parts) {
    if (part.kind == kind && part.layer == layer && part.head == head) return part;
  }
  FAIL("a part is missing");
  std::abort();
}

void check_share(const PartShare& part, const Json& want, double scale) {
  INFO("layer " << part.layer << ", head " << part.head);
  REQUIRE(std::fabs(part.answer - want[0].get<double>()) < 2e-5 * scale);
  REQUIRE(std::fabs(part.rival - want[1].get<double>()) < 2e-5 * scale);
}

void check_attribution(const Recording& r, const Json& want) {
  REQUIRE(r.attribution.answer.id == want["answer"].get<TokenId>());
  REQUIRE(r.attribution.rival.id == want["rival"].get<TokenId>());
  const double scale = 1 + std::fabs(want["answer_logit"].get<double>());
  REQUIRE(std::fabs(r.attribution.answer_logit - want["answer_logit"].get<double>()) < 1e-4 * scale);
  check_share(part_of(r, PartShare::Kind::embedding, 0), want["embedding"], scale);
  for (std::size_t i = 0; i < r.layers.size(); ++i) {
    check_share(part_of(r, PartShare::Kind::feed, i), want["feed"][i], scale);
    for (std::size_t head = 0; head < want["heads"][i].size(); ++head)
      check_share(part_of(r, PartShare::Kind::head, i, head), want["heads"][i][head], scale);
  }
  double answer = 0, rival = 0;
  for (const PartShare& part : r.attribution.parts) {
    answer += part.answer;
    rival += part.rival;
  }
  REQUIRE(std::fabs(answer - r.attribution.answer_logit) < 1e-9 * scale);
  REQUIRE(std::fabs(rival - r.attribution.rival_logit) < 1e-9 * scale);
}

void check_left_out(const Recording& r, const Json& want) {
  REQUIRE(r.what_if.complete);
  const auto check = [&](const Ablation& out, const Json& probability) {
    INFO("layer " << out.layer << ", head " << out.head << ", row " << out.row);
    REQUIRE(std::fabs(double(out.answer) - probability.get<double>()) < 1e-5);
    REQUIRE(out.divergence >= 0);
  };
  REQUIRE(r.what_if.layers.size() == want["without_layer"].size());
  for (const Ablation& out : r.what_if.layers) check(out, want["without_layer"][out.layer]);
  std::size_t heads = 0;
  for (const Json& layer : want["without_head"]) heads += layer.size();
  REQUIRE(r.what_if.heads.size() == heads);
  for (const Ablation& out : r.what_if.heads) check(out, want["without_head"][out.layer][out.head]);
  REQUIRE(r.what_if.tokens.size() == r.rows());
  for (std::size_t row = 0; row + 1 < r.rows(); ++row) check(r.what_if.tokens[row], want["without_token"][row]);
  // Without the last token the text ends where the row before it looks.
  const auto before = best_guesses({&r.logits.at(r.rows() - 2, 0), r.vocab_size}, 1).front();
  REQUIRE(r.what_if.tokens.back().best.front().id == before.id);
  REQUIRE(r.what_if.tokens.back().best.front().probability == before.probability);
}

}  // namespace

TEST_CASE("who wrote the answer, what goes without whom, and the mask taken away equal the reference's") {
  for (const char* const name : {"gpt2", "llama", "gemma2"}) {
    INFO(name);
    const auto folder = test::source_folder() / "golden" / name;
    const Model model = test::load_model(folder);
    const Json want = Json::parse(test::read_file(folder / "attribution.json"));
    Question question{.ids = want["ids"].get<std::vector<TokenId>>()};
    question.parts = kPass | kAttention | kAttribution | kWhatIf | kUnmasked;
    question.no_limits = true;
    const Recording r = explained(model, question);
    check_attribution(r, want);
    check_left_out(r, want);
    REQUIRE(r.unmasked.absent.empty());
    for (std::size_t row = 0; row + 1 < r.rows() && !want["unmasked"].is_null(); ++row)
      REQUIRE(std::fabs(*r.unmasked.logprobs[row] - want["unmasked"][row].get<double>()) < 1e-4);
    REQUIRE_FALSE(r.unmasked.logprobs.back());
    // The square is filled on both sides of the diagonal, and its rows add up to 1.
    REQUIRE(r.unmasked.weights);
    for (std::size_t row = 0; row < r.rows(); ++row) {
      double sum = 0;
      for (std::size_t col = 0; col < r.rows(); ++col) sum += double(r.unmasked.weights->at(row, col));
      REQUIRE(std::fabs(sum - 1) < 1e-5);
    }
    REQUIRE(r.unmasked.weights->at(0, 1) > 0);
  }
}

TEST_CASE("attribution adds up on every family that it can take apart, and says where it cannot") {
  const auto explained_of = [](const char* name) {
    const Model model = test::load_model(test::source_folder() / "golden" / name);
    Question question{.ids = test::random_ids(12, model.spec.vocab_size, 5)};
    question.parts = kPass | kAttribution;
    return explained(model, question);
  };
  // Parallel blocks, biases, scaled residuals, layer inputs, experts, recurrent layers, latent attention, norms behind.
  for (const char* const name : {"gptj", "phi", "granite", "gemma4_text", "mixtral", "mamba", "falcon_h1",
                                 "deepseek_v2", "olmo2", "zamba2", "rwkv7", "gemma3", "cohere", "gpt_oss", "bitnet"}) {
    INFO(name);
    const Recording r = explained_of(name);
    REQUIRE(r.attribution.absent.empty());
    double answer = 0;
    const PartShare* rest = nullptr;
    for (const PartShare& part : r.attribution.parts) {
      answer += part.answer;
      if (part.kind == PartShare::Kind::rest) rest = &part;
    }
    REQUIRE(std::fabs(answer - r.attribution.answer_logit) < 1e-9 * (1 + std::fabs(r.attribution.answer_logit)));
    REQUIRE(rest);
    REQUIRE(std::fabs(rest->answer) < 2e-4 * (1 + std::fabs(r.attribution.answer_logit)));
  }
  REQUIRE(explained_of("opt_350m").attribution.absent == "post_norm");
  REQUIRE(explained_of("modernbert_decoder").attribution.absent == "output_head");
}

TEST_CASE("q, k and v of the recording make its scores, its weights and what the heads hand on") {
  const Model model = test::load_model(test::source_folder() / "golden" / "llama");
  const Recording r =
      explained(model, {.ids = test::random_ids(14, model.spec.vocab_size, 7), .parts = kPass | kAttention});
  for (const LayerRecord& layer : r.layers) {
    const AttentionRecord& attention = *layer.attention;
    const std::size_t head_dim = static_cast<std::size_t>(attention.spec.head_dim), last = r.rows() - 1;
    for (std::size_t h = 0; h < attention.heads.size(); ++h) {
      const HeadRecord& head = attention.heads[h];
      const Grid &keys = attention.keys[head.kv_head], &values = attention.values[head.kv_head];
      for (std::size_t i = 0; i < r.rows(); ++i) {
        for (std::size_t j = 0; j < r.rows(); ++j) {
          double product = 0;
          for (std::size_t d = 0; d < head_dim; ++d) product += double(head.queries.at(i, d)) * double(keys.at(j, d));
          REQUIRE(std::fabs(product * double(attention.spec.scale) - double(head.scores.at(i, j))) < 1e-5);
        }
      }
      // The forward pass's own result, which streams and keeps no weights.
      for (std::size_t d = 0; d < head_dim; ++d) {
        double sum = 0;
        for (std::size_t j = 0; j <= last; ++j) sum += double(head.weights.at(last, j)) * double(values.at(j, d));
        REQUIRE(std::fabs(sum - double(attention.last_inputs[h * head_dim + d])) < 1e-5);
      }
    }
  }
}

TEST_CASE("rows of heads with a sink add up to 1 with what the sink takes") {
  const Model model = test::load_model(test::source_folder() / "golden" / "gpt_oss");
  const Recording r =
      explained(model, {.ids = test::random_ids(10, model.spec.vocab_size, 3), .parts = kPass | kAttention});
  std::size_t seen = 0;
  for (const LayerRecord& layer : r.layers) {
    for (const HeadRecord& head : layer.attention->heads) {
      REQUIRE(head.sink.size() == r.rows());
      for (std::size_t i = 0; i < r.rows(); ++i) {
        double sum = double(head.sink[i]) + double(head.before[i]);
        for (std::size_t j = 0; j < r.rows(); ++j) sum += double(head.weights.at(i, j));
        REQUIRE(std::fabs(sum - 1) < 1e-5);
        REQUIRE(head.sink[i] > 0);
        ++seen;
      }
    }
  }
  REQUIRE(seen > 0);
}

TEST_CASE("routing: every row goes to the experts whose weights it has") {
  const Model model = test::load_model(test::source_folder() / "golden" / "mixtral");
  const Recording r = explained(model, {.ids = test::random_ids(9, model.spec.vocab_size, 3), .parts = kPass});
  std::size_t layers = 0;
  for (const LayerRecord& layer : r.layers) {
    if (!layer.routing) continue;
    ++layers;
    REQUIRE(layer.routing->rows.size() == r.rows());
    for (const auto& row : layer.routing->rows) {
      REQUIRE(row.size() == layer.routing->n_active);
      double sum = 0;
      for (std::size_t i = 0; i < row.size(); ++i) {
        REQUIRE(row[i].expert < layer.routing->n_experts);
        if (i > 0) REQUIRE(row[i - 1].expert < row[i].expert);
        sum += double(row[i].weight);
      }
      REQUIRE(std::fabs(sum - 1) < 1e-5);  // Mixtral divides by the sum
    }
  }
  REQUIRE(layers == r.layers.size());
}

TEST_CASE("positions that no file holds are shown as they are added") {
  const Model model = test::load_model(test::source_folder() / "golden" / "xglm");
  const Recording r = explained(model, {.ids = test::random_ids(6, model.spec.vocab_size, 3), .parts = 0});
  REQUIRE(r.positions.kind == PositionKind::sinusoidal);
  const auto& spec = std::get<SinusoidalPositions>(model.spec.positions);
  const std::size_t half = r.positions.rows.cols / 2;
  for (std::size_t i = 0; i < r.rows(); ++i) {
    const double n = double(i) + spec.offset;
    REQUIRE(r.positions.rows.at(i, 0) == Approx(std::sin(n)).margin(1e-6));
    REQUIRE(r.positions.rows.at(i, half) == Approx(std::cos(n)).margin(1e-6));
    REQUIRE(r.positions.rows.at(i, half - 1) == Approx(std::sin(n / 10000)).margin(1e-6));
    REQUIRE(r.positions.cosines.at(i, i) == Approx(1).margin(1e-6));
  }
  REQUIRE(r.layers.empty());  // nothing wanted a pass
}

TEST_CASE("only what is wanted is computed") {
  const Model model = test::random_llama(3);
  const auto ids = test::random_ids(8, model.spec.vocab_size, 3);
  const Recording none = explained(model, {.ids = ids, .parts = 0});
  CHECK(none.logits.values.empty());
  CHECK(none.outputs.empty());
  CHECK(none.cost.work.empty());
  CHECK(none.tokens.size() == 8);
  CHECK(none.tokens[0].nearest.empty());
  const Recording pass = explained(model, {.ids = ids, .parts = kPass});
  CHECK(pass.outputs.size() == 8);
  CHECK(pass.layers[0].attention->heads.empty());
  CHECK(pass.layers[0].lens.empty());
  CHECK(pass.tree.empty());
  CHECK(pass.what_if.before.empty());
}

TEST_CASE("the tree of continuations holds the probabilities that the model gives along each path") {
  const Model model = test::random_llama(17);
  const auto ids = test::random_ids(6, model.spec.vocab_size, 9);
  const Recording r = explained(model, {.ids = ids, .parts = kPass | kTree});
  REQUIRE(r.tree.size() > 6);
  ThreadPool threads(1);
  for (std::size_t i = 0; i < r.tree.size(); ++i) {
    std::vector<TokenId> text;
    for (auto at = r.tree[i].parent; at; at = r.tree[*at].parent) text.insert(text.begin(), r.tree[*at].id);
    text.insert(text.begin(), ids.begin(), ids.end());
    ForwardPass forward(model, best_kernels(), threads);
    SequenceState state(model.spec, text.size(), text.size());
    const Segment segment{&state, text, 1};
    const auto logits = forward(std::span(&segment, 1));
    double sum = 0, path = double(r.tree[i].probability);
    for (const float logit : logits) sum += std::exp(double(logit) - double(logits[0]));
    const double want = std::exp(double(logits[static_cast<std::size_t>(r.tree[i].id)]) - double(logits[0])) / sum;
    REQUIRE(std::fabs(double(r.tree[i].probability) - want) < 1e-6);
    for (auto at = r.tree[i].parent; at; at = r.tree[*at].parent) {
      REQUIRE(*at < i);
      path *= double(r.tree[*at].probability);
    }
    REQUIRE(r.tree[i].path == Approx(path).epsilon(1e-9));
  }
}

TEST_CASE("an encoder is explained: its matrix is a square, and each token is guessed from all others") {
  const auto folder = test::source_folder() / "golden" / "encoders" / "bert";
  const Model model = test::load_model(folder);
  const auto ids = test::random_ids(9, model.spec.vocab_size, 21);
  Question question{.ids = ids};
  question.parts = kAllParts;
  question.mask = 1;
  const Recording r = explained(model, question);
  REQUIRE(r.both_sides);
  const HeadRecord& head = r.layers[0].attention->heads[0];
  for (std::size_t i = 0; i < r.rows(); ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < r.rows(); ++j) sum += double(head.weights.at(i, j));
    REQUIRE(std::fabs(sum - 1) < 1e-5);
  }
  REQUIRE(head.weights.at(0, r.rows() - 1) > 0);
  REQUIRE(r.outputs.size() == r.rows());
  ThreadPool threads(1);
  for (std::size_t i = 0; i < r.rows(); ++i) {
    auto hidden = ids;
    hidden[i] = 1;
    ForwardPass forward(model, best_kernels(), threads);
    SequenceState state(model.spec, hidden.size(), hidden.size());
    const Segment segment{.state = &state, .tokens = hidden, .chosen = std::span(&i, 1)};
    const auto logits = forward(std::span(&segment, 1));
    REQUIRE(r.outputs[i].next == ids[i]);
    REQUIRE(r.outputs[i].guesses.front().id == best_guesses(logits, 1).front().id);
  }
  REQUIRE(r.ladder.logits_best.empty());
  REQUIRE(r.tree.empty());
}

TEST_CASE("counted operations: attention grows with the square, the rest with the length") {
  const Model model = test::random_llama(3);
  const Recording r = explained(model, {.ids = {1, 2, 3}, .parts = kPhases});
  REQUIRE(r.cost.work.front().length == 16);
  REQUIRE(r.cost.work.back().length == 4096);
  REQUIRE(r.cost.curve.empty());
  for (std::size_t i = 1; i < r.cost.work.size(); ++i) {
    const WorkPoint &half = r.cost.work[i - 1], &whole = r.cost.work[i];
    const double n = double(half.length);
    REQUIRE(whole.attention / half.attention == Approx((2 * n * (2 * n + 1)) / (n * (n + 1))).epsilon(1e-12));
    REQUIRE(whole.feed == Approx(2 * half.feed).epsilon(1e-12));
    REQUIRE(whole.decode_other == Approx(half.decode_other).epsilon(1e-12));
  }
  // From one token behind n to n + 1 tokens behind none.
  REQUIRE(operations(model, 3, 4) + operations(model, 0, 3) > operations(model, 0, 4));  // the output twice
}

TEST_CASE("a head is named by where it looks most") {
  HeadFacts facts{.first_token = 0.3, .previous_token = 0.7, .own_token = 0.1};
  CHECK(kind_of(facts) == HeadKind::previous_token);
  facts.induction = 0.8;
  CHECK(kind_of(facts) == HeadKind::induction);
  CHECK(kind_of({.first_token = 0.3, .previous_token = 0.3}) == HeadKind::mixed);
  CHECK(kind_of({.first_token = 0.55, .previous_token = 0.45}) == HeadKind::previous_token);
  CHECK(kind_of({.first_token = 0.55, .previous_token = 0.35}) == HeadKind::first_token);
}

TEST_CASE("a changed model is as it was once it is restored") {
  const Model model = test::random_llama(3);
  ChangedModel changed(model);
  changed.leave_out_layer(0);
  CHECK(changed.model().spec.layers[0].residual_scale == 0);
  changed.restore();
  CHECK(changed.model().spec.layers[0].residual_scale == model.spec.layers[0].residual_scale);
  changed.leave_out_head(1, 0);
  const Matrix& out = std::get<AttentionWeights>(changed.model().weights.layers[1].mixer).out.weight;
  const Matrix& was = std::get<AttentionWeights>(model.weights.layers[1].mixer).out.weight;
  CHECK(out.data != was.data);
  changed.restore();
  CHECK(out.data == was.data);
  CHECK(out.format == was.format);
}
