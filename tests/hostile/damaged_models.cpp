// Law 9: whole model folders, damaged at random, never crash, hang, or take memory that a file only declares. Whatever
// still loads must run; whatever does not must say so in one line that names a file. Single broken files and their
// exact messages are the business of tests/unit/io, tests/unit/model and tests/unit/text.
#include <atomic>
#include <filesystem>
#include <random>
#include <string>

#include "catch.h"
#include "generate/engine.h"
#include "io/checkpoint.h"
#include "model/model.h"
#include "support.h"
#include "text/tokenizer.h"

using namespace continuo;
namespace fs = std::filesystem;

namespace {

constexpr unsigned kSeed = 77;
const std::atomic<bool> kNotInterrupted{false};

void require_one_line(const Error& error) {
  const std::string message = error.message();
  INFO(message);
  REQUIRE_FALSE(message.empty());
  REQUIRE(message.size() < 2000);
  REQUIRE(message.find('\n') == std::string::npos);
}

// Loads the folder and, if it loads, runs it. True if it ran.
bool survives(const fs::path& folder) {
  const auto files = ModelFiles::folder(folder.string());
  REQUIRE(files);
  auto checkpoint = load_checkpoint(*files);
  if (!checkpoint) return require_one_line(checkpoint.error()), false;
  auto model = build_model(std::move(*checkpoint));
  if (!model) return require_one_line(model.error()), false;
  auto engine = Engine::create(*model, nullptr, {.threads = 1});
  REQUIRE(engine);
  Request request;
  request.prompt = {0, 1, 0};
  request.max_tokens = 3;
  const auto completion = engine->complete(request, {}, kNotInterrupted);
  if (!completion) return require_one_line(completion.error()), false;
  return true;
}

std::string damaged(std::string bytes, std::size_t reach, std::mt19937& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1)); };
  switch (below(5)) {
    case 0:
      bytes.resize(below(bytes.size()));
      break;
    case 1:
      for (std::size_t i = below(4) + 1; i > 0; --i) bytes[below(reach)] = static_cast<char>(random());
      break;
    case 2:
      bytes.insert(below(reach), std::string(below(9) + 1, "09-e.\"[{"[below(8)]));
      break;
    case 3:
      bytes.erase(below(reach), below(20) + 1);
      break;
    default:
      bytes += bytes.substr(below(bytes.size()), below(100));
      break;
  }
  return bytes;
}

// Damages `file` of a copy of the golden case `name` again and again; only its first `reach` bytes are changed inside.
void damage(const std::string& name, const std::string& file, std::size_t reach, int rounds) {
  const test::TemporaryFolder copy;
  const fs::path folder = copy.path() / name;
  fs::copy(test::source_folder() / "golden" / name, folder);
  REQUIRE(survives(folder));
  const std::string whole = test::read_file(folder / file);
  std::mt19937 random(kSeed);
  int ran = 0;
  for (int round = 0; round < rounds; ++round) {
    INFO(name << "/" << file << ", seed " << kSeed << ", round " << round);
    test::write_file(folder / file, damaged(whole, std::min(reach, whole.size()), random));
    ran += survives(folder);
  }
  REQUIRE(ran < rounds);  // some damage must be noticed
}

}  // namespace

TEST_CASE("damaged configurations") {
  damage("llama_yarn_mscale", "config.json", 5000, 400);
  damage("gpt2_options", "config.json", 5000, 400);
}

TEST_CASE("damaged weights") {
  damage("llama_bf16", "model.safetensors", 2000, 400);
  damage("gpt2_f16", "model.safetensors", 2000, 400);
}

TEST_CASE("a damaged index of shards") { damage("llama_sharded", "model.safetensors.index.json", 5000, 400); }

TEST_CASE("damaged tokenizers") {
  std::mt19937 random(kSeed);
  for (const auto& entry : fs::directory_iterator(test::source_folder() / "data/tokenizers")) {
    const fs::path file = entry.path() / "tokenizer.json";
    if (!fs::exists(file)) continue;
    const std::string whole = test::read_file(file);
    for (int round = 0; round < 100; ++round) {
      INFO(file.string() << ", seed " << kSeed << ", round " << round);
      const auto tokenizer = Tokenizer::parse(damaged(whole, whole.size(), random), "tokenizer.json");
      if (!tokenizer) {
        require_one_line(tokenizer.error());
      } else {
        const auto ids = tokenizer->encode("A text \xff to cut, 12 34.", true);
        tokenizer->decode(ids, false);
      }
    }
  }
}
