// Looking up drafts never changes an answer: not a token, not a bit of a log-probability, over every golden model,
// greedily and drawn, with penalties, limits, stop strings, windows, tight memory and others in the batch.
#include <algorithm>
#include <cstring>
#include <filesystem>

#include "catch.h"
#include "generate/engine.h"
#include "io/checkpoint.h"
#include "laws/memory.h"
#include "random_model.h"
#include "support.h"

using namespace continuo;
namespace fs = std::filesystem;

namespace {

const std::atomic<bool> kNotInterrupted{false};

Model load_model(const fs::path& folder) {
  auto checkpoint = load_checkpoint(*ModelFiles::folder(folder.string()));
  if (!checkpoint) FAIL(checkpoint.error().message());
  auto model = build_model(std::move(*checkpoint));
  if (!model) FAIL(model.error().message());
  return std::move(*model);
}

std::vector<fs::path> golden_folders() {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(test::source_folder() / "golden")) {
    if (fs::exists(entry.path() / "config.json")) folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  return folders;
}

// What is drawn follows the prompt for long stretches, because a bias makes its tokens likely: there is much to look
// up, and where it differs, in the midst of a stretch, much to take back.
Request request_that_repeats(const Model& model, std::uint64_t seed, float temperature) {
  const auto vocab = static_cast<std::size_t>(model.spec.vocab_size);
  const auto context = static_cast<std::size_t>(model.spec.context_length);
  Request request;
  const auto phrase = test::random_ids(5, vocab, static_cast<unsigned>(seed));
  for (std::size_t i = 0; i < std::min<std::size_t>(context / 2, 30); ++i)
    request.prompt.push_back(phrase[i % phrase.size()]);
  request.max_tokens = 60;
  request.ignore_eos = seed % 2 == 0;
  request.sampling.seed = seed;
  request.sampling.temperature = temperature;
  if (seed % 3 == 1) request.sampling.top_k = 3;
  if (seed % 3 == 2) request.sampling.top_p = 0.5f;
  if (seed % 4 == 1) request.sampling.repeat_penalty = 1.3f;
  if (seed % 4 == 2) request.sampling.presence_penalty = 0.4f, request.sampling.frequency_penalty = 0.1f;
  for (std::size_t i = 0; i < 2; ++i) request.sampling.logit_bias.push_back({phrase[i], 6});
  request.want_logprob = true;
  request.logprobs = 2;
  return request;
}

Completion complete(Engine& engine, const Request& request) {
  auto completion = engine.complete(request, {}, kNotInterrupted);
  if (!completion) FAIL(completion.error().message());
  return std::move(*completion);
}

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

void require_same(const Completion& got, const Completion& want) {
  REQUIRE(got.finish == want.finish);
  REQUIRE(got.text == want.text);
  REQUIRE(got.tokens.size() == want.tokens.size());
  for (std::size_t i = 0; i < want.tokens.size(); ++i) {
    INFO("token " << i);
    REQUIRE(got.tokens[i].id == want.tokens[i].id);
    REQUIRE(same_bits(got.tokens[i].logprob, want.tokens[i].logprob));
    REQUIRE(got.tokens[i].top.size() == want.tokens[i].top.size());
    for (std::size_t k = 0; k < want.tokens[i].top.size(); ++k) {
      REQUIRE(got.tokens[i].top[k].token == want.tokens[i].top[k].token);
      REQUIRE(same_bits(got.tokens[i].top[k].logprob, want.tokens[i].top[k].logprob));
    }
  }
}

Engine make_engine(const Model& model, const Tokenizer* tokenizer, EngineOptions options) {
  auto engine = Engine::create(model, tokenizer, options);
  if (!engine) FAIL(engine.error().message());
  return std::move(*engine);
}

}  // namespace

TEST_CASE("looking up gives the same bits over every golden model") {
  Engine::DraftCounts counts;
  for (const fs::path& folder : golden_folders()) {
    INFO(folder.filename().string());
    const Model model = load_model(folder);
    Engine plain = make_engine(model, nullptr, {}), lookup = make_engine(model, nullptr, {.lookup = true});
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      for (const float temperature : {0.0f, 0.3f, 1.0f}) {
        INFO("seed " << seed << ", temperature " << temperature);
        const Request request = request_that_repeats(model, seed, temperature);
        require_same(complete(lookup, request), complete(plain, request));
      }
    }
    REQUIRE(plain.draft_counts().drafted == 0);
    counts.drafted += lookup.draft_counts().drafted;
    counts.right += lookup.draft_counts().right;
  }
  // Both happen often: drafts that were right and drafts that were taken back.
  INFO(counts.right << " of " << counts.drafted);
  REQUIRE(counts.right > 1000);
  REQUIRE(counts.drafted > counts.right + 1000);
}

TEST_CASE("looking up gives the same bits in batches, with windows, sharing and little memory") {
  for (const int window : {0, 20, 100}) {
    Model model = test::random_llama(5, {.n_layers = 3});
    std::get<AttentionSpec>(model.spec.layers[1].mixer).window = window;
    std::vector<Request> requests;
    for (std::uint64_t seed = 0; seed < 12; ++seed) {
      requests.push_back(request_that_repeats(model, seed, seed % 2 ? 0.5f : 0.0f));
      requests.back().max_tokens = 150;
    }
    Engine plain = make_engine(model, nullptr, {});
    for (const std::size_t at_once : {1, 3, 12}) {
      for (const std::size_t pages : {std::size_t{0}, std::size_t{14}}) {
        EngineOptions options{
            .chunk = at_once == 3 ? 20u : 512u, .max_running = at_once, .share_prefixes = true, .lookup = true};
        if (pages > 0) options.memory = test::memory_with_pages(model, options, pages);
        Engine lookup = make_engine(model, nullptr, options);
        INFO("window " << window << ", " << at_once << " at once, " << pages << " pages");
        std::vector<Completion> got(requests.size());
        for (std::size_t i = 0; i < requests.size(); ++i) {
          REQUIRE(lookup.check(requests[i]));
          lookup.submit(requests[i], {}, [&, i](Result<Completion> done) { got[i] = std::move(*done); });
        }
        while (lookup.unfinished() > 0) lookup.step();
        for (std::size_t i = 0; i < requests.size(); ++i) require_same(got[i], complete(plain, requests[i]));
        if (at_once < 12) REQUIRE(lookup.draft_counts().right > 0);
      }
    }
  }
}

TEST_CASE("looking up ends where it would have ended") {
  const Model model = test::random_llama(9, {.context = 90});
  Engine plain = make_engine(model, nullptr, {}), lookup = make_engine(model, nullptr, {.lookup = true});
  for (const std::int64_t n : {-1, 0, 1, 2, 3, 17, 1000}) {
    Request request = request_that_repeats(model, 2, 0);
    request.max_tokens = n;
    INFO("-n " << n);
    require_same(complete(lookup, request), complete(plain, request));
    // A reader that goes away in the midst of accepted drafts.
    for (std::size_t stay : {1, 7, 20}) {
      const auto leave = [&](Engine& engine) {
        std::size_t tokens = 0;
        auto done = engine.complete(
            request, [&](std::string_view, const GeneratedToken&) { return ++tokens < stay; }, kNotInterrupted);
        REQUIRE(done);
        return std::pair(tokens, done->tokens.size());
      };
      REQUIRE(leave(lookup) == leave(plain));
    }
  }
}

TEST_CASE("stop strings end a looked-up text in the midst of drafts") {
  const auto folder = test::source_folder().parent_path() / "models/tales";
  const Model model = load_model(folder);
  const auto tokenizer = Tokenizer::parse(test::read_file(folder / "tokenizer.json"), "tokenizer.json");
  REQUIRE(tokenizer);
  Engine plain = make_engine(model, &*tokenizer, {}), lookup = make_engine(model, &*tokenizer, {.lookup = true});
  const std::string text =
      "The cat sat on the mat. The dog sat on the mat. The cat sat on the mat. The dog sat on the mat. The cat";
  for (const std::vector<std::string>& stop :
       std::vector<std::vector<std::string>>{{}, {"mat"}, {"the m"}, {"dog sat on", "zzz"}, {" "}, {"\n\n"}}) {
    for (const float temperature : {0.0f, 0.8f}) {
      Request request;
      request.prompt = tokenizer->encode(text, true);
      request.max_tokens = 80;
      request.stop = stop;
      request.sampling.temperature = temperature;
      std::string streamed;
      auto got = lookup.complete(
          request,
          [&](std::string_view piece, const GeneratedToken&) {
            streamed += piece;
            return true;
          },
          kNotInterrupted);
      REQUIRE(got);
      require_same(*got, complete(plain, request));
      REQUIRE(streamed == got->text);
    }
  }
  REQUIRE(lookup.draft_counts().right > 0);
}
