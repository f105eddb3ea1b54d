// Law 8 through a file: a text that goes on from the saved state of its beginning has the same bits as one that was
// computed in one run, for attention, recurrent networks and both, whatever keys and values are rounded to.
#include "saved_states.h"

#include <cstring>
#include <random>

#include <filesystem>

#include "generate/memory.h"
#include "load_model.h"
#include "random_model.h"

using namespace continuo;
using namespace continuo::test;
namespace fs = std::filesystem;

namespace {

// Attention of each kind, with windows and shared or latent keys; each kind of mixer, alone and beside attention.
const char* const kCases[] = {"llama",       "gpt2",        "gemma3",          "qwen2_windows", "gpt_oss",
                              "deepseek_v2", "gemma4_text", "llama_dynamic",   "mixtral",       "bloom",
                              "lfm2",        "mamba",       "mamba2",          "jamba",         "falcon_h1",
                              "nemotron_h",  "olmo_hybrid", "qwen3_5_text",    "qwen3_next",    "recurrent_gemma",
                              "rwkv",        "rwkv6",       "rwkv7_attention", "zamba2",        "granite4_hybrid"};

Model load(const char* name) { return load_model(source_folder() / "golden" / name); }

// At most as long as its context and what dynamic positions leave.
std::vector<TokenId> random_text(const Model& model, std::size_t n, unsigned seed) {
  const auto most = static_cast<std::size_t>(model.spec.context_length) - 12;
  return random_ids(std::min(n, most), static_cast<std::size_t>(model.spec.vocab_size), seed);
}

Request request_for(std::vector<TokenId> prompt) {
  Request request{.prompt = std::move(prompt), .max_tokens = 8, .ignore_eos = true, .want_logprob = true};
  request.sampling.seed = 3;
  return request;
}

Completion complete(Engine& engine, const std::vector<TokenId>& prompt) {
  auto done = engine.complete(request_for(prompt), {}, kNeverInterrupted);
  if (!done) FAIL(done.error().message());
  return std::move(*done);
}

void require_same(const Completion& got, const Completion& want) {
  REQUIRE(got.tokens.size() == want.tokens.size());
  for (std::size_t i = 0; i < want.tokens.size(); ++i) {
    INFO("token " << i);
    REQUIRE(got.tokens[i].id == want.tokens[i].id);
    REQUIRE(std::memcmp(&got.tokens[i].logprob, &want.tokens[i].logprob, sizeof(double)) == 0);
  }
}

std::vector<TokenId> first(const std::vector<TokenId>& ids, std::size_t n) {
  return {ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(n)};
}

// Tokens of `prompt` that need not be computed, with the saved state of `beginning`; the answer is as without.
std::size_t shared(const Model& model, EngineOptions options, const fs::path& file,
                   const std::vector<TokenId>& prompt) {
  Engine plain = sharing_engine(model, options), continued = sharing_engine(model, options);
  read_beginning(continued, file);
  require_same(complete(continued, prompt), complete(plain, prompt));
  return continued.counts().shared;
}

}  // namespace

TEST_CASE("law 8: what is continued from a file has the same bits, for every kind of memory") {
  const TemporaryFolder folder;
  const fs::path file = folder.path() / "state";
  for (const char* const name : kCases) {
    const Model model = load(name);
    for (const Format kv_type : kv_types()) {
      INFO(name << ", keys and values as " << format_info(kv_type).name);
      const EngineOptions options{.threads = 1, .kv_type = kv_type};
      const auto text = random_text(model, 100, 11);
      Engine writing = sharing_engine(model, options);
      const std::size_t most = std::min(text.size() - 1, writing.longest_beginning());
      write_beginning(writing, first(text, most), file);
      const bool fixed = text.size() <= writing.longest_beginning();  // positions do not depend on the length
      CHECK(shared(model, options, file, text) == (fixed ? most : 0));
      CHECK(shared(model, options, file, first(text, most)) <= most);
      // The same engine goes on from what it computed.
      require_same(complete(writing, text), [&] {
        Engine plain = sharing_engine(model, options);
        return complete(plain, text);
      }());
      fs::remove(file);
      if (SequenceState::kv_layers(model.spec) == 0) break;  // no keys, no values
    }
  }
}

TEST_CASE("a prompt that goes on, one that ends earlier, and one that leaves the text in its midst") {
  const TemporaryFolder folder;
  for (const char* const name : {"llama", "mamba", "jamba", "gemma3"}) {
    INFO(name);
    const Model model = load(name);
    const fs::path file = folder.path() / name;
    const auto text = random_text(model, 150, 12);
    Engine writing = sharing_engine(model, {});
    write_beginning(writing, first(text, 140), file);
    auto leaves_late = text, leaves_early = text;
    leaves_late[137] = (leaves_late[137] + 1) % 90;
    leaves_early[30] = (leaves_early[30] + 1) % 90;
    const std::string_view is = name;
    const bool attention = is == "llama";
    CHECK(shared(model, {}, file, text) == 140);
    CHECK(shared(model, {.lookup = true}, file, text) == 140);
    CHECK(shared(model, {.threads = 2, .chunk = 7}, file, text) == 140);
    // The last token of a prompt is computed anew; a recurrent state is there at 128 and 140 tokens alone, and keys and
    // values of layers with a window of 8 from token 128 on.
    CHECK(shared(model, {}, file, first(text, 141)) == 140);
    CHECK(shared(model, {}, file, first(text, 140)) == (attention || is == "gemma3" ? 139u : 128u));
    CHECK(shared(model, {}, file, leaves_late) == (attention || is == "gemma3" ? 137u : 128u));
    CHECK(shared(model, {}, file, leaves_early) == (attention ? 30u : 0u));
    CHECK(shared(model, {}, file, random_text(model, 50, 13)) <= 1);
  }
}

TEST_CASE("requests of a batch go on from one file together, in tight memory too") {
  const TemporaryFolder folder;
  for (const char* const name : {"llama", "mamba2", "falcon_h1"}) {
    INFO(name);
    const Model model = load(name);
    const fs::path file = folder.path() / name;
    const auto text = random_text(model, 120, 14);
    Engine writing = sharing_engine(model, {});
    write_beginning(writing, first(text, 100), file);
    EngineOptions options{.max_running = 4};
    options.memory = 3 * memory_for_one(model.spec, 160, options);
    Engine batch = sharing_engine(model, options);
    read_beginning(batch, file);
    std::vector<std::vector<TokenId>> prompts;
    std::vector<std::optional<Result<Completion>>> answers(12);
    for (unsigned i = 0; i < answers.size(); ++i) {
      auto prompt = first(text, 100);
      const auto end = random_ids(1 + i, 90, i);
      prompt.insert(prompt.end(), end.begin(), end.end());
      prompts.push_back(prompt);
      batch.submit(request_for(prompt), {}, [&answers, i](Result<Completion> done) { answers[i] = std::move(done); });
    }
    while (batch.unfinished() > 0) batch.step();
    CHECK(batch.counts().shared >= 6 * 64);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      INFO("request " << i);
      Engine plain = sharing_engine(model, {});
      require_same(**answers[i], complete(plain, prompts[i]));
    }
  }
}

TEST_CASE("a state is written alike, however the beginning was computed") {
  const TemporaryFolder folder;
  for (const char* const name : {"llama", "gemma3", "jamba", "rwkv7"}) {
    for (const Format kv_type : kv_types()) {
      INFO(name << " " << format_info(kv_type).name);
      const Model model = load(name);
      const auto text = random_text(model, 90, 15);
      Engine once = sharing_engine(model, {.kv_type = kv_type});
      Engine pieces = sharing_engine(model, {.threads = 2, .chunk = 5, .kv_type = kv_type});
      complete(pieces, random_text(model, 80, 16));  // pages that were used before
      write_beginning(once, text, folder.path() / "once");
      write_beginning(pieces, text, folder.path() / "pieces");
      CHECK(read_file(folder.path() / "once") == read_file(folder.path() / "pieces"));
    }
  }
}
