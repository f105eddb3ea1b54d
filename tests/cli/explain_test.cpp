// continuo explain, as a person runs it.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

Json explain_json(const Folder& folder, std::vector<std::string> rest) {
  std::vector<std::string> arguments = {"explain", "--json", "-m", folder.path()};
  arguments.insert(arguments.end(), rest.begin(), rest.end());
  const Ran ran = run_program(arguments);
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  return Json::parse(ran.out);
}

void check_shape(const Json& json, std::vector<std::size_t> shape) {
  REQUIRE(json.is_array());
  REQUIRE(json.size() == shape.front());
  if (shape.size() > 1) {
    for (const Json& row : json) check_shape(row, {shape.begin() + 1, shape.end()});
  }
}

std::size_t widest_line(const std::string& text) {
  std::size_t widest = 0, columns = 0;
  for (const char c : text) {
    if (c == '\n') {
      widest = std::max(widest, columns);
      columns = 0;
    } else if ((c & 0xC0) != 0x80) {
      ++columns;
    }
  }
  return widest;
}

}  // namespace

TEST_CASE("explain prints every view, plain, within 80 columns") {
  const Folder folder;
  const Ran ran = run_program({"explain", "-m", folder.path(), "abc abc"});
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  for (const char* title : {"Tokens\n", "Embedding\n", "Positions\n", "Attention\n", "From one side or from both\n",
                            "The stack of blocks\n", "Which experts\n", "Each layer's guess\n",
                            "Who wrote the answer\n", "What if it were left out?\n", "From scores to a token\n",
                            "Word by word\n", "A tree of continuations\n", "What it costs\n"}) {
    check_contains(ran.out, title);
  }
  CHECK(ran.out.find('\x1b') == std::string::npos);
  CHECK(widest_line(ran.out) <= 80);
  const Ran one = run_program({"explain", "-m", folder.path(), "--view", "lens,tokens", "abc"});
  CHECK(one.out.find("Attention") == std::string::npos);
  CHECK(one.out.find("Tokens") < one.out.find("Each layer's guess"));  // in the lecture's order, however typed
}

TEST_CASE("explain uses colour on a terminal, unless NO_COLOR is set") {
  const Folder folder;
  const Ran ran = run_on_terminal({"explain", "-m", folder.path(), "--view", "attention", "abc"}, "");
  check_contains(ran.out, "\x1b[");
}

TEST_CASE("explain speaks Traditional Chinese") {
  const Folder folder;
  const Ran ran =
      run_program({"explain", "-m", folder.path(), "--lang", "zh-Hant", "--view", "attention,tokens", "abc"});
  REQUIRE(ran.code == 0);
  check_contains(ran.out, "注意力");
  check_contains(ran.out, "切成 token");
}

TEST_CASE("explain --json has the shapes that it documents") {
  const Folder folder({.preference = 4});
  const Json json = explain_json(folder, {"--no-mask", "abx"});
  const std::size_t n = 4;
  CHECK(json["format"] == "continuo-explain-1");
  CHECK(json["n"] == n);
  check_shape(json["tokens"], {n});
  CHECK(json["tokens"][0]["special"] == true);
  CHECK(json["tokens"][1]["bytes"] == Json({97}));
  CHECK(json["tokens"][2]["cut"] == "no_piece");
  CHECK(json["positions"]["kind"] == "rope");
  check_shape(json["layers"], {1});
  const Json& layer = json["layers"][0];
  for (const char* key : {"scores", "weights", "weights_without_mask"})
    check_shape(layer["attention"]["heads"][0][key], {n, n});
  // The network's queries are zero: all scores are 0, and weights are even.
  const auto even = layer["attention"]["heads"][0]["weights"][2].get<std::vector<double>>();
  for (std::size_t j = 0; j < n; ++j) CHECK(even[j] == Approx(j <= 2 ? 1.0 / 3 : 0).margin(1e-7));
  CHECK(layer["attention"]["heads"][0]["weights_without_mask"][0][3] == 0.25f);
  for (const char* key : {"residual_norm", "mixer_part_norm", "feed_part_norm"}) check_shape(layer[key], {n});
  check_shape(layer["lens"]["guesses"], {n, 5});
  check_shape(json["outputs"], {n});
  CHECK(json["outputs"][1]["guesses"][0]["text"] == "b");
  CHECK(json["outputs"][1]["next"]["text"] == "b");
  const double likely = 4 - std::log(257 + std::exp(4.0)), unlikely = -std::log(257 + std::exp(4.0));
  CHECK(json["outputs"][1]["logprob"].get<double>() == Approx(likely).margin(1e-4));
  CHECK(json["outputs"][2]["logprob"].get<double>() == Approx(unlikely).margin(1e-4));
  CHECK(json["outputs"][3]["next"].is_null());
  CHECK(json["perplexity"].get<double>() == Approx(std::exp(-(2 * likely + unlikely) / 3)).epsilon(1e-4));
  CHECK(json["ladder"]["position"] == n);
  CHECK(json["cost"]["phases"].size() == 1 + 3 + 1);
}

TEST_CASE("explain draws the token that continuo draws") {
  const Folder folder({.preference = 5});
  for (const char* seed : {"0", "1", "2", "3", "4", "5"}) {
    const Json json = explain_json(folder, {"--seed", seed, "--temperature", "1.5", "abc"});
    const Ran next = run_program(
        {"-m", folder.path(), "--seed", seed, "--temperature", "1.5", "-n", "1", "--json", "--ids", "256 97 98 99"});
    CHECK(Json::parse(next.out)["ids"][0] == json["ladder"]["drawn"]["id"]);
  }
  // And goes on as continuo does.
  const Json json = explain_json(folder, {"--greedy", "-n", "3", "abc"});
  REQUIRE(json["n"] == 7);
  CHECK(json["tokens"][6]["text"] == "f");
  CHECK(json["tokens"][6]["generated"] == true);
  CHECK(json["tokens"][3]["generated"] == false);
}

TEST_CASE("explain draws the end of a text that is too long, says so, and draws the window that is asked for") {
  const Folder folder({.context = 400});
  const std::string text(200, 'a');
  const Json end = explain_json(folder, {"--view", "tokens", text});
  CHECK(end["text_tokens"] == 201);
  CHECK(end["from"] == 73);
  CHECK(end["to"] == 201);
  const Ran said = run_program({"explain", "-m", folder.path(), "--view", "tokens", text});
  check_contains(said.out, "tokens 73 to 200 of 201");
  CHECK(explain_json(folder, {"--view", "tokens", "--from", "10", text})["to"] == 138);
  CHECK(explain_json(folder, {"--view", "tokens", "--to", "150", text})["from"] == 23);
  CHECK(explain_json(folder, {"--view", "tokens", "--to", "50", text})["from"] == 0);
  check_error(run_program({"explain", "-m", folder.path(), "--from", "0", "--to", "128", text}), 2,
              "129 tokens are too many to draw, 128 at the most");
  const Json json = explain_json(folder, {"--from", "150", "--to", "159", text});
  CHECK(json["n"] == 10);
  CHECK(json["tokens"][0]["position"] == 150);
  const Json& head = json["layers"][0]["attention"]["heads"][0];
  CHECK(head["weight_before_window"][0].get<double>() == Approx(150.0 / 151).epsilon(1e-5));
  CHECK(head["weights"][0][0].get<double>() == Approx(1.0 / 151).epsilon(1e-5));
  check_error(run_program({"explain", "-m", folder.path(), "--from", "5", "--to", "3", "abcdefg"}), 2,
              "--from 5 stands after --to 3");
  check_error(run_program({"explain", "-m", folder.path(), "--to", "9", "abc"}), 2,
              "--to is 9, expected a position from 0 to 3");
  check_error(run_program({"explain", "-m", folder.path(), std::string(500, 'a')}), 4, "501 tokens");
}

TEST_CASE("explain computes what its views need, and no more") {
  const Folder folder;
  const Json tokens = explain_json(folder, {"--view", "tokens", "abc"});
  CHECK(tokens["tokens"].size() == 4);
  CHECK(tokens["layers"].empty());
  CHECK(tokens["outputs"].empty());
  for (const char* key : {"ladder", "attribution", "what_if", "unmasked", "chosen_head", "beside"})
    CHECK(tokens[key].is_null());
  CHECK(tokens["cost"]["phases"].empty());
  const Json attention = explain_json(folder, {"--view", "attention", "abc"});
  CHECK(attention["layers"][0]["attention"]["heads"].size() == 1);
  CHECK(attention["layers"][0]["lens"]["guesses"].empty());
  CHECK(attention["what_if"].is_null());
}

TEST_CASE("explain takes a network apart: vectors of a head, shares of the answer, what would be without") {
  const Folder folder({.preference = 4});
  const Json json = explain_json(folder, {"abc"});
  const Json& head = json["chosen_head"];
  check_shape(head["queries"], {4, head["queries"][0].size()});
  check_shape(head["results"], {4, head["values"][0].size()});
  double answer = 0;
  for (const Json& part : json["attribution"]["parts"]) answer += part["answer"].get<double>();
  CHECK(answer == Approx(json["attribution"]["answer_logit"].get<double>()).margin(1e-6));
  CHECK(json["what_if"]["tokens"].size() == 4);
  CHECK(json["what_if"]["layers"].size() == 1);
  CHECK(json["what_if"]["heads"].size() == 1);
  CHECK(json["what_if"]["complete"] == true);
  CHECK(json["tree"].size() >= 6);
  CHECK(json["tree"][0]["parent"].is_null());
  check_shape(json["unmasked"]["weights"], {4, 4});
  CHECK(json["cost"]["work"].back()["tokens"] == 4096);
  CHECK(json["cost"]["work"].back()["attention"].get<double>() >
        3.9 * json["cost"]["work"][7]["attention"].get<double>());
}

TEST_CASE("explain sets another text or another model beside") {
  const Folder folder({.preference = 4}), other({.preference = 1});
  const Json text = explain_json(folder, {"--view", "beside", "--beside", "xyz!", "abc"});
  CHECK(text["beside"]["n"] == 5);
  CHECK(text["beside"]["tokens"][1]["text"] == "x");
  CHECK(text["beside"]["beside"].is_null());
  const Json model = explain_json(folder, {"--view", "beside", "--beside-model", other.path(), "abc"});
  CHECK(model["beside"]["n"] == 4);
  CHECK(model["beside"]["outputs"][1]["guesses"][0]["probability"] != model["outputs"][1]["guesses"][0]["probability"]);
  const Ran drawn = run_program({"explain", "-m", folder.path(), "--beside", "xyz!", "abc"});
  check_contains(drawn.out, "Side by side\n");
  CHECK(run_program({"explain", "-m", folder.path(), "abc"}).out.find("Side by side") == std::string::npos);
  check_contains(run_program({"explain", "-m", folder.path(), "--view", "beside", "abc"}).out, "--beside TEXT");
  check_error(run_program({"explain", "-m", folder.path(), "--beside-model", "/no/such/model", "abc"}), 3,
              "/no/such/model");
  check_error(run_program({"explain", "-m", folder.path(), "--beside", std::string(900, 'a'), "abc"}), 4, "901 tokens");
}

TEST_CASE("explain says what cannot be meant") {
  const Folder folder;
  const auto ran = [&](std::vector<std::string> rest) {
    rest.insert(rest.begin(), {"explain", "-m", folder.path()});
    return run_program(rest);
  };
  check_error(ran({"--view", "tokens,heads", "a"}), 2, "there is no view 'heads'");
  check_error(ran({"--lang", "fr", "a"}), 2, "expected en or zh-Hant");
  check_error(ran({"--layer", "1", "a"}), 2, "--layer is 1, expected 0 to 0");
  check_error(ran({"--head", "7", "a"}), 2, "--head is 7, expected 0 to 0");
  check_error(ran({"--dump", "0", "a"}), 2, "--dump is '0'");
  check_error(ran({"--dump", "0.3", "a"}), 2, "head 3 is not there");
  check_error(ran({"--dump", "query.0.3", "a"}), 2, "head 3 is not there");
  check_error(ran({"--dump", "queries.0.0", "a"}), 2, "--dump is 'queries.0.0'");
  check_error(ran({"--ids", "300"}), 2, "token id 300");
  check_error(ran({"--html", "/no/such/folder/page.html", "a"}), 1, "/no/such/folder/page.html: cannot write");
  check_error(ran({"--html", "/dev/full", "a"}), 1, "cannot write");
  check_error(ran({"--svg", folder.path() + "/config.json", "a"}), 1, "config.json");
}

TEST_CASE("explain writes a page, pictures and matrices") {
  const Folder folder;
  TemporaryFolder out;
  const std::string page = (out.path() / "page.html").string();
  const Ran ran = run_program({"explain", "-m", folder.path(), "--html", page, "--svg", (out.path() / "svg").string(),
                               "</script><script>alert(1)</script>"});
  CHECK(ran.out == "");
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  const std::string html = read_file(page);
  CHECK(html.find("alert(1)</script>") == std::string::npos);
  CHECK(html.find("http://") == html.find("http://www.w3.org/2000/svg"));  // a name of a language, no address
  CHECK(html.find("https://") == std::string::npos);
  check_contains(html, "default-src 'none'");
  const std::string path = folder.path();
  check_contains(html, "<title>Inside " + path.substr(path.rfind('/') + 1) + "</title>");
  std::size_t pictures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(out.path() / "svg")) {
    const std::string svg = read_file(entry.path());
    CHECK(svg.starts_with("<svg xmlns="));
    CHECK(svg.ends_with("</svg>\n"));
    CHECK(svg.find("<script") == std::string::npos);
    ++pictures;
  }
  CHECK(pictures >= 8);
}

TEST_CASE("explain works without a tokenizer, on ids") {
  const Folder folder({.tokenizer = false});
  const Json json = explain_json(folder, {"--ids", "97 98"});
  CHECK(json["tokens"][0]["piece"] == "97");
  CHECK(json["tokens"][0]["cut"] == "unknown");
}
