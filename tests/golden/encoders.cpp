// Encoders against Hugging Face transformers: logits at every mask, hidden states, pseudo-log-likelihoods.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "base/json.h"
#include "catch.h"
#include "generate/encoder.h"
#include "generate/engine.h"
#include "gguf_bytes.h"
#include "load_model.h"
#include "loading/embedding_settings.h"
#include "support.h"

using namespace continuo;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> cases_in(const fs::path& folder) {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (fs::exists(entry.path() / "expected.json")) cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

void check_rows(std::span<const float> found, const Json& expected, double tolerance) {
  std::size_t at = 0;
  for (const Json& row : expected) {
    for (const Json& value : row) {
      INFO("value " << at);
      REQUIRE(at < found.size());
      REQUIRE(std::fabs(double(found[at++]) - value.get<double>()) < tolerance);
    }
  }
  REQUIRE(at == found.size());
}

void check_hidden(std::span<const float> found, const std::vector<double>& expected) {
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::fabs(value));
  for (std::size_t i = 0; i < expected.size(); ++i) {
    INFO("value " << i);
    REQUIRE(std::fabs(double(found[i]) - expected[i]) < 1e-5 * largest);
  }
}

void check_prompt(Encoder& encoder, const Json& prompt, TokenId mask, std::size_t d_model) {
  const auto ids = prompt["ids"].get<std::vector<TokenId>>(), whole = prompt["whole"].get<std::vector<TokenId>>();
  const auto types = prompt["token_types"].get<std::vector<std::uint8_t>>();
  const bool typed = std::any_of(types.begin(), types.end(), [](std::uint8_t type) { return type > 0; });
  const auto masks = prompt["masks"].get<std::vector<std::size_t>>();
  const EncoderText text{ids, typed ? types : std::span<const std::uint8_t>{}, masks};
  REQUIRE(encoder.check(text));
  check_rows(encoder.logits({&text, 1}), prompt["logits"], 1e-4);

  const EncoderText full{ids, text.token_types};
  const std::span<const float> hidden = encoder.hidden_states({&full, 1});
  REQUIRE(hidden.size() == ids.size() * d_model);
  check_hidden(hidden.first(d_model), prompt["hidden_last"].get<std::vector<double>>());
  std::vector<float> mean(d_model);
  for (std::size_t i = 0; i < hidden.size(); ++i) mean[i % d_model] += hidden[i] / static_cast<float>(ids.size());
  check_hidden(mean, prompt["mean"].get<std::vector<double>>());

  const EncoderText unmasked{whole, text.token_types};
  const auto each = encoder.masked_log_probabilities({&unmasked, 1}, mask);
  REQUIRE(each);
  REQUIRE(std::fabs(std::accumulate(each->begin(), each->end(), 0.0) - prompt["pll"].get<double>()) < 1e-3);
}

}  // namespace

TEST_CASE("encoders give the reference's logits, hidden states and pseudo-log-likelihoods") {
  const std::vector<fs::path> cases = cases_in(test::source_folder() / "golden/encoders");
  REQUIRE(cases.size() >= 7);
  for (const fs::path& folder : cases) {
    DYNAMIC_SECTION(folder.filename().string()) {
      const Json expected = Json::parse(test::read_file(folder / "expected.json"));
      const Model model = test::load_model(folder);
      auto encoder = Encoder::create(model, {});
      REQUIRE(encoder);
      for (const Json& prompt : expected["prompts"]) {
        INFO("a text of " << prompt["ids"].size());
        check_prompt(*encoder, prompt, expected["mask_id"].get<TokenId>(), std::size_t(model.spec.d_model));
      }
    }
  }
}

TEST_CASE("an encoder's text does not depend on its company, nor on threads") {
  const Model model = test::load_model(test::source_folder() / "golden/encoders/modernbert");
  std::vector<TokenId> longer(90), shorter(7);
  for (std::size_t i = 0; i < longer.size(); ++i) longer[i] = TokenId(i * 37 % 256);
  for (std::size_t i = 0; i < shorter.size(); ++i) shorter[i] = TokenId(200 - i);
  auto one = Encoder::create(model, {.threads = 1});
  auto two = Encoder::create(model, {.threads = 2});
  REQUIRE((one && two));
  const EncoderText alone{shorter};
  const std::span<const float> found = one->logits({&alone, 1});
  const std::vector<float> expected(found.begin(), found.end());
  const EncoderText both[] = {{longer}, {shorter}};
  const std::span<const float> together = two->logits(both);
  CHECK(std::equal(expected.begin(), expected.end(), together.end() - std::ptrdiff_t(expected.size())));
}

namespace {

// A tensor of a folder by its name in GGUF files, as llama.cpp's converter has it; empty: it is left out.
std::string gguf_name(std::string name) {
  static const std::pair<std::string, std::string> kParts[] = {
      {"bert.", ""},
      {"embeddings.word_embeddings", "token_embd"},
      {"embeddings.position_embeddings", "position_embd"},
      {"embeddings.token_type_embeddings", "token_types"},
      {"embeddings.LayerNorm", "token_embd_norm"},
      {"encoder.layer.", "blk."},
      {"attention.self.query", "attn_q"},
      {"attention.self.key", "attn_k"},
      {"attention.self.value", "attn_v"},
      {"attention.output.dense", "attn_output"},
      {"attention.output.LayerNorm", "attn_output_norm"},
      {"intermediate.dense", "ffn_up"},
      {"output.dense", "ffn_down"},
      {"output.LayerNorm", "layer_output_norm"},
  };
  if (name.starts_with("cls.") || name.find("pooler") != name.npos) return {};
  for (const auto& [from, to] : kParts) {
    if (const std::size_t at = name.find(from); at != name.npos) name.replace(at, from.size(), to);
  }
  return name;
}

test::GgufBytes bert_as_gguf(const fs::path& folder) {
  const auto files = ModelFiles::folder(folder.string());
  REQUIRE(files);
  const auto checkpoint = load_checkpoint(*files);
  REQUIRE(checkpoint);
  const auto number = [&](const char* name) { return checkpoint->config.at(name).get<std::uint32_t>(); };
  constexpr std::uint32_t kU32 = 4, kF32 = 6, kBool = 7;
  test::GgufBytes out;
  out.text("general.architecture", "bert")
      .value("bert.block_count", kU32, number("num_hidden_layers"))
      .value("bert.context_length", kU32, number("max_position_embeddings"))
      .value("bert.embedding_length", kU32, number("hidden_size"))
      .value("bert.feed_forward_length", kU32, number("intermediate_size"))
      .value("bert.attention.head_count", kU32, number("num_attention_heads"))
      .value("bert.attention.layer_norm_epsilon", kF32, checkpoint->config.at("layer_norm_eps").get<float>())
      .value("bert.attention.causal", kBool, std::uint8_t{0})
      .value("bert.pooling_type", kU32, std::uint32_t{2});
  for (const auto& [name, tensor] : checkpoint->tensors) {
    const std::string renamed = gguf_name(name);
    if (renamed.empty()) continue;
    std::vector<float> values(tensor.bytes.size() / sizeof(float));
    std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    out.floats(renamed, {tensor.shape.rbegin(), tensor.shape.rend()}, values);
  }
  return out;
}

}  // namespace

TEST_CASE("BERT in a GGUF file has the hidden states of the folder, bit for bit") {
  const fs::path folder = test::source_folder() / "golden/encoders/bert";
  const test::TemporaryFolder temporary;
  test::write_file(temporary.path() / "bert.gguf", bert_as_gguf(folder).bytes());
  const auto files = ModelFiles::gguf((temporary.path() / "bert.gguf").string());
  REQUIRE(files);
  auto checkpoint = load_checkpoint(*files);
  REQUIRE(checkpoint);
  const auto converted = build_model(std::move(*checkpoint));
  if (!converted) FAIL(converted.error().message());
  CHECK(sees_both_sides(converted->spec));
  CHECK(!converted->spec.has_output);
  const Model original = test::load_model(folder);
  const std::vector<TokenId> ids = {5, 100, 200, 3, 7, 7, 90};
  const std::vector<std::uint8_t> types = {0, 0, 0, 1, 1, 1, 1};
  const EncoderText text{ids, types};
  auto want = Encoder::create(original, {}), got = Encoder::create(*converted, {});
  REQUIRE((want && got));
  const std::span<const float> expected = want->hidden_states({&text, 1}), found = got->hidden_states({&text, 1});
  CHECK(std::equal(expected.begin(), expected.end(), found.begin(), found.end()));
  const auto settings = embedding_settings(*files);
  REQUIRE(settings);
  CHECK(settings->pooling == Pooling::cls);
}

TEST_CASE("a GGUF file of BERT that sees one side alone is refused") {
  const test::TemporaryFolder temporary;
  test::GgufBytes bytes = bert_as_gguf(test::source_folder() / "golden/encoders/bert");
  for (std::string& value : bytes.values) {
    if (value.find("causal") != value.npos) value.back() = 1;
  }
  test::write_file(temporary.path() / "bert.gguf", bytes.bytes());
  const auto files = ModelFiles::gguf((temporary.path() / "bert.gguf").string());
  REQUIRE(files);
  auto checkpoint = load_checkpoint(*files);
  REQUIRE(checkpoint);
  const auto model = build_model(std::move(*checkpoint));
  REQUIRE(!model);
  CHECK(model.error().message().find("'bert.attention.causal' is true, expected false") != std::string::npos);
}

TEST_CASE("an encoder cannot continue a text, and says what it can do") {
  const Model model = test::load_model(test::source_folder() / "golden/encoders/bert");
  const auto engine = Engine::create(model, nullptr, {});
  REQUIRE(!engine);
  CHECK(engine.error().message().find("cannot continue a text") != std::string::npos);
  CHECK(engine.error().message().find("continuo fill") != std::string::npos);
}

TEST_CASE("texts that an encoder cannot take are refused") {
  const Model model = test::load_model(test::source_folder() / "golden/encoders/roberta");
  const auto encoder = Encoder::create(model, {});
  REQUIRE(encoder);
  const std::vector<TokenId> outside = {5, 256}, some = {5, 6}, many(127, 5);
  const std::vector<std::uint8_t> types = {0, 1};
  CHECK(!encoder->check({}));
  CHECK(!encoder->check({outside}));
  CHECK(!encoder->check({some, types}));  // it has one type
  CHECK(!encoder->check({many}));         // 128 rows of positions, two of them before the first
  CHECK(encoder->check({std::span(many).first(126)}));
}
