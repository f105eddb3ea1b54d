// Tokenizers against reference encodings made with the Python package `tokenizers`.
#include "base/json.h"
#include "support.h"
#include "text/stream_decoder.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

void compare(const std::filesystem::path& tokenizer_file, const std::filesystem::path& goldens_file) {
  const Tokenizer tokenizer = load_tokenizer(tokenizer_file);
  std::istringstream lines(read_file(goldens_file));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const Json golden = Json::parse(line);
    const auto text = golden.at("text").get<std::string>();
    const auto ids = golden.at("ids").get<Ids>();
    INFO(goldens_file.string() << " line " << count + 1 << ": " << golden.at("text").dump());
    CHECK(tokenizer.encode(text, false) == ids);
    CHECK(tokenizer.encode(text, true) == golden.at("ids_special").get<Ids>());
    CHECK(valid_utf8(tokenizer.decode(ids, false)) == golden.at("decoded").get<std::string>());
  }
  CHECK(count > 200);
}

}  // namespace

TEST_CASE("our own tokenizers encode and decode as the reference") {
  for (const std::string& name : kOwnTokenizers) {
    const auto folder = own_tokenizer_folder(name);
    compare(folder / "tokenizer.json", folder / "goldens.jsonl");
  }
}

TEST_CASE("parts that few tokenizers use encode and decode as the reference") {
  const Json base = Json::parse(read_file(own_tokenizer_folder("llama2-like") / "tokenizer.json"));
  std::istringstream lines(read_file(own_tokenizer_folder("parts") / "goldens.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const Json golden = Json::parse(line);
    Json json = base;
    json.update(golden.at("parts"));
    INFO(line);
    const Tokenizer tokenizer = parse_small(json);
    const auto ids = golden.at("ids").get<Ids>();
    CHECK(tokenizer.encode(golden.at("text").get<std::string>(), true) == ids);
    CHECK(valid_utf8(tokenizer.decode(ids, false)) == golden.at("decoded").get<std::string>());
  }
  CHECK(count > 200);
}

TEST_CASE("real tokenizers encode and decode as the reference") {
  const auto data = data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA names no folder with real tokenizers");
    return;
  }
  for (const std::string name :
       {"gpt2", "llama2", "llama3", "qwen2", "gpt-neox-pythia", "falcon", "phi-2", "phi-3", "t5-small"}) {
    compare(*data / "tokenizers" / name / "tokenizer.json", *data / "goldens" / "tokenizers" / (name + ".jsonl"));
  }
}
