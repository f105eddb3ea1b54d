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
  for (const char* title : {"Tokens\n", "Embedding\n", "Positions\n", "Attention\n", "The stack of blocks\n",
                            "Each layer's guess\n", "From scores to a token\n", "Word by word\n", "What it costs\n"}) {
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

TEST_CASE("explain asks for a window where the text is too long, and draws it") {
  const Folder folder({.context = 400});
  const std::string text(200, 'a');
  const Ran ran = run_program({"explain", "-m", folder.path(), text});
  check_error(ran, 2, "201 tokens are too many to draw, 128 at the most (choose a part: --from 0 --to 127)");
  const Json json = explain_json(folder, {"--from", "150", "--to", "159", text});
  CHECK(json["text_tokens"] == 201);
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
