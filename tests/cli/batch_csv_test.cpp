// continuo batch --format csv: tables in, tables out.
#include <nlohmann/json.hpp>
#include <sstream>

#include "catch.h"
#include "cli/coprocess.h"
#include "cli/expect.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

using Row = std::map<std::string, std::string>;

// Plain RFC 4180, as strict as it is short.
std::vector<std::vector<std::string>> parse(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  bool quoted = false, fresh = true;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (fresh) rows.emplace_back(1);
    fresh = false;
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      rows.back().emplace_back();
    } else if (!quoted && c == '\n') {
      fresh = true;
    } else {
      rows.back().back() += c;
    }
  }
  return rows;
}

std::vector<Row> table(const std::string& text) {
  const auto rows = parse(text);
  REQUIRE(!rows.empty());
  std::vector<Row> all;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    REQUIRE(rows[i].size() == rows[0].size());
    for (std::size_t k = 0; k < rows[i].size(); ++k) {
      if (k == 0) all.emplace_back();
      all.back()[rows[0][k]] = rows[i][k];
    }
  }
  return all;
}

std::string cell(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

struct Tables {
  Folder folder{{.preference = 3}};
  std::string in, out = folder.path() + "/out.csv";
  explicit Tables(const std::string& text) : in(folder.file("in.csv", text)) {}
  std::vector<std::string> arguments(std::vector<std::string> rest = {}) const {
    std::vector<std::string> all = {"batch", "-q", "--format", "csv", "-m", folder.path(), in};
    all.insert(all.end(), rest.begin(), rest.end());
    return all;
  }
};

// Requests of all kinds; every ninth is a bad row.
std::string requests(std::size_t n) {
  std::string text = "id,prompt,max_tokens,n,seed\r\n";
  for (std::size_t i = 0; i < n; ++i) {
    const std::string id = i % 3 == 0   ? ""
                           : i % 3 == 1 ? "item " + std::to_string(i)
                                        : cell("a,\"b\"\n" + std::to_string(i));
    text += id + "," + cell("word\n\"" + std::to_string(i) + "\",") + "," + std::to_string(i * 13 % 30) + "," +
            (i % 4 == 0 ? "3" : "") + "," + (i % 9 == 8 ? "bad" : "") + (i % 2 ? "\n" : "\r\n");
  }
  return text;
}

}  // namespace

TEST_CASE("batch --format csv: a row is a request, a row its answer") {
  const Folder folder;
  const std::vector<std::string> arguments = {"batch", "--format", "csv", "--greedy", "-n3", "-m", folder.path()};
  const Ran ran = run_program(arguments,
                              "\xEF\xBB\xBF"
                              "id,prompt,max_tokens,stop,n,prompt_ids,logprobs\r\n"
                              "x,a,,,,,\r\n"
                              "7,\"k\nl\",2.0,,,,\r\n"
                              ",a,20,\"[\"\"e\"\",\"\"d\"\"]\",2,,\r\n"
                              "\"q\"\"1\"\"\",,,,,97 98,\n"
                              ",!,,,,,1\n");
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  CHECK(
      ran.out.starts_with("id,row,index,n,text,finish_reason,ids,logprobs,prompt_tokens,completion_tokens,seed,"
                          "model,error_type,error,digest\nx,1,0,1,bcd,length,,,2,3,"));
  const auto rows = table(ran.out);
  REQUIRE(rows.size() == 6);
  CHECK(rows[1].at("id") == "7");
  CHECK(rows[1].at("text") == "mn");
  CHECK(rows[2].at("id") == "3");
  CHECK(rows[2].at("text") == "bc");
  CHECK(rows[2].at("finish_reason") == "stop");
  CHECK(rows[2].at("n") == "2");
  CHECK(rows[3].at("index") == "1");
  CHECK(rows[3].at("row") == "3");
  CHECK(rows[4].at("id") == "q\"1\"");
  CHECK(rows[4].at("text") == "cde");
  CHECK(rows[4].at("ids") == "99 100 101");
  CHECK(Json::parse(rows[5].at("logprobs"))["token_logprobs"].size() == 1);
  CHECK(rows[5].at("finish_reason") == "eos");
}

TEST_CASE("batch --format csv: the texts are those of the same requests in JSONL") {
  const Folder folder({.preference = 3});
  std::string csv = "prompt,id,max_tokens,temperature,echo,stop\n", jsonl;
  for (int i = 0; i < 40; ++i) {
    const std::string prompt = "p" + std::to_string(i) + (i % 2 ? ",\"x\"\n" : "");
    csv += cell(prompt) + "," + (i % 3 ? std::to_string(i * 5) : "") + ",9," + (i % 5 ? "0.9" : "") + "," +
           (i % 4 ? "False" : "TRUE") + "," + (i % 7 ? "" : "a") + "\n";
    Json request = {{"prompt", prompt}, {"max_tokens", 9}, {"echo", i % 4 == 0}};
    if (i % 3) request["id"] = i * 5;
    if (i % 5) request["temperature"] = 0.9;
    if (i % 7 == 0) request["stop"] = "a";
    jsonl += request.dump() + "\n";
  }
  const auto rows = table(run_program({"batch", "--format", "csv", "-m", folder.path()}, csv).out);
  std::istringstream lines(run_program({"batch", "-m", folder.path()}, jsonl).out);
  REQUIRE(rows.size() == 40);
  for (const Row& row : rows) {
    std::string line;
    std::getline(lines, line);
    const Json answer = Json::parse(line);
    CHECK(row.at("id") == answer["id"].dump());
    CHECK(row.at("text") == answer["text"]);
    CHECK(row.at("seed") == answer["seed"].dump());
    CHECK(row.at("finish_reason") == answer["finish_reason"]);
    CHECK(row.at("completion_tokens") == answer["completion_tokens"].dump());
  }
}

TEST_CASE("batch --format csv: a bad row is an answer, and the run goes on") {
  const Folder folder;
  const std::pair<std::string, std::string> bad[] = {{"a,\"b\"c,1,,,", "invalid_csv"},
                                                     {"", "invalid_csv"},
                                                     {"1,2", "invalid_csv"},
                                                     {"1,2,3,4,5,6,7", "invalid_csv"},
                                                     {"x,a,1.5,,,", "invalid_request"},
                                                     {"x,a,-2,,,", "invalid_request"},
                                                     {"x,a,1,hot,,", "invalid_request"},
                                                     {"x,a,1,,maybe,", "invalid_request"},
                                                     {"x,a,1,,,97", "invalid_request"},
                                                     {"x,,1,,,b", "invalid_request"},
                                                     {"x,,1,,,258", "invalid_request"},
                                                     {"x," + std::string(64, 'a') + ",1,,,", "context_length_exceeded"},
                                                     {"x,\"" + std::string(150000, '\n') + "\",1,,,", "line_too_long"},
                                                     {"x,good,1,,,", ""}};
  std::string input = "id,prompt,max_tokens,temperature,echo,prompt_ids\n";
  for (const auto& [row, type] : bad) input += row + "\r\n";
  const Ran ran =
      run_program({"batch", "--format", "csv", "--max-line", "128K", "-m", folder.path()}, input + "x,\"never closed");
  CHECK(ran.code == 1);
  check_contains(ran.err, "14 of 15 requests failed");
  const auto rows = table(ran.out);
  REQUIRE(rows.size() == std::size(bad) + 1);
  for (std::size_t i = 0; i < std::size(bad); ++i) {
    INFO(bad[i].first.substr(0, 100));
    CHECK(rows[i].at("row") == std::to_string(i + 1));
    CHECK(rows[i].at("error_type") == bad[i].second);
    CHECK(rows[i].at("error").empty() == bad[i].second.empty());
  }
  CHECK(rows[0].at("id") == "1");  // whose cells nobody knows
  CHECK(rows[4].at("id") == "x");
  CHECK(rows.back().at("error") == "the quote that opens cell 2 is never closed");
}

TEST_CASE("batch --format csv: a header that cannot be meant") {
  const Folder folder;
  const auto refused = [&](const std::string& header, const std::string& why) {
    const Ran ran =
        run_program({"batch", "--format", "csv", "--max-line", "1K", "-m", folder.path()}, header + "\na\n");
    CHECK(ran.code == 2);
    CHECK(ran.out == "");
    check_contains(ran.err, why);
  };
  refused("prompt,promt", "the header row has a column \"promt\", expected some of id, prompt,");
  refused("prompt;id", "is there a header, with commas between the names?");
  refused("prompt,stream", "column \"stream\"");
  refused("prompt,", "column \"\"");
  refused("prompt,id,prompt", "two columns \"prompt\"");
  refused("id,n", "neither a column prompt nor prompt_ids");
  refused("\"prompt\"x", "closing quote");
  refused("\"prompt", "never closed");
  refused("prompt" + std::string(2000, ' '), "more than 1024 bytes");
  check(run_program({"batch", "--format", "csv", "-m", folder.path()}, "prompt\n"),
        run_program({"batch", "--format", "csv", "-m", folder.path()}, "").out);
}

TEST_CASE("batch --format csv: any torn end is cut and done again, also without order") {
  const Tables c(requests(40));
  for (const std::vector<std::string>& how : std::vector<std::vector<std::string>>{{}, {"--unordered"}}) {
    auto arguments = c.arguments({"-o", c.out, "--overwrite"});
    arguments.insert(arguments.end(), how.begin(), how.end());
    CHECK(run_program(arguments).code == 1);
    const std::string want = read_file(c.out);
    const auto all = table(want);
    CHECK(all.size() > 40);
    arguments = c.arguments({"-o", c.out, "--resume"});
    arguments.insert(arguments.end(), how.begin(), how.end());
    for (std::size_t i = 0; i < 14; ++i) {
      // The header, its end, the first row, and all over the file.
      const std::size_t size = i < 6 ? i * 40 : want.size() * i / 14 + i;
      write_file(c.out, want.substr(0, size));
      CHECK(run_program(arguments).code == 1);
      if (how.empty()) {
        CHECK(read_file(c.out) == want);
      } else {
        auto got = table(read_file(c.out)), wanted = all;
        std::sort(got.begin(), got.end());
        std::sort(wanted.begin(), wanted.end());
        CHECK(got == wanted);
      }
    }
  }
  write_file(c.out, "prompt\na\n");
  check_error(run_program(c.arguments({"-o", c.out, "--resume"})), 2, "line 1 is no answer");
  CHECK(read_file(c.out) == "prompt\na\n");
}

TEST_CASE("batch --format csv --resume refuses the answers of another table") {
  const Tables c(requests(12));
  CHECK(run_program(c.arguments({"-o", c.out})).code == 1);
  const std::string want = read_file(c.out);
  const std::string other = c.folder.file("other.csv", "id,prompt\nother,a\n");
  auto arguments = c.arguments({"-o", c.out, "--resume"});
  arguments[6] = other;
  check_error(run_program(arguments), 2, "another id");
  CHECK(read_file(c.out) == want);
  CHECK(run_program(c.arguments({"-o", c.out, "--resume"})).code == 1);
  CHECK(read_file(c.out) == want);
}

TEST_CASE("batch --format csv --shard, and scripts/cluster/merge.sh: the parts together are the whole") {
  const Tables c(requests(31));
  CHECK(run_program(c.arguments({"-o", c.out, "--overwrite"})).code == 1);
  const std::string whole = read_file(c.out);
  const std::string merged = c.folder.path() + "/merged.csv";
  for (const char* part : {"1", "2", "3"})
    CHECK(run_program(c.arguments({"--shard", std::string(part) + "/3", "-o", merged + "." + part})).code <= 1);
  const std::string merge = (source_folder().parent_path() / "scripts/cluster/merge.sh").string();
  if (std::system("command -v python3 >/dev/null") != 0) {
    WARN("skipped: merging tables needs python3");
    return;
  }
  CHECK(std::system((merge + " " + c.in + " " + merged + " 3").c_str()) == 0);
  CHECK(read_file(merged) == whole);
  // A part that is not done is noticed.
  std::filesystem::resize_file(merged + ".2",
                               read_file(merged + ".2").rfind('\n', read_file(merged + ".2").size() - 2) + 1);
  CHECK(std::system((merge + " " + c.in + " " + merged + " 3 2>/dev/null").c_str()) != 0);
}

TEST_CASE("batch --format csv as a co-process, and --fail-fast") {
  const Folder folder;
  Coprocess program({"batch", "-q", "--format", "csv", "--greedy", "-n2", "-m", folder.path()});
  REQUIRE(program.send("prompt\na\n"));
  REQUIRE(program.line());  // the header
  const auto answer = program.line();
  REQUIRE(answer);
  CHECK(answer->starts_with("1,1,0,1,bc,"));
  program.close_input();
  CHECK(program.wait() == 0);
  const Ran ran =
      run_program({"batch", "--format", "csv", "--fail-fast", "-n1", "-m", folder.path()}, "prompt\na\na,b\nc\n");
  CHECK(ran.code == 1);
  CHECK(table(ran.out).size() == 1);
  check_contains(ran.err, "row 2: the row has 2 cells, expected 1");
}
