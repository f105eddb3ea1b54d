// tokenizer.model against the library sentencepiece, and the other files that a folder may have instead of a
// tokenizer.json.
#include <map>

#include "base/json.h"
#include "text/stream_decoder.h"
#include "text/tokenizer_files.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

using Files = std::map<std::string, std::string, std::less<>>;

Result<Tokenizer> load(const Files& files) {
  return load_tokenizer([&](std::string_view name) -> Result<std::optional<TokenizerFile>> {
    const auto found = files.find(name);
    if (found == files.end()) return std::optional<TokenizerFile>();
    return std::optional(TokenizerFile{found->second, nullptr, found->first});
  });
}

Tokenizer load_good(const Files& files) {
  auto tokenizer = load(files);
  if (!tokenizer) FAIL(tokenizer.error().message());
  return std::move(tokenizer).value();
}

std::string error_of(const Files& files) {
  const auto tokenizer = load(files);
  return tokenizer ? "no error" : tokenizer.error().message();
}

const char* const kModels[] = {"bpe-bytes", "bpe", "unigram", "unigram-bytes", "unigram-plain"};

std::string model_bytes(const std::string& name) {
  return read_file(source_folder() / "data" / "tokenizers" / "sentencepiece" / (name + ".model"));
}

Files gpt2_like() {
  const Json json = Json::parse(read_file(own_tokenizer_folder("gpt2-like") / "tokenizer.json"));
  std::string merges = "#version: 0.2\n";
  for (const Json& merge : json.at("model").at("merges")) {
    merges +=
        merge.is_string() ? merge.get<std::string>() : merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    merges += "\n";
  }
  return {{"vocab.json", json.at("model").at("vocab").dump()},
          {"merges.txt", merges},
          {"added_tokens.json", R"({"<|endoftext|>": 500})"},
          {"special_tokens_map.json", R"({"bos_token": "<|endoftext|>", "eos_token": {"content": "<|endoftext|>"}})"}};
}

}  // namespace

TEST_CASE("tokenizer.model encodes as sentencepiece") {
  for (const std::string name : kModels) {
    const Tokenizer tokenizer = load_good({{"tokenizer.model", model_bytes(name)}});
    std::istringstream lines(read_file(source_folder() / "data" / "tokenizers" / "sentencepiece" / (name + ".jsonl")));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      const Json golden = Json::parse(line);
      INFO(name << ": " << golden.at("text").dump());
      CHECK(tokenizer.encode(golden.at("text").get<std::string>(), false) == golden.at("ids").get<Ids>());
    }
    CHECK(count > 100);
  }
}

TEST_CASE("tokenizer.model decodes what it encoded") {
  const Tokenizer tokenizer = load_good({{"tokenizer.model", model_bytes("bpe-bytes")}});
  for (const std::string text : {"tick tock", " tick", "a\nb", "clé", "钟一直", "\xff\xfe", "<sep> clockwork  x"}) {
    CHECK(tokenizer.decode(tokenizer.encode(text, false), false) == text);
    CHECK(tokenizer.decode(tokenizer.encode(text, true), true) == text);
  }
}

TEST_CASE("what is put around a prompt with a tokenizer.model") {
  const std::string bpe = model_bytes("bpe"), unigram = model_bytes("unigram");
  CHECK(load_good({{"tokenizer.model", bpe}}).encode("", true) == Ids{1});
  CHECK(load_good({{"tokenizer.model", unigram}}).encode("", true) == Ids{2});
  const auto with = [&](const char* config) {
    return load_good({{"tokenizer.model", bpe}, {"tokenizer_config.json", config}}).encode("", true);
  };
  CHECK(with(R"({"add_bos_token": false, "add_eos_token": true})") == Ids{2});
  CHECK(with(R"({"tokenizer_class": "T5Tokenizer"})") == Ids{2});
  CHECK(with(R"({"tokenizer_class": "LlamaTokenizerFast"})") == Ids{1});
  CHECK(with(R"({"add_bos_token": true, "bos_token": "</s>"})") == Ids{2});
}

TEST_CASE("control pieces and added tokens are found in a text") {
  const Tokenizer tokenizer =
      load_good({{"tokenizer.model", model_bytes("bpe")},
                 {"tokenizer_config.json",
                  R"({"added_tokens_decoder": {"400": {"content": "<call>", "special": true, "rstrip": true}}})"}});
  const Ids ids = tokenizer.encode("<s><call>  a</s>", false);
  REQUIRE(ids.size() >= 4);
  CHECK(ids.front() == 1);
  CHECK(ids[1] == 400);
  CHECK(ids.back() == 2);
  CHECK(tokenizer.is_special(400));
  CHECK(tokenizer.decode(Ids{1, 400, 2}, true).empty());
}

TEST_CASE("vocab.json and merges.txt are the tokenizer.json they could be") {
  const Tokenizer whole = own_tokenizer("gpt2-like");
  const Tokenizer tokenizer = load_good(gpt2_like());
  std::istringstream lines(read_file(own_tokenizer_folder("gpt2-like") / "goldens.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto text = Json::parse(line).at("text").get<std::string>();
    INFO(line);
    CHECK(tokenizer.encode(text, false) == whole.encode(text, false));
  }
  CHECK(tokenizer.is_special(500));
  Files files = gpt2_like();
  files["tokenizer_config.json"] = R"({"add_bos_token": true, "add_prefix_space": true})";
  const Ids ids = load_good(files).encode("tick", true);
  CHECK(ids.front() == 500);
  CHECK(Ids(ids.begin() + 1, ids.end()) == whole.encode(" tick", false));
}

TEST_CASE("vocab.json of qwen2's class") {
  const Json json = Json::parse(read_file(own_tokenizer_folder("qwen2-like") / "tokenizer.json"));
  Files files = gpt2_like();
  std::string merges;
  for (const Json& merge : json.at("model").at("merges"))
    merges += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + "\r\n";
  files = {{"vocab.json", json.at("model").at("vocab").dump()},
           {"merges.txt", merges},
           {"tokenizer_config.json", R"({"tokenizer_class": "Qwen2Tokenizer"})"}};
  const Tokenizer tokenizer = load_good(files), whole = own_tokenizer("qwen2-like");
  for (const std::string text : {"The clock's 12 hours WE'LL cle\u0301", "a  b\n\n c!!\r\n", "钟一直在说话。"})
    CHECK(tokenizer.encode(text, false) == whole.encode(text, false));
}

TEST_CASE("vocab.txt of BERT's classes") {
  const auto check = [](const std::string& name, const std::string& config) {
    const Json json = Json::parse(read_file(own_tokenizer_folder(name) / "tokenizer.json"));
    std::vector<std::string> pieces(json.at("model").at("vocab").size());
    for (const auto& item : json.at("model").at("vocab").items())
      pieces.at(item.value().get<std::size_t>()) = item.key();
    std::string text;
    for (const std::string& piece : pieces) text += piece + "\n";
    const Tokenizer tokenizer = load_good({{"vocab.txt", text}, {"tokenizer_config.json", config}});
    const Tokenizer whole = own_tokenizer(name);
    for (const std::string words :
         {"The clock's [MASK] L'HORLOGE \u00e9tait", "a\u0301 b\n\n ## c!!\r\n", "\u949f\u4e00\u76f4"}) {
      CHECK(tokenizer.encode(words, true) == whole.encode(words, true));
      CHECK(tokenizer.decode(tokenizer.encode(words, true), true) == whole.decode(whole.encode(words, true), true));
    }
  };
  check("bert-like", "{}");
  check("bert-cased-like", R"({"do_lower_case": false, "tokenizer_class": "BertTokenizerFast"})");
}

TEST_CASE("folders of tokenizer files that are not good") {
  CHECK(error_of({}) ==
        "there is no tokenizer: none of tokenizer.json, tokenizer.model, vocab.json, vocab.txt, "
        "rwkv_vocab_v20230424.txt");
  Files files = gpt2_like();
  files.erase("merges.txt");
  CHECK(error_of(files) == "vocab.json: merges.txt, which belongs to it, is missing");
  files["merges.txt"] = "a b c\n";
  CHECK(error_of(files) == "merges.txt: byte 0: the merge 'a b c' is not two pieces with a blank between");
  files["merges.txt"] = "#version: 0.2\na zz\n";
  CHECK(error_of(files) == "merges.txt: byte 14: a merge needs the piece 'zz', which the vocabulary lacks");
  files = gpt2_like();
  files["tokenizer_config.json"] = R"({"tokenizer_class": "BertTokenizer"})";
  CHECK(error_of(files) == "vocab.json: tokenizer_class 'BertTokenizer' is not supported without a tokenizer.json");
  CHECK(error_of({{"vocab.txt", "[UNK]\n[CLS]\na\n"}}) == "vocab.txt: the vocabulary has no [CLS] or no [SEP]");
  CHECK(error_of({{"vocab.txt", "[SEP]\n[CLS]\na\n"}}) ==
        "vocab.txt: model 'WordPiece': the vocabulary lacks the unk_token '[UNK]'");
  CHECK(error_of({{"vocab.txt", "a\na\n"}}) == "vocab.txt: the vocabulary has the piece 'a' twice");
  CHECK(error_of({{"vocab.txt", "a\n\xff"}}) == "vocab.txt: byte 2: not valid UTF-8");
  files["tokenizer_config.json"] = R"({"add_bos_token": 1})";
  CHECK(error_of(files) == "tokenizer_config.json: add_bos_token must be true or false");
  files["tokenizer_config.json"] = "[]";
  CHECK(error_of(files) == "tokenizer_config.json: it is not a JSON object");
  files["tokenizer_config.json"] = R"({"added_tokens_decoder": {"x": {"content": "<y>"}}})";
  CHECK(error_of(files) == "tokenizer_config.json: the added token '<y>' has the id \"x\"");
  files["tokenizer_config.json"] = R"({"added_tokens_decoder": {"3": {"content": "<y>"}}})";
  CHECK(error_of(files).starts_with("vocab.json: added token '<y>': its id 3 is that of the piece '"));
  files = gpt2_like();
  files.erase("special_tokens_map.json");
  files["tokenizer_config.json"] = R"({"add_bos_token": true})";
  CHECK(error_of(files) == "vocab.json: a BOS token is to be added, but there is none");
}

TEST_CASE("a tokenizer.model that is broken") {
  const auto error = [](std::string bytes) { return error_of({{"tokenizer.model", std::move(bytes)}}); };
  CHECK(error("") == "tokenizer.model: it has no pieces (is this a SentencePiece model?)");
  CHECK(error("\x0a") ==
        "tokenizer.model: byte 1: a number does not end (was the file cut short, or is it something else?)");
  CHECK(error("\x0a\x7f") ==
        "tokenizer.model: byte 2: a field of 127 bytes, but only 0 are left (was the file cut short, or is "
        "it something else?)");
  CHECK(error(std::string(11, '\xff'))
            .ends_with("a number of more than 64 bits (was the file cut short, or is it something else?)"));
  CHECK(error(std::string("\x0a\x00", 2)) == "tokenizer.model: piece 0 is empty");
  CHECK(error("\x0a\x03\x0a\x01\xff") == "tokenizer.model: piece 0 is not valid UTF-8");
  CHECK(error("\x0a\x05\x0a\x01"
              "a\x18\x07") == "tokenizer.model: piece 0 is of a kind that is not known, 7");
  CHECK(error("\x0a\x03\x0a\x01"
              "a") == "tokenizer.model: no piece is of the kind 'unknown'");
  CHECK(error("\x08\x01") == "tokenizer.model: field 1 is not a message");
  CHECK(error("\x12\x02\x18\x03") == "tokenizer.model: a model of type 'word' is not supported");
  CHECK(error("\x0f").find("wire type 7 is not known") != std::string::npos);
  const std::string unk("\x0a\x05\x0a\x01?\x18\x02", 7);
  CHECK(error(unk) == "no error");
  CHECK(error(unk + unk) == "tokenizer.model: pieces 0 and 1 are both unknown");
  const std::string a(
      "\x0a\x08\x0a\x01"
      "a\x15\x00\x00\x80\x3f",
      10);
  CHECK(error(unk + a) == "no error");
  CHECK(error(unk + a + a) == "tokenizer.model: the vocabulary has the piece 'a' twice");
  std::string nan = a;
  nan[8] = '\xc0', nan[9] = '\x7f';
  CHECK(error(unk + nan) == "tokenizer.model: the score of the piece 'a' is not a finite number");
  CHECK(error(unk + nan + "\x12\x02\x18\x02") == "tokenizer.model: the score of the piece 'a' is not a number");
  CHECK(error(unk + a + "\x12\x03\x98\x02\x01") ==
        "tokenizer.model: byte_fallback needs the piece '<0x00>' in the vocabulary");
  CHECK(error(unk + "\x1a\x07\x12\x05" + std::string("\xff\xff\xff\xff\x00", 5)) ==
        "tokenizer.model: the normalizer: the character map's trie of 4294967295 bytes does not fit into 5 "
        "(is precompiled_charsmap damaged?)");
}

TEST_CASE("a tokenizer.model with any byte changed does not crash") {
  const std::string whole = model_bytes("bpe");
  for (std::size_t at = 0; at < whole.size(); at += at < 300 ? 1 : 37) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string broken = whole;
      broken[at] = static_cast<char>(static_cast<unsigned char>(broken[at]) ^ static_cast<unsigned char>(change));
      if (const auto tokenizer = load({{"tokenizer.model", broken}}))
        (void)tokenizer->encode("tick <sep> tock \xff", true);
    }
    if (at % 7 == 0) {
      if (const auto tokenizer = load({{"tokenizer.model", whole.substr(0, at)}}))
        (void)tokenizer->encode("tick tock", true);
    }
  }
}
