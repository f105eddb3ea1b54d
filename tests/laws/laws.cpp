// The laws of the design that the network must keep, each on random models, bit for bit.
#include <atomic>
#include <cmath>
#include <cstring>
#include <fstream>
#include <random>
#include <set>

#include "catch.h"
#include "generate/engine.h"
#include "kernels/kernel_table.h"
#include "kernels/reference.h"
#include "layers/forward.h"
#include "logits.h"
#include "random_model.h"
#include "random_specs.h"
#include "support.h"

using namespace continuo;
using test::Logits, test::logits_of, test::require_same;

namespace {

constexpr unsigned kSeed = 4242;
const std::atomic<bool> kNotInterrupted{false};

bool same_bits(const Logits& a, const Logits& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<Model> models() {
  std::vector<Model> all;
  all.push_back(test::random_llama(kSeed));
  all.push_back(test::random_llama(kSeed, {}, Format::bf16));
  all.push_back(test::random_gpt2(kSeed, {.n_heads = 4, .n_kv_heads = 4}));
  // Widths that are no multiple of anything, and a text that outgrows its dynamic rope.
  all.push_back(
      test::random_llama(kSeed, {.d_model = 50, .d_ff = 67, .n_heads = 5, .n_kv_heads = 1, .head_dim = 10}, Format::f32,
                         {{"rope_scaling", {{"type", "dynamic"}, {"factor", 8.0}}}, {"max_position_embeddings", 64}}));
  // Wide enough that the work is shared among threads.
  all.push_back(test::random_llama(kSeed, test::kWideShape));
  // Integer products, of formats with scales of 32 and of 16 weights, with shifts and without.
  all.push_back(test::random_llama(kSeed, {.d_model = 64, .d_ff = 96, .n_heads = 4, .head_dim = 16}, Format::q8_0));
  for (const Format format : {Format::q4_k, Format::q6_k}) {
    const test::RandomShape shape{.d_model = 256, .d_ff = 512, .n_layers = 2, .n_heads = 8, .head_dim = 32};
    all.push_back(test::random_llama(kSeed, shape, format));
  }
  // Every option of a spec.
  for (Model& model : test::random_models(kSeed)) all.push_back(std::move(model));
  return all;
}

// A last bit of an activation may turn its rounding to 8 bits the other way.
bool rounds_activations(const Model& model) { return !format_is_plain(model.weights.output.weight.format); }

// Pieces of random lengths, mostly short, that make up `n` tokens.
std::vector<std::size_t> random_cut(std::size_t n, std::mt19937& random) {
  std::vector<std::size_t> pieces;
  while (n > 0) {
    const std::size_t longest = random() % 4 == 0 ? 100 : 12;
    pieces.push_back(std::min<std::size_t>(n, 1 + random() % longest));
    n -= pieces.back();
  }
  return pieces;
}

}  // namespace

TEST_CASE("law 1: a prompt at once equals the prompt in pieces, down to single tokens") {
  for (const Model& model : models()) {
    const auto ids = test::random_ids(150, model.spec.vocab_size, kSeed);
    const Logits whole = logits_of(model, ids, {150});
    for (const auto& pieces : std::vector<std::vector<std::size_t>>{{1}, {7}, {64}, {149, 1}, {3, 90, 1}}) {
      INFO(model.spec.family << " in pieces of " << pieces[0]);
      require_same(logits_of(model, ids, pieces), whole, model.spec.vocab_size);
    }
  }
}

TEST_CASE("law 1: windows and pages may be cut anywhere") {
  constexpr std::size_t kLength = 230;
  std::mt19937 random(kSeed);
  for (const Model& model : models()) {
    const auto ids = test::random_ids(kLength, model.spec.vocab_size, kSeed);
    const Logits whole = logits_of(model, ids, {kLength});
    for (int i = 0; i < 4; ++i) {
      const auto pieces = random_cut(kLength, random);
      std::string cut;
      for (const std::size_t piece : pieces) cut += " " + std::to_string(piece);
      INFO(model.spec.family << " in pieces of" << cut);
      require_same(logits_of(model, ids, pieces, {.threads = 1 + i % 2}), whole, model.spec.vocab_size);
    }
  }
}

TEST_CASE("law 2: the number of threads changes no bit") {
  for (const Model& model : models()) {
    const auto ids = test::random_ids(100, model.spec.vocab_size, kSeed);
    const Logits one = logits_of(model, ids, {61, 1}, {.threads = 1});
    for (const int threads : {2, 3, 5}) {
      INFO(model.spec.family << " with " << threads << " threads");
      require_same(logits_of(model, ids, {61, 1}, {.threads = threads}), one, model.spec.vocab_size);
    }
  }
}

TEST_CASE("law 2: other sequences in the same step change no bit") {
  for (const Model& model : models()) {
    const std::size_t vocab = model.spec.vocab_size;
    ThreadPool threads(2);
    ForwardPass forward(model, best_kernels(), threads);
    std::vector<std::vector<TokenId>> texts;
    for (const std::size_t n : {5, 40, 1, 17, 131}) texts.push_back(test::random_ids(n, vocab, kSeed + unsigned(n)));
    std::vector<SequenceState> states;
    for (const auto& text : texts) states.emplace_back(model.spec, text.size(), text.size());
    std::vector<Segment> segments;
    for (std::size_t i = 0; i < texts.size(); ++i) segments.push_back({&states[i], texts[i], texts[i].size()});
    const auto rows = forward(segments);
    const float* row = rows.data();
    for (const auto& text : texts) {
      require_same({row, row + text.size() * vocab}, logits_of(model, text, {text.size()}), vocab);
      row += text.size() * vocab;
    }
  }
}

TEST_CASE("law 4: every instruction set agrees with the scalar reference") {
  for (const Model& model : models()) {
    const auto ids = test::random_ids(80, model.spec.vocab_size, kSeed);
    const Logits want = logits_of(model, ids, {70, 1}, {.kernels = kReferenceKernels});
    for (const KernelTable* table : available_kernels()) {
      INFO(model.spec.family << " with " << table->name);
      const Logits got = logits_of(model, ids, {70, 1}, {.kernels = *table});
      if (table->fused) {
        require_same(got, want, model.spec.vocab_size);
      } else {
        for (std::size_t i = 0; i < got.size(); ++i)
          REQUIRE(std::fabs(got[i] - want[i]) < (rounds_activations(model) ? 0.2f : 1e-3f));
      }
    }
  }
}

// ---- keys and values in each format ----

namespace {

// Texts that are several spans of keys long, whose heads share keys in groups, with a window and without.
std::vector<Model> long_models() {
  const test::RandomShape shape{
      .d_model = 48, .d_ff = 64, .n_layers = 2, .n_heads = 6, .n_kv_heads = 2, .head_dim = 20};
  std::vector<Model> models;
  models.push_back(test::random_llama(kSeed, shape, Format::f32, {{"max_position_embeddings", 2048}}));
  models.push_back(test::random_llama(kSeed, shape, Format::f32, {{"max_position_embeddings", 2048}}));
  for (LayerSpec& layer : models.back().spec.layers) std::get<AttentionSpec>(layer.mixer).window = 600;
  return models;
}

constexpr Format kKvTypes[] = {Format::f32, Format::f16, Format::q8_0};

}  // namespace

TEST_CASE("laws 1, 2 and 4 hold for texts of several spans, in each format of keys and values") {
  const std::size_t n = 1100;
  for (const Model& model : long_models()) {
    const auto ids = test::random_ids(n, model.spec.vocab_size, kSeed);
    Logits plain;
    for (const Format type : kKvTypes) {
      INFO("keys and values as " << format_info(type).name);
      const Logits whole = logits_of(model, ids, {n}, {.kv_type = type});
      if (type == Format::f32) plain = whole;
      REQUIRE(same_bits(whole, plain) == (type == Format::f32));  // rounding is not forgotten
      // Pieces of less than a tile, which are shared by spans, and of more; and threads.
      for (const auto& pieces : std::vector<std::vector<std::size_t>>{{500, 17}, {1000, 1}, {7}}) {
        require_same(logits_of(model, ids, pieces, {.threads = 3, .kv_type = type}), whole, model.spec.vocab_size);
      }
      require_same(logits_of(model, ids, {1060, 1}, {.kernels = kReferenceKernels, .kv_type = type}), whole,
                   model.spec.vocab_size);
    }
  }
}

TEST_CASE("rewinding and going on equals never having been there") {
  const Format type = GENERATE(Format::f32, Format::f16, Format::q8_0);
  const Model model = test::random_llama(kSeed);
  const auto ids = test::random_ids(60, model.spec.vocab_size, kSeed);
  const Logits want = logits_of(model, ids, {60}, {.kv_type = type});
  ThreadPool threads(1);
  ForwardPass forward(model, best_kernels(), threads);
  SequenceState state(model.spec, 60, 60, type);
  const auto other = test::random_ids(25, model.spec.vocab_size, kSeed + 1);
  const auto feed = [&](std::span<const TokenId> tokens) {
    const Segment segment{&state, tokens, tokens.size()};
    const auto rows = forward(std::span(&segment, 1));
    return Logits(rows.begin(), rows.end());
  };
  feed(std::span(ids).first(20));
  feed(other);
  state.rewind(20);
  const Logits rest = feed(std::span(ids).subspan(20));
  require_same(rest, {want.begin() + 20 * model.spec.vocab_size, want.end()}, model.spec.vocab_size);
}

namespace {

std::vector<TokenId> sampled(const Model& model, std::uint64_t seed, std::uint64_t sample, EngineOptions options) {
  auto engine = Engine::create(model, nullptr, options);
  if (!engine) FAIL(engine.error().message());
  Request request;
  request.prompt = test::random_ids(33, model.spec.vocab_size, kSeed);
  request.max_tokens = 60;
  request.ignore_eos = true;
  request.sampling.seed = seed;
  request.sampling.top_p = 0.95f;
  request.sample = sample;
  const auto completion = engine->complete(request, {}, kNotInterrupted);
  if (!completion) FAIL(completion.error().message());
  std::vector<TokenId> ids;
  for (const GeneratedToken& token : completion->tokens) ids.push_back(token.id);
  return ids;
}

}  // namespace

TEST_CASE("law 7: same seed, same text, whatever the threads, the chunks and the instruction set") {
  for (const Model& model : models()) {
    if (model.spec.context_length < 100) continue;
    const auto want = sampled(model, 7, 0, {.threads = 1});
    REQUIRE(want.size() == 60);
    for (const KernelTable* table : available_kernels()) {
      if (!table->fused) continue;
      REQUIRE(sampled(model, 7, 0, {.threads = 3, .kernels = std::string(table->name), .chunk = 5}) == want);
    }
    for (const Format type : {Format::f16, Format::q8_0}) {
      REQUIRE(sampled(model, 7, 0, {.threads = 3, .chunk = 5, .kv_type = type}) ==
              sampled(model, 7, 0, {.threads = 1, .kv_type = type}));
    }
    REQUIRE(sampled(model, 8, 0, {.threads = 1}) != want);
    REQUIRE(sampled(model, 7, 1, {.threads = 1}) != want);
  }
}

TEST_CASE("a broken kernel turns the suite red") {
  // The tests above compare with a reference; here one multiply-add is lost on purpose, and they must notice.
  static const KernelTable* const best = &best_kernels();
  KernelTable broken = *best;
  broken.rms_norm = [](const float* x, const float* weight, float eps, float* out, std::size_t n) {
    best->rms_norm(x, weight, eps, out, n);
    out[n - 1] = std::nextafter(out[n - 1], 0.0f);
  };
  const Model model = test::random_llama(kSeed);
  const auto ids = test::random_ids(20, model.spec.vocab_size, kSeed);
  const Logits want = logits_of(model, ids, {20}, {.kernels = kReferenceKernels});
  REQUIRE_FALSE(same_bits(logits_of(model, ids, {20}, {.kernels = broken}), want));
}

TEST_CASE("law 10: no build file asks for the builder's own instruction set") {
  const auto root = test::source_folder().parent_path();
  const std::set<std::string> forbidden = {"-march=native", "-ffast-math", "-Ofast", "-mavx", "-mfma", "-mtune=native"};
  std::size_t files = 0;
  const auto check = [&](const std::filesystem::path& path) {
    ++files;
    const std::string text = test::read_file(path);
    for (const std::string& flag : forbidden) {
      INFO(path.string() << " has " << flag);
      REQUIRE(text.find(flag) == std::string::npos);
    }
  };
  check(root / "CMakeLists.txt");
  check(root / "src/CMakeLists.txt");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root / "scripts")) {
    if (entry.path().extension() == ".cmake" || entry.path().filename() == "run" || entry.path().filename() == "test") {
      check(entry.path());
    }
  }
  REQUIRE(files >= 3);
}
