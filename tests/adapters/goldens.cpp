// Adapters of small models against PEFT's own logits (scripts/make_adapter_goldens.py).
#include "adapters/adapters.h"

using namespace continuo;
using namespace continuo::test;
namespace fs = std::filesystem;

namespace {

void check_scores(const Score& got, const Json& want) {
  const auto logprobs = want["logprobs"].get<std::vector<double>>();
  REQUIRE(got.logprobs.size() == logprobs.size());
  for (std::size_t i = 0; i < logprobs.size(); ++i) {
    INFO("token " << i + 1 << ": " << got.logprobs[i] << " instead of " << logprobs[i]);
    REQUIRE(std::fabs(got.logprobs[i] - logprobs[i]) < 1e-4);
  }
  const auto logits = want["last_logits"].get<std::vector<double>>();
  REQUIRE(got.last_logits.size() == logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    INFO("logit " << i << ": " << got.last_logits[i] << " instead of " << logits[i]);
    REQUIRE(std::fabs(double(got.last_logits[i]) - logits[i]) < 1e-4);
  }
}

}  // namespace

TEST_CASE("adapters give PEFT's logits: alone, and two added up") {
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(adapter_folder(""))) {
    const std::string name = entry.path().filename().string();
    INFO(name);
    const Json expected = Json::parse(read_file(entry.path() / "expected.json"));
    const Model model = load_model(source_folder() / "golden" / expected["model"].get<std::string>());
    const auto ids = expected["ids"].get<std::vector<TokenId>>();
    for (const auto& [key, want] : expected.items()) {
      if (key != "alone" && !key.starts_with("with ")) continue;
      INFO(key);
      Adapters adapters;
      adapters.add_to_all(adapter_of(name, model));
      if (key != "alone") adapters.add_to_all(adapter_of(key.substr(5), model));
      Engine engine = engine_with(model, &adapters);
      check_scores(scored(engine, ids), want);
      ++cases;
    }
  }
  CHECK(cases >= 11);
}

TEST_CASE("a scale multiplies what an adapter adds; scale 0 adds nothing") {
  const Model model = load_model(source_folder() / "golden" / "llama");
  const std::vector<TokenId> ids = {5, 77, 130, 9};
  Adapters none, twice, doubled;
  none.add_to_all(adapter_of("llama", model, 0));
  twice.add_to_all(adapter_of("llama", model));
  twice.add_to_all(adapter_of("llama", model));
  doubled.add_to_all(adapter_of("llama", model, 2));
  Engine plain = engine_with(model, nullptr), with_none = engine_with(model, &none);
  CHECK(scored(plain, ids).last_logits == scored(with_none, ids).last_logits);
  Engine with_twice = engine_with(model, &twice), with_doubled = engine_with(model, &doubled);
  const auto a = scored(with_twice, ids).last_logits, b = scored(with_doubled, ids).last_logits;
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::fabs(a[i] - b[i]) < 1e-4);
}
