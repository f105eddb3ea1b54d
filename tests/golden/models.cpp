// Small random checkpoints of every family and twist against Hugging Face transformers (scripts/make_goldens.py).
// Every folder with an expected.json is a case; larger ones stand in CONTINUO_TEST_DATA.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/json.h"
#include "catch.h"
#include "generate/engine.h"
#include "io/checkpoint.h"
#include "model/families.h"
#include "model/model.h"
#include "load_model.h"
#include "support.h"

using namespace continuo;
namespace fs = std::filesystem;

namespace {

const std::atomic<bool> kNotInterrupted{false};

std::vector<TokenId> greedy(Engine& engine, const std::vector<TokenId>& prompt, std::size_t n) {
  Request request;
  request.prompt = prompt;
  request.max_tokens = static_cast<std::int64_t>(n);
  request.ignore_eos = true;
  request.sampling.temperature = 0;
  const auto completion = engine.complete(request, {}, kNotInterrupted);
  if (!completion) FAIL(completion.error().message());
  std::vector<TokenId> ids;
  for (const GeneratedToken& token : completion->tokens) ids.push_back(token.id);
  return ids;
}

// `tolerance`: of log-probabilities and logits.
void check_case(const fs::path& folder, double tolerance = 1e-4) {
  const Json expected = Json::parse(test::read_file(folder / "expected.json"));
  const Model model = test::load_model(folder);
  auto engine = Engine::create(model, nullptr, {});
  if (!engine) FAIL(engine.error().message());
  for (const Json& prompt : expected["prompts"]) {
    const auto ids = prompt["ids"].get<std::vector<TokenId>>();
    INFO(folder.filename().string() << ", prompt of " << ids.size());
    const auto score = engine->score(ids, kNotInterrupted);
    if (!score) FAIL(score.error().message());
    const auto logprobs = prompt["logprobs"].get<std::vector<double>>();
    REQUIRE(score->logprobs.size() == logprobs.size());
    for (std::size_t i = 0; i < logprobs.size(); ++i) {
      INFO("token " << i + 1 << ": " << score->logprobs[i] << " instead of " << logprobs[i]);
      REQUIRE(std::fabs(score->logprobs[i] - logprobs[i]) < tolerance);
    }
    const auto logits = prompt["last_logits"].get<std::vector<double>>();
    REQUIRE(score->last_logits.size() == logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      INFO("logit " << i);
      REQUIRE(std::fabs(double(score->last_logits[i]) - logits[i]) < tolerance);
    }
    const auto want = prompt["greedy"].get<std::vector<TokenId>>();
    REQUIRE(greedy(*engine, ids, want.size()) == want);
  }
}

std::vector<fs::path> cases_in(const fs::path& folder) {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (fs::exists(entry.path() / "expected.json")) cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

}  // namespace

TEST_CASE("log-probabilities within 1e-4 of the reference, greedy ids equal") {
  const std::vector<fs::path> cases = cases_in(test::source_folder() / "golden");
  REQUIRE(cases.size() >= 75);
  for (const fs::path& folder : cases) {
    DYNAMIC_SECTION(folder.filename().string()) { check_case(folder); }
  }
}

TEST_CASE("every family has a case") {
  std::set<std::string> covered;
  for (const fs::path& folder : cases_in(test::source_folder() / "golden"))
    covered.insert(Json::parse(test::read_file(folder / "config.json"))["model_type"].get<std::string>());
  for (const fs::path& folder : cases_in(test::source_folder() / "golden/encoders"))
    covered.insert(Json::parse(test::read_file(folder / "config.json"))["model_type"].get<std::string>());
  for (const Family* family : families()) CHECK(covered.count(std::string(family->model_type)) == 1);
}

TEST_CASE("the larger cases") {
  const auto data = test::data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA is not set");
    return;
  }
  const std::vector<fs::path> cases = cases_in(*data / "goldens/models");
  REQUIRE(!cases.empty());
  for (const fs::path& folder : cases) {
    DYNAMIC_SECTION(folder.filename().string()) {
      const Json config = Json::parse(test::read_file(folder / "config.json"));
      if (find_family(config["model_type"].get<std::string>())) {
        check_case(folder);
      } else {
        auto checkpoint = load_checkpoint(*ModelFiles::folder(folder.string()));
        REQUIRE(checkpoint);
        const auto model = build_model(std::move(*checkpoint));
        REQUIRE(!model);
        CHECK(model.error().message().find("this kind of model is not supported") != std::string::npos);
      }
    }
  }
}

TEST_CASE("the larger cases of networks with loops") {
  const auto data = test::data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA is not set");
    return;
  }
  for (const char* name : {"hrm_text", "dory"}) {
    // dory has scales of up to 1 / 0.0177, squared: its reference in float32 is 5.4e-4 away from itself in float64.
    DYNAMIC_SECTION(name) { check_case(*data / "goldens/models2" / name, std::string(name) == "dory" ? 2e-3 : 1e-4); }
  }
}

TEST_CASE("stories260K writes its reference text and logits") {
  const auto data = test::data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA is not set");
    return;
  }
  const fs::path folder = *data / "weights/stories260K";
  const Model model = test::load_model(folder);
  auto tokenizer = Tokenizer::parse(test::read_file(folder / "tokenizer.json"), "tokenizer.json");
  if (!tokenizer) FAIL(tokenizer.error().message());
  auto engine = Engine::create(model, &*tokenizer, {});
  if (!engine) FAIL(engine.error().message());

  std::istringstream lines(test::read_file(folder / "golden_logits.jsonl"));
  std::size_t rows = 0;
  for (std::string line; std::getline(lines, line); ++rows) {
    const Json row = Json::parse(line);
    INFO("row " << rows << ": " << line.substr(0, 80));
    const auto score = engine->score(row["ids"].get<std::vector<TokenId>>(), kNotInterrupted);
    if (!score) FAIL(score.error().message());
    const auto logits = row["last_logits"].get<std::vector<double>>();
    REQUIRE(score->last_logits.size() == logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i)
      REQUIRE(std::fabs(double(score->last_logits[i]) - logits[i]) < 2e-4);
  }
  REQUIRE(rows > 0);

  const std::string golden = test::read_file(folder / "golden_greedy.txt");
  const std::string mark = "### prompt: ";
  std::size_t sections = 0;
  for (std::size_t at = golden.find(mark); at != std::string::npos; ++sections) {
    const std::size_t line_end = golden.find('\n', at), next = golden.find("\n" + mark, line_end);
    const std::string prompt = golden.substr(at + mark.size(), line_end - at - mark.size());
    std::string want = golden.substr(line_end + 1, next == std::string::npos ? next : next - line_end - 1);
    if (next == std::string::npos && want.ends_with('\n')) want.pop_back();
    at = next == std::string::npos ? next : next + 1;
    Request request;
    request.prompt = tokenizer->encode(prompt, true);
    // 200 positions are computed; the token drawn at the last one has none of its own.
    request.max_tokens = 201 - static_cast<std::int64_t>(request.prompt.size());
    request.sampling.temperature = 0;
    const auto completion = engine->complete(request, {}, kNotInterrupted);
    if (!completion) FAIL(completion.error().message());
    INFO("prompt \"" << prompt << "\"");
    REQUIRE(prompt + completion->text == want);
  }
  REQUIRE(sections >= 3);
}
