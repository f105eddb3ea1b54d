// Encoders against Hugging Face transformers: logits at every mask, hidden states, pseudo-log-likelihoods.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>

#include "base/json.h"
#include "catch.h"
#include "generate/encoder.h"
#include "generate/engine.h"
#include "load_model.h"
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
  const std::vector<double> each = encoder.masked_log_probabilities(unmasked, mask, 0, whole.size());
  REQUIRE(std::fabs(std::accumulate(each.begin(), each.end(), 0.0) - prompt["pll"].get<double>()) < 1e-3);
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
