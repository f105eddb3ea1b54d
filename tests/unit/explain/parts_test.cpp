// The parts of explain that need no model: facts, ladder, words, numbers, files.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "base/grouped.h"
#include "catch.h"
#include "explain/attention_facts.h"
#include "explain/canvases.h"
#include "explain/explain.h"
#include "explain/show.h"
#include "sampling/sampler.h"

using namespace continuo;
using namespace continuo::explain;

namespace {

Grid grid(std::size_t n, std::vector<float> values) {
  Grid g(n, n);
  g.values = std::move(values);
  return g;
}

std::size_t placeholders(std::string_view text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '{'));
}

}  // namespace

TEST_CASE("facts of a head, worked out by hand") {
  HeadRecord head;
  head.weights = grid(3, {1, 0, 0, 0.75f, 0.25f, 0, 0.25f, 0.5f, 0.25f});
  head.scores = grid(3, {0, 3, 0, 1, 0, 0, 0, 0, 0});
  head.before = {0, 0, 0};
  const std::vector<TokenId> ids = {7, 8, 7};
  const HeadFacts facts = attention_facts(head, ids, 0);
  CHECK(facts.off_diagonal == Approx(1));  // rows 1 and 2 both look elsewhere most
  CHECK(facts.first_token == Approx((0.75 + 0.25) / 2));
  CHECK(facts.previous_token == Approx((0.75 + 0.5) / 2));
  CHECK(facts.asymmetry == Approx(std::sqrt(8.0 / 10.0)));
  CHECK(facts.entropy == Approx((0 + 0.8112781245 + 1.5) / 3));
  REQUIRE(facts.induction);
  CHECK(*facts.induction == Approx(0.5));  // row 2 repeats token 0, and what followed that is token 1
  CHECK(!attention_facts(head, std::vector<TokenId>{1, 2, 3}, 0).induction);

  head.weights = grid(3, {0.5f, 0, 0, 0.2f, 0.3f, 0, 0.1f, 0.1f, 0.8f});
  head.before = {0.5f, 0.5f, 0};
  const HeadFacts later = attention_facts(head, std::vector<TokenId>{1, 2, 3}, 5);
  CHECK(later.first_token == 0);  // the text's first token is not in the window
  CHECK(later.off_diagonal == Approx(1.0 / 3));
}

TEST_CASE("the ladder ends where the sampler does") {
  std::mt19937 random(2718);
  std::normal_distribution<float> normal(0, 3);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> logits(300);
    for (float& logit : logits) logit = normal(random);
    std::vector<TokenId> text;
    for (std::size_t i = 0; i < 5 + random() % 20; ++i) text.push_back(static_cast<TokenId>(random() % logits.size()));
    SamplingOptions options{.temperature = round % 7 == 0 ? 0.0f : 0.3f + 0.1f * float(random() % 15)};
    if (random() % 2) options.top_k = 1 + static_cast<int>(random() % 50);
    if (random() % 2) options.top_p = 0.5f + 0.04f * float(random() % 12);
    if (random() % 2) options.min_p = 0.01f * float(random() % 20);
    if (random() % 3 == 0) options.typical_p = 0.8f;
    if (random() % 2) options.repeat_penalty = 1.3f;
    if (random() % 2) options.frequency_penalty = 0.4f;
    if (random() % 4 == 0) options.top_h = 0.7f;
    if (random() % 4 == 0) options.xtc_probability = 0.5f;
    if (random() % 4 == 0) options.dynatemp_range = 0.2f;
    if (random() % 4 == 0) options.top_n_sigma = 2;
    if (random() % 5 == 0) options.mirostat = 1 + static_cast<int>(random() % 2);
    if (random() % 5 == 0) options.adaptive_target = 0.1f;
    if (random() % 5 == 0) options.dry_multiplier = 1;
    if (random() % 5 == 0) options.samplers = {"top_k", "xtc", "min_p", "temperature", "top_h"};
    options.seed = random();
    const std::size_t generated = random() % text.size();
    Sampler sampler(options, logits.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (i + generated < text.size()) {
        sampler.observe_prompt(text[i]);
      } else {
        sampler.observe(text[i]);
      }
    }
    const auto want = sampler.sample(logits, {.sample = 0, .position = text.size()});
    const Ladder ladder = climb(logits, text, generated, options);
    INFO("round " << round);
    REQUIRE(ladder.drawn == want);
    REQUIRE(ladder.stages.size() == ordered_stages(options).size());
    if (!ladder.greedy) {
      REQUIRE(ladder.from <= ladder.number);
      REQUIRE(ladder.number < ladder.to);
    }
    double mass = 1;
    for (const LadderStage& stage : ladder.stages) {
      REQUIRE(stage.mass <= mass + 1e-12);
      mass = stage.mass;
      double sum = 0;
      for (const Guess& guess : stage.best) sum += double(guess.probability);
      REQUIRE(sum <= 1 + 1e-6);
    }
  }
}

TEST_CASE("every text is there in every language, with the same values to put in") {
  std::set<std::string_view> keys;
  for (const Words::Row& row : Words::table()) {
    INFO(row.key);
    CHECK(keys.insert(row.key).second);
    CHECK(!row.en.empty());
    CHECK(!row.zh_hant.empty());
    CHECK(placeholders(row.en) == placeholders(row.zh_hant));
    for (const Language language : {Language::en, Language::zh_hant}) {
      CHECK_NOTHROW(Words(language)(row.key, "a", "b", "c", "d", "e", "f"));
    }
  }
  for (const Panel& panel : panels()) {
    CHECK(keys.count(std::string(panel.name) + ".title") == 1);
    CHECK(keys.count(std::string(panel.name) + ".sentence") == 1);
  }
  for (const Stage& stage : stages()) CHECK(keys.count("stage." + std::string(stage.name)) == 1);
  CHECK(language_from("zh-Hant") == Language::zh_hant);
  CHECK(!language_from("zh"));
}

TEST_CASE("numbers and bytes as people read them") {
  CHECK(three_digits(0) == "0");
  CHECK(three_digits(0.012345) == "0.0123");
  CHECK(three_digits(0.9999) == "1.00");
  CHECK(three_digits(12.34) == "12.3");
  CHECK(three_digits(99.96) == "100");
  CHECK(three_digits(1234) == "1234");
  CHECK(three_digits(1.2e-7) == "1.20e-07");
  CHECK(three_digits(-0.5) == "-0.500");
  CHECK(grouped(7) == "7");
  CHECK(grouped(50257) == "50,257");
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(bytes_text(1500) == "1.50 kB");
  CHECK(seconds_text(0.0012) == "1.20 ms");
  CHECK(visible(" a\n\t") == "·a⏎⇥");
  CHECK(visible("\x1b[31m") == "\\x1b[31m");
  CHECK(visible("\xff\xc3") == "\\xff\\xc3");
  CHECK(visible("\u202e") == "\\xe2\\x80\\xae");  // right-to-left override
  CHECK(visible("貓") == "貓");
  CHECK(width("貓a") == 3);
  CHECK(fit("貓貓貓", 5) == "貓貓…");
  CHECK(fit("abc", 3) == "abc");
}

TEST_CASE("a .npy file is what NumPy reads") {
  Grid g(2, 3);
  g.values = {1, 2, 3, 4, 5, 6};
  const std::string bytes = npy(g);
  REQUIRE(bytes.size() % 8 == 0);
  CHECK(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const std::size_t header = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
  CHECK((10 + header) % 64 == 0);
  CHECK(bytes[9 + header] == '\n');
  CHECK(bytes.find("'shape': (2, 3)") != std::string::npos);
  REQUIRE(bytes.size() == 10 + header + 24);
  float last = 0;
  std::memcpy(&last, bytes.data() + bytes.size() - 4, 4);
  CHECK(last == 6);
}

TEST_CASE("a page of numbers that are none is still a page") {
  Recording r;
  r.vocab_size = 2;
  r.text_tokens = r.to = 2;
  r.pieces = {"</script><b>", "b"};
  r.tokens = {{.id = 0, .piece = "</script><b>", .text = "</script><b>"}, {.id = 1, .piece = "b", .text = "b"}};
  HeadRecord head;
  const float none = std::nanf("");
  head.scores = grid(2, {1, INFINITY, -INFINITY, 1e38f});
  head.weights = grid(2, {1, 0, none, 1e-30f});
  head.before = {0, 0};
  head.queries = grid(2, {none, 1, INFINITY, 0});
  r.layers.resize(1);
  r.layers[0].attention = AttentionRecord{.spec = {.n_heads = 1, .n_kv_heads = 1, .head_dim = 2},
                                          .heads = {head},
                                          .keys = {grid(2, {1, 2, none, 4})},
                                          .values = {grid(2, {1, -INFINITY, 3, 4})}};
  const Words words(Language::en);
  const View view{r, words};
  const Panel attention[] = {{"attention", draw_attention}};
  const std::string page = draw_page(attention, view, {"1"});
  std::size_t scripts = 0;
  for (std::size_t at = page.find("<script"); at != page.npos; at = page.find("<script", at + 1)) ++scripts;
  CHECK(scripts == 2);
  CHECK(page.find("<b>") == page.npos);
  CHECK(draw_terminal(attention[0], view, {}).find("</script") != std::string::npos);  // a terminal shows it as it is
  for (const auto& [name, svg] : draw_svgs(attention, view)) CHECK(svg.find("</script") == std::string::npos);
}

TEST_CASE("a model without attention says so") {
  Recording r;
  r.layers.resize(2);
  const Words words(Language::en);
  const auto figures = draw_attention({r, words});
  REQUIRE(figures.size() == 1);
  CHECK(std::get<Paragraph>(figures[0]).kind == Paragraph::Kind::absent);
}

TEST_CASE("one large value does not blank a heatmap whose scale is logarithmic") {
  Heatmap map;
  map.values = grid(2, {30, 40, 50, 9000});
  map.scale = Heatmap::Scale::logarithmic;
  const Heatmap::Extremes extremes = map.extremes();
  CHECK(map.shade(9000, extremes) == Approx(1));
  CHECK(map.shade(30, extremes) > 0.05);
  CHECK(map.shade(60, extremes) - map.shade(30, extremes) ==
        Approx(map.shade(120, extremes) - map.shade(60, extremes)));
  CHECK(map.shade(0, extremes) == 0);
  map.scale = Heatmap::Scale::plain;
  CHECK(map.shade(50, extremes) < 0.01);
  map.scale = Heatmap::Scale::root;
  CHECK(map.shade(0.25, extremes) == Approx(0.5));
  map.scale = Heatmap::Scale::diverging;
  CHECK(map.shade(-9000, extremes) == Approx(-1));
}

TEST_CASE("a model is called by the last part of its path") {
  CHECK(short_name("/models/SmolLM2-135M.Q4_1.gguf") == "SmolLM2-135M.Q4_1");
  CHECK(short_name("folder/tales/") == "tales");
  CHECK(short_name("tales") == "tales");
  CHECK(short_name(".") == ".");
  CHECK(short_name(".gguf") == ".gguf");
}

TEST_CASE("the best guesses are the largest, of equals those with lower ids") {
  std::mt19937 random(99);
  for (int round = 0; round < 50; ++round) {
    std::vector<float> logits(1 + random() % 40);
    for (float& logit : logits) logit = static_cast<float>(random() % 7);
    const std::size_t k = random() % 50;
    std::vector<TokenId> order(logits.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<TokenId>(i);
    std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    const auto best = best_guesses(logits, k);
    REQUIRE(best.size() == std::min(k, logits.size()));
    for (std::size_t i = 0; i < best.size(); ++i) REQUIRE(best[i].id == order[i]);
  }
}
