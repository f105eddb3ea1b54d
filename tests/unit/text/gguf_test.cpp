// Vocabularies as GGUF files have them.
#include <limits>

#include "base/json.h"
#include "text/gguf_pre_tokenizers.h"
#include "text/gguf_vocabulary.h"
#include "unit/text/gguf_metadata.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

// A vocabulary that owns what its views point at.
struct Owned {
  std::vector<std::string> texts, merge_texts;
  std::vector<std::string_view> tokens, merges;
  std::vector<float> scores;
  std::vector<std::int32_t> types;
  GgufVocabulary vocabulary;

  const GgufVocabulary& view() {
    tokens.assign(texts.begin(), texts.end());
    merges.assign(merge_texts.begin(), merge_texts.end());
    vocabulary.tokens = tokens;
    vocabulary.merges = merges;
    vocabulary.scores = scores;
    vocabulary.token_types = types;
    return vocabulary;
  }
};

// The vocabulary that a tokenizer.json with byte-level BPE becomes when it is converted.
Owned converted(const Json& json, const std::string& pre) {
  Owned out;
  out.vocabulary.model = "gpt2";
  out.vocabulary.pre = pre;
  std::size_t count = json.at("model").at("vocab").size();
  for (const Json& token : json.at("added_tokens")) count = std::max(count, token.at("id").get<std::size_t>() + 1);
  out.texts.resize(count);
  out.types.assign(count, 1);
  for (const auto& item : json.at("model").at("vocab").items())
    out.texts.at(item.value().get<std::size_t>()) = item.key();
  for (const Json& token : json.at("added_tokens")) {
    const auto id = token.at("id").get<std::size_t>();
    out.texts.at(id) = token.at("content").get<std::string>();
    out.types.at(id) = token.at("special").get<bool>() ? 3 : 4;
  }
  for (const Json& merge : json.at("model").at("merges")) {
    out.merge_texts.push_back(merge.is_string() ? merge.get<std::string>()
                                                : merge[0].get<std::string>() + " " + merge[1].get<std::string>());
  }
  return out;
}

Tokenizer make(const GgufVocabulary& vocabulary) {
  auto tokenizer = tokenizer_from_gguf(vocabulary, "m.gguf");
  if (!tokenizer) FAIL(tokenizer.error().message());
  return std::move(tokenizer).value();
}

std::string error_of(const GgufVocabulary& vocabulary) {
  const auto tokenizer = tokenizer_from_gguf(vocabulary, "m.gguf");
  return tokenizer ? "no error" : tokenizer.error().message();
}

// Texts separated by a line of their own, and a line of ids for each.
void compare_pairs(const Tokenizer& tokenizer, const std::filesystem::path& base) {
  const std::string separator = "\n__ggml_vocab_test__\n";
  std::string texts = read_file(base.string() + ".inp");
  std::istringstream lines(read_file(base.string() + ".out"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::size_t end = std::min(texts.find(separator), texts.size());
    const std::string text = texts.substr(0, end);
    texts.erase(0, end + separator.size() > texts.size() ? texts.size() : end + separator.size());
    std::istringstream numbers(line);
    Ids ids;
    for (TokenId id; numbers >> id;) ids.push_back(id);
    INFO(base.string() << ": " << Json(text).dump());
    CHECK(tokenizer.encode(text, false) == ids);
  }
  CHECK(count > 40);
}

// A small SentencePiece-like vocabulary.
Owned small_llama() {
  Owned out;
  out.vocabulary.model = "llama";
  out.texts = {"<unk>", "<s>", "</s>", "\u2581", "a", "b", "ab", "\u2581ab", "<x>"};
  out.scores = {0, 0, 0, -1, -2, -3, -4, -5, 0};
  out.types = {2, 3, 3, 1, 1, 1, 1, 1, 4};
  out.vocabulary.bos_token_id = 1;
  out.vocabulary.eos_token_id = 2;
  return out;
}

}  // namespace

TEST_CASE("vocabularies of real GGUF files give the expected ids") {
  const auto data = data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA names no folder with real vocabularies");
    return;
  }
  for (const std::string name : {"gpt-2", "starcoder", "llama-spm", "phi-3"}) {
    const auto file = *data / "tokenizers" / "gguf-vocab" / ("ggml-vocab-" + name + ".gguf");
    GgufMetadata metadata(read_file(file));
    compare_pairs(make(metadata.vocabulary()), file);
  }
  if (const auto file = *data / "tokenizers" / "gguf-vocab" / "ggml-vocab-bert-bge.gguf"; exists(file)) {
    GgufMetadata metadata(read_file(file));
    compare_pairs(make(metadata.vocabulary()), file);
  } else {
    WARN("skipped: there is no ggml-vocab-bert-bge.gguf");
  }
  for (const auto& [vocabulary, name] :
       {std::pair("falcon", "falcon"), std::pair("llama-bpe", "llama3"), std::pair("qwen2", "qwen2")}) {
    compare_pairs(load_tokenizer(*data / "tokenizers" / name / "tokenizer.json"),
                  *data / "tokenizers" / "gguf-vocab" / (std::string("ggml-vocab-") + vocabulary + ".gguf"));
  }
}

TEST_CASE("a converted tokenizer.json gives the same ids") {
  const auto data = data_folder();
  if (!data) {
    WARN("skipped: CONTINUO_TEST_DATA names no folder with real tokenizers");
    return;
  }
  for (const auto& [name, pre] :
       {std::pair("falcon", "falcon"), std::pair("llama3", "llama-bpe"), std::pair("qwen2", "qwen2"),
        std::pair("gpt2", "gpt-2"), std::pair("gpt-neox-pythia", "olmo"), std::pair("phi-2", "phi-2")}) {
    Owned vocabulary = converted(Json::parse(read_file(*data / "tokenizers" / name / "tokenizer.json")), pre);
    const Tokenizer tokenizer = make(vocabulary.view());
    std::istringstream lines(read_file(*data / "goldens" / "tokenizers" / (std::string(name) + ".jsonl")));
    for (std::string line; std::getline(lines, line);) {
      const Json golden = Json::parse(line);
      INFO(name << ": " << golden.at("text").dump());
      CHECK(tokenizer.encode(golden.at("text").get<std::string>(), false) == golden.at("ids").get<Ids>());
    }
  }
}

TEST_CASE("every name of a pre-tokenizer is one that works") {
  Owned vocabulary = converted(Json::parse(read_file(own_tokenizer_folder("gpt2-like") / "tokenizer.json")), "");
  for (const std::string pre :
       {"default",        "gpt-2",       "llama3",     "llama-bpe", "qwen2",  "qwen35",      "falcon",
        "starcoder",      "refact",      "smollm",     "mpt",       "olmo",   "dbrx",        "deepseek-llm",
        "deepseek-coder", "deepseek-v3", "command-r",  "stablelm2", "tekken", "chatglm-bpe", "glm4",
        "viking",         "bloom",       "jais",       "gpt-4o",    "llama4", "superbpe",    "exaone",
        "exaone4",        "seed-coder",  "bailingmoe", "tiny_aya",  "phi-2",  "codeshell"}) {
    vocabulary.vocabulary.pre = pre;
    const Tokenizer tokenizer = make(vocabulary.view());
    for (const std::string text : {"The clock's 1234567 hours, don't\n\n  WE'LL (see)!\r\n\t x", "钟一直 12 часов",
                                   " leading", "\xff\xfe bytes"}) {
      INFO(pre << ": " << text);
      if (text != " leading" || pre != "x") CHECK(tokenizer.decode(tokenizer.encode(text, false), false) == text);
    }
  }
  for (const std::string pre : {"kimi-k9", "", "gpt-2 phi-2", " "}) {
    vocabulary.vocabulary.pre = pre;
    CHECK(error_of(vocabulary.view()) ==
          "m.gguf: tokenizer.ggml.pre: the pre-tokenizer '" + pre + "' is not supported");
  }
}

TEST_CASE("digits are cut as the names say") {
  const auto pieces = [](const std::string& pre) {
    Owned vocabulary = converted(Json::parse(R"({"added_tokens": [], "model": {"vocab": {"1": 0, "11": 1, "111": 2,
        "1111": 3}, "merges": ["1 1", "11 11", "11 1"]}})"),
                                 pre);
    return make(vocabulary.view()).encode("11111", false);
  };
  CHECK(pieces("gpt-2") == Ids{3, 0});
  CHECK(pieces("starcoder") == Ids{0, 0, 0, 0, 0});
  CHECK(pieces("llama-bpe") == Ids{2, 1});
  CHECK(pieces("superbpe") == Ids{1, 2});
  CHECK(pieces("tiny_aya") == Ids{1, 2});
  CHECK(pieces("falcon") == Ids{2, 1});
}

TEST_CASE("a SentencePiece vocabulary of a GGUF file") {
  Owned owned = small_llama();
  CHECK(make(owned.view()).encode("ab", true) == Ids{1, 7});
  CHECK(make(owned.view()).encode("ab ab", false) == Ids{7, 7});
  CHECK(make(owned.view()).encode("a<x>ab", false) == Ids{3, 4, 8, 7});  // a blank after it again
  CHECK(make(owned.view()).encode("a?!b", false) == Ids{3, 4, 0, 5});
  CHECK(make(owned.view()).decode(Ids{1, 7, 7, 2}, true) == "ab ab");
  owned.vocabulary.add_space_prefix = false;
  owned.vocabulary.add_bos_token = false;
  owned.vocabulary.add_eos_token = true;
  CHECK(make(owned.view()).encode("ab", true) == Ids{6, 2});
  owned.vocabulary.model = "t5";
  owned.vocabulary.add_space_prefix = true;
  owned.scores = {0, 0, 0, -1, -2, -3, -7, -7, 0};
  CHECK(make(owned.view()).encode("ab  ab ", true) == Ids{3, 4, 5, 3, 4, 5, 2});
}

TEST_CASE("the BERT vocabulary of a GGUF file") {
  Json json = Json::parse(read_file(own_tokenizer_folder("bert-like") / "tokenizer.json"));
  json["model"]["max_input_chars_per_word"] = 100;
  Owned owned;
  owned.vocabulary.model = "bert";
  owned.texts.resize(json.at("model").at("vocab").size());
  owned.types.assign(owned.texts.size(), 1);
  for (const auto& item : json.at("model").at("vocab").items()) {
    const auto id = item.value().get<std::size_t>();
    const bool special = id < 5, continues = item.key().starts_with("##");
    owned.texts[id] = special ? item.key() : continues ? item.key().substr(2) : "\u2581" + item.key();
    if (special) owned.types[id] = 3;
  }
  owned.vocabulary.unknown_token_id = 1;
  owned.vocabulary.cls_token_id = 2;
  owned.vocabulary.separator_token_id = 3;
  const Tokenizer tokenizer = make(owned.view()), whole = parse_small(json);
  std::istringstream lines(read_file(own_tokenizer_folder("bert-like") / "goldens.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto text = Json::parse(line).at("text").get<std::string>();
    INFO(line);
    CHECK(tokenizer.encode(text, true) == whole.encode(text, true));
  }
  owned.vocabulary.separator_token_id = 10'000;
  CHECK(error_of(owned.view()) == "m.gguf: the vocabulary has no [CLS] or no [SEP]");
  owned.vocabulary.unknown_token_id = 10'000;
  CHECK(error_of(owned.view()) == "m.gguf: the vocabulary has no [CLS] or no [SEP]");
}

TEST_CASE("the RWKV vocabulary of a GGUF file") {
  Owned owned;
  owned.vocabulary.model = "rwkv";
  owned.texts = {"<s>"};
  owned.types = {3};
  for (int byte = 0; byte < 256; ++byte) {
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(byte));
    owned.texts.emplace_back(escaped);
  }
  owned.texts.insert(owned.texts.end(), {"tick", "ti\\n", "\\\\\\'", "[PAD260]"});
  owned.types.resize(owned.texts.size(), 1);
  owned.types.back() = 5;
  const Tokenizer tokenizer = make(owned.view());
  CHECK(tokenizer.encode("tickti\n\\'", false) == Ids{257, 258, 259});
  CHECK(tokenizer.encode("[PAD260]", false).size() == 8);
  std::string all;
  for (int byte = 255; byte >= 0; --byte) all += static_cast<char>(static_cast<unsigned char>(byte));
  CHECK(tokenizer.decode(tokenizer.encode(all, true), false) == all);
  owned.texts[9] = "twice";
  CHECK(error_of(owned.view()) == "m.gguf: the vocabulary has no piece for the byte 0x08");
}

TEST_CASE("GGUF vocabularies that are broken") {
  Owned owned = small_llama();
  CHECK(error_of({}) == "m.gguf: tokenizer.ggml.tokens: there are none");
  owned.scores.pop_back();
  CHECK(error_of(owned.view()) == "m.gguf: there are 9 tokens, but 8 scores");
  owned.scores.clear();
  CHECK(error_of(owned.view()) == "m.gguf: tokenizer.ggml.scores: there are none");
  owned = small_llama();
  owned.types.push_back(1);
  CHECK(error_of(owned.view()) == "m.gguf: there are 9 tokens, but 10 token types");
  owned = small_llama();
  owned.types[4] = 77;
  CHECK(error_of(owned.view()) == "m.gguf: tokenizer.ggml.token_type: token 4 has type 77");
  owned = small_llama();
  owned.scores[4] = std::numeric_limits<float>::quiet_NaN();
  CHECK(error_of(owned.view()) == "m.gguf: the score of the piece 'a' is not a number");
  owned.vocabulary.model = "t5";
  CHECK(error_of(owned.view()) == "m.gguf: the score of the piece 'a' is not a finite number");
  owned = small_llama();
  owned.vocabulary.bos_token_id = 9;
  CHECK(make(owned.view()).encode("ab", true) == Ids{7});  // only where the file asks for it
  owned.vocabulary.add_bos_token = true;
  CHECK(error_of(owned.view()) == "m.gguf: a BOS token is to be added, but there is none");
  owned = small_llama();
  owned.texts[5] = "a";
  CHECK(error_of(owned.view()) == "m.gguf: the vocabulary has the piece 'a' twice");
  owned = small_llama();
  owned.texts[5] = "\xff";
  CHECK(error_of(owned.view()) == "m.gguf: tokenizer.ggml.tokens: token 5 is not valid UTF-8");
  owned.vocabulary.model = "plamo2";
  CHECK(error_of(owned.view()) == "m.gguf: tokenizer.ggml.model 'plamo2' is not supported");
  owned.vocabulary.model = "gpt2";
  CHECK(error_of(owned.view()) == "m.gguf: tokenizer.ggml.merges: there are none");
  owned.merge_texts = {"a b c"};
  CHECK(error_of(owned.view()) == "m.gguf: merge 0: the merge 'a b c' is not two pieces with a blank between");
  owned.merge_texts = {"a zz"};
  CHECK(error_of(owned.view()) == "m.gguf: merge 0: a merge needs the piece 'zz', which the vocabulary lacks");
}
