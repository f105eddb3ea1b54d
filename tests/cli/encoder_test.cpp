// What encoders are good for on the command line: continuo score, vectors in files, texts that are cut, masks by name.
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "cli/expect.h"
#include "support.h"

using namespace continuo::test;
using Json = nlohmann::json;

namespace {

std::filesystem::path golden(const std::string& name) { return source_folder() / "golden/encoders" / name; }

std::string joined(const Json& numbers) {
  std::string text;
  for (const Json& number : numbers) text += number.dump() + " ";
  return text;
}

// The golden BERT with a tokenizer of words: "w5" to "w255", its mask named "<hole>".
class WordBert {
 public:
  WordBert() {
    for (const char* name : {"config.json", "model.safetensors"})
      std::filesystem::copy_file(golden("bert") / name, folder_.path() / name);
    Json vocabulary = {{"[PAD]", 0}, {"[UNK]", 1}, {"[CLS]", 2}, {"<hole>", 3}, {"[SEP]", 4}};
    for (int id = 5; id < 256; ++id) vocabulary["w" + std::to_string(id)] = id;
    Json added = Json::array();
    for (const auto& [content, id] : vocabulary.items()) {
      if (id.get<int>() >= 5) continue;
      added.push_back({{"id", id},
                       {"content", content},
                       {"special", true},
                       {"lstrip", false},
                       {"rstrip", false},
                       {"normalized", false},
                       {"single_word", false}});
    }
    const auto special = [](const char* name) { return Json{{"SpecialToken", {{"id", name}, {"type_id", 0}}}}; };
    const Json sequence = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
    const Json tokenizer = {
        {"added_tokens", added},
        {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
        {"model",
         {{"type", "WordPiece"},
          {"vocab", vocabulary},
          {"unk_token", "[UNK]"},
          {"continuing_subword_prefix", "##"},
          {"max_input_chars_per_word", 100}}},
        {"post_processor",
         {{"type", "TemplateProcessing"},
          {"single", {special("[CLS]"), sequence, special("[SEP]")}},
          {"pair", Json::array()},
          {"special_tokens",
           {{"[CLS]", {{"id", "[CLS]"}, {"ids", {2}}, {"tokens", {"[CLS]"}}}},
            {"[SEP]", {{"id", "[SEP]"}, {"ids", {4}}, {"tokens", {"[SEP]"}}}}}}}},
    };
    write("tokenizer.json", tokenizer);
    write("tokenizer_config.json", {{"mask_token", {{"content", "<hole>"}}}});
  }
  void write(const std::string& name, const Json& json) const { write_file(folder_.path() / name, json.dump()); }
  std::string path() const { return folder_.path().string(); }

 private:
  TemporaryFolder folder_;
};

Json json_of(const std::vector<std::string>& arguments, const std::string& input = "") {
  const Ran ran = run_program(arguments, input);
  CHECK(ran.err == "");
  REQUIRE(ran.code == 0);
  return Json::parse(ran.out);
}

std::vector<Json> json_lines(const std::string& text) {
  std::vector<Json> all;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    all.push_back(Json::parse(text.substr(at, text.find('\n', at) - at)));
  return all;
}

struct Matrix {
  std::size_t rows = 0, width = 0;
  std::vector<float> values;
};
Matrix read_npy(const std::string& path) {
  const std::string bytes = read_file(path);
  REQUIRE(bytes.size() >= 128);
  REQUIRE(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const std::size_t begin =
      10 + std::size_t(static_cast<unsigned char>(bytes[8])) + 256u * static_cast<unsigned char>(bytes[9]);
  REQUIRE(begin % 64 == 0);
  const std::string header = bytes.substr(10, begin - 10);
  CHECK(header.back() == '\n');
  Matrix matrix;
  REQUIRE(std::sscanf(header.c_str(), "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", &matrix.rows,
                      &matrix.width) == 2);
  matrix.values.resize((bytes.size() - begin) / sizeof(float));
  std::memcpy(matrix.values.data(), bytes.data() + begin, bytes.size() - begin);
  CHECK(matrix.values.size() == matrix.rows * matrix.width);
  return matrix;
}

}  // namespace

TEST_CASE("score gives the reference's pseudo-log-likelihood of every encoder") {
  std::size_t prompts = 0;
  for (const char* name : {"bert", "bert_relative", "roberta", "xlm_roberta", "distilbert", "modernbert", "electra"}) {
    const Json expected = Json::parse(read_file(golden(name) / "expected.json"));
    for (const Json& prompt : expected["prompts"]) {
      INFO(name << ", " << prompt["whole"].size() << " tokens");
      std::vector<std::string> arguments = {"score", "-m", golden(name).string(), "--ids", "--json", "--mask-id", "3"};
      const bool typed = std::any_of(prompt["token_types"].begin(), prompt["token_types"].end(),
                                     [](const Json& type) { return type != 0; });
      if (typed) arguments.insert(arguments.end(), {"--token-types", joined(prompt["token_types"])});
      arguments.push_back(joined(prompt["whole"]));
      const Json answer = json_of(arguments);
      CHECK(std::fabs(answer["pseudo_log_likelihood"].get<double>() - prompt["pll"].get<double>()) < 1e-3);
      CHECK(answer["ids"] == prompt["whole"]);
      CHECK(answer["masked_logprobs"].size() == prompt["whole"].size());
      for (const char* causal : {"sum", "logprobs", "perplexity", "bits_per_byte"}) CHECK(!answer.contains(causal));
      ++prompts;
    }
  }
  CHECK(prompts == 21);
}

TEST_CASE("score of a text: special tokens stand around it and are not scored") {
  const WordBert bert;
  const Json text = json_of({"score", "-m", bert.path(), "--json", "w20 w30 w40"});
  CHECK(text["ids"] == Json({2, 20, 30, 40, 4}));
  CHECK(text["masked_logprobs"][0].is_null());
  CHECK(text["masked_logprobs"][4].is_null());
  const Json all = json_of({"score", "-m", bert.path(), "--json", "--ids", "2 20 30 40 4"});
  double sum = 0;
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(text["masked_logprobs"][i] == all["masked_logprobs"][i]);
    sum += text["masked_logprobs"][i].get<double>();
  }
  CHECK(text["pseudo_log_likelihood"].get<double>() == sum);
  CHECK(std::fabs(text["pseudo_perplexity"].get<double>() - std::exp(-sum / 3)) < 1e-9);
  const Ran lines = run_program({"score", "-m", bert.path(), "w20 w30 w40"});
  CHECK(lines.out.starts_with("2\t[CLS]\t-\n20\tw20\t-"));
  check_contains(lines.out, "\n4\t[SEP]\t-\n# 3 tokens scored, pseudo-log-likelihood -");
}

TEST_CASE("records have the scores that their texts have alone") {
  const WordBert bert;
  const auto alone = [&](const char* text) {
    return json_of({"score", "-m", bert.path(), "--json", text})["pseudo_log_likelihood"].get<double>();
  };
  std::string input =
      "{\"text\": \"w20 w30\", \"id\": \"a\"}\n{\"prompt\": \"w20 \", \"completion\": \"w30 w31\"}\n{\"text\": \"\"}\n"
      "{\"prompt\": \"w9\", \"choices\": [\" w10\", \" w11 w12\"], \"answer\": 1}\n";
  for (int i = 0; i < 200; ++i) input += "{\"text\": \"w" + std::to_string(5 + i) + " w7 w8\"}\n";
  const Ran ran = run_program({"score", "-m", bert.path(), "--jsonl"}, input);
  CHECK(ran.code == 1);  // one has nothing to score
  const std::vector<Json> answers = json_lines(ran.out);
  REQUIRE(answers.size() == 204);
  CHECK(answers[0]["id"] == "a");
  CHECK(answers[0]["pseudo_log_likelihood"].get<double>() == alone("w20 w30"));
  CHECK(answers[0]["tokens"] == 2);
  CHECK(!answers[0].contains("logprob"));
  CHECK(!answers[0].contains("greedy"));
  const Json each = json_of({"score", "-m", bert.path(), "--json", "w20 w30 w31"})["masked_logprobs"];
  CHECK(answers[1]["pseudo_log_likelihood"].get<double>() == each[2].get<double>() + each[3].get<double>());
  CHECK(answers[2]["error"]["line"] == 3);
  const Json choices = answers[3]["choices"];
  CHECK(choices[1]["unconditional"].get<double>() == alone("w11 w12"));
  CHECK(
      answers[3]["best"]["raw"] ==
      (choices[0]["pseudo_log_likelihood"].get<double>() >= choices[1]["pseudo_log_likelihood"].get<double>() ? 0 : 1));
  CHECK(answers[203]["pseudo_log_likelihood"].get<double>() == alone("w204 w7 w8"));
  const Ran summary = run_program({"score", "-m", bert.path(), "--jsonl", "--summary"},
                                  "{\"text\": \"w20 w30\"}\n{\"text\": \"w7\"}\n");
  const Json whole = Json::parse(summary.out);
  CHECK(whole["tokens"] == 3);
  CHECK(std::fabs(whole["pseudo_perplexity"].get<double>() - std::exp(-(alone("w20 w30") + alone("w7")) / 3)) < 1e-9);
}

TEST_CASE("what score cannot do with an encoder is said, and what it needs of one") {
  const std::string bert = golden("bert").string();
  check_error(run_program({"score", "-m", bert, "--ids", "5 6"}), 2, "--mask-id gives its id");
  check_error(run_program({"score", "-m", bert, "--ids", "--mask-id", "256", "5 6"}), 2, "outside the vocabulary");
  check_error(run_program({"score", "-m", bert, "--ids", "--mask-id", "3", "--stride", "5", "5 6"}), 2, "--stride");
  check_error(run_program({"score", "-m", bert, "--ids", "--json", "--last-logits", "5 6"}), 2, "continuo fill");
  check_error(
      run_program({"score", "-m", (source_folder() / "golden/llama").string(), "--ids", "--mask-id", "3", "5 6"}), 2,
      "of encoders");
  std::string many;
  for (int i = 0; i < 129; ++i) many += "5 ";
  check_error(run_program({"score", "-m", bert, "--ids", "--mask-id", "3", many}), 4, "context holds 128");
}

TEST_CASE("the mask is the token that the model's files name") {
  const WordBert bert;
  const Json named = json_of({"fill", "-m", bert.path(), "--json", "w20 <hole>"});
  CHECK(named["masks"][0]["position"] == 2);
  CHECK(json_of({"fill", "-m", bert.path(), "--json", "--mask", "___", "w20 ___"}) == named);
  CHECK(json_of({"fill", "-m", bert.path(), "--json", "--ids", "2 20 3 4"}) == named);
  check_error(run_program({"fill", "-m", bert.path(), "w20"}), 2, "<hole> stands for one");
  bert.write("tokenizer_config.json", {{"mask_token", "<gap>"}});
  check_error(run_program({"fill", "-m", bert.path(), "w20 <hole>"}), 3, "'mask_token' is '<gap>', which is no token");
  bert.write("tokenizer_config.json", {{"mask_token", 3}});
  check_error(run_program({"fill", "-m", bert.path(), "w20 <hole>"}), 3, "expected a token's text");
  bert.write("tokenizer_config.json", {{"mask_token", nullptr}});
  bert.write("special_tokens_map.json", {{"mask_token", "<hole>"}});
  CHECK(json_of({"fill", "-m", bert.path(), "--json", "w20 <hole>"}) == named);
}

TEST_CASE("vectors in a file for NumPy are those of the answers") {
  const WordBert bert;
  std::string input;
  for (int i = 0; i < 50; ++i) input += "{\"text\": \"w" + std::to_string(20 + i) + " w7\"}\n";
  const std::string file = bert.path() + "/out.npy";
  const Ran ran = run_program({"embed", "-m", bert.path(), "--jsonl", "-o", file}, input);
  CHECK(ran.err == "");
  CHECK(ran.out == "");
  REQUIRE(ran.code == 0);
  const Matrix matrix = read_npy(file);
  CHECK(matrix.rows == 50);
  REQUIRE(matrix.width == 64);
  const std::vector<Json> answers = json_lines(run_program({"embed", "-m", bert.path(), "--jsonl"}, input).out);
  REQUIRE(answers.size() == 50);
  for (std::size_t row = 0; row < 50; ++row) {
    for (std::size_t i = 0; i < 64; ++i)
      REQUIRE(matrix.values[row * 64 + i] == answers[row]["embedding"][i].get<float>());
  }
  REQUIRE(run_program({"embed", "-m", bert.path(), "-o", file, "w20 w7"}).code == 0);
  CHECK(read_npy(file).rows == 1);
  // A record that fails leaves the file as it was.
  check_error(run_program({"embed", "-m", bert.path(), "--jsonl", "-o", file}, input + "{\"text\": 5}\n"), 1,
              "line 51: ");
  CHECK(read_npy(file).rows == 1);
  REQUIRE(run_program({"embed", "-m", bert.path(), "--jsonl", "-o", file}, "").code == 0);
  CHECK(read_npy(file).rows == 0);
  check_error(run_program({"embed", "-m", bert.path(), "-o", file, "--json", "w20"}), 2,
              "--output does not go with --json");
  check_error(run_program({"embed", "-m", bert.path(), "-o", "/nowhere/a.npy", "w20"}), 1, "/nowhere/a.npy");
}

TEST_CASE("a sentence embedder's folder says how texts are cut, prefixed and pooled") {
  const WordBert bert;
  const auto embed = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"embed", "-m", bert.path()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  };
  const auto module = [](const char* name, const char* path) {
    return Json{{"type", std::string("sentence_transformers.models.") + name}, {"path", path}};
  };
  const std::string cut = embed({"--pooling", "cls", "w20 w30"}).out;
  bert.write("modules.json", Json::array({module("Transformer", ""), module("Pooling", "1_Pooling")}));
  bert.write("1_Pooling/config.json", {{"pooling_mode_cls_token", true}});
  bert.write("sentence_bert_config.json", {{"max_seq_length", 4}, {"do_lower_case", false}});
  const Ran longer = embed({"w20 w30 w40 w50"});
  CHECK(longer.code == 0);
  CHECK(longer.out == cut);
  check_contains(longer.err, "1 of 1 texts were longer");
  CHECK(Json::parse(embed({"--json", "w20 w30 w40"}).out)["truncated"] == true);
  CHECK(!Json::parse(embed({"--json", "w20 w30"}).out).contains("truncated"));
  CHECK(embed({"--truncate", "0", "w20 w30 w40"}).err == "");
  CHECK(embed({"--truncate", "3", "w20 w30 w40"}).out == embed({"w20"}).out);
  bert.write("config_sentence_transformers.json", {{"prompts", {{"query", "w20 "}}}, {"default_prompt_name", "query"}});
  CHECK(embed({"w30"}).out == cut);
  bert.write("1_Pooling/config.json", {{"pooling_mode", "cls"}, {"include_prompt", true}});
  CHECK(embed({"w30"}).out == cut);
  bert.write("1_Pooling/config.json", {{"pooling_mode", "weightedmean"}});
  check_error(embed({"w30"}), 3, "the pooling 'weightedmean' is not supported");
  bert.write("sentence_bert_config.json", {{"max_seq_length", -4}});
  check_error(embed({"w30"}), 3, "'max_seq_length' is -4");
}
