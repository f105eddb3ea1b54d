// Broken and unsupported tokenizer files: each is one clear line, and nothing is allocated from what a file
// declares.
#include "base/json.h"
#include "unit/text/tokenizers.h"

using namespace continuo;
using namespace continuo::test;

namespace {

std::string error_of(std::string_view bytes) {
  const auto tokenizer = Tokenizer::parse(bytes, "t.json");
  if (tokenizer) return "no error";
  CHECK(tokenizer.error().kind == ErrorKind::model);
  return tokenizer.error().message();
}

// The error after the small tokenizer was changed at `pointer`.
std::string error_with(const char* pointer, const char* value) {
  Json json = small_tokenizer();
  json[Json::json_pointer(pointer)] = Json::parse(value);
  return error_of(json.dump());
}

std::string error_with_normalizer(const char* value) { return error_with("/normalizer", value); }
std::string error_with_pre_tokenizer(const char* value) { return error_with("/pre_tokenizer", value); }
std::string error_with_decoder(const char* value) { return error_with("/decoder", value); }

}  // namespace

TEST_CASE("the small tokenizer is sound before it is broken") {
  const Tokenizer tokenizer = parse_small(small_tokenizer());
  CHECK(tokenizer.encode("abcab<x>d", false) == Ids{5, 4, 6, 0});
  CHECK(tokenizer.vocab_size() == 7);
  CHECK(tokenizer.find("<x>") == 6);
}

TEST_CASE("JSON that is broken") {
  CHECK(error_of("") == "t.json: byte 0: '{' was expected to begin an object (was the file cut short?)");
  CHECK(error_of("[]") == "t.json: byte 0: '{' was expected to begin an object");
  CHECK(error_of("{}") == "t.json: it has no model (is this a tokenizer.json?)");
  CHECK(error_of("{\"version\": \"1.0\"} x") == "t.json: byte 19: there is more after the end of the JSON object");
  CHECK(error_of("{\"a\xff\": 1}") == "t.json: byte 3: not valid UTF-8");
  CHECK(error_of("{\"a\": [1, 2}") == "t.json: byte 11: not valid JSON (was the file cut short or edited by hand?)");
  CHECK(error_of("{\"version\": \"1.0\", \"version\": \"1.0\"}") == "t.json: byte 35: the field 'version' comes twice");
  CHECK(error_of(std::string(R"({"a": )") + std::string(100000, '[')) ==
        "t.json: byte 70: JSON nests deeper than 64 levels");
  CHECK(error_of(R"({"model": {"vocab": {"\ud800": 1}}})") == "t.json: byte 28: half a surrogate pair in a string");
  CHECK(error_of(R"({"model": {"vocab": {"\q": 1}}})") == "t.json: byte 24: an unknown escape in a string");
  CHECK(error_of("{\"model\": {\"vocab\": {\"a\n\": 1}}}") ==
        "t.json: byte 23: a control character in a string must be escaped");
}

TEST_CASE("every beginning of a file is an error, not a crash") {
  const std::string whole = small_tokenizer().dump();
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK(error_of(whole.substr(0, size)) != "no error");
}

TEST_CASE("a file with any one byte changed does not crash") {
  const std::string whole = small_tokenizer().dump();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char byte : {'"', '{', '}', '[', '0', '9', ',', '\\', '\xff', '\0', '-'}) {
      std::string broken = whole;
      broken[at] = byte;
      if (const auto tokenizer = Tokenizer::parse(broken, "t.json")) (void)tokenizer->encode("abcabd<x>", true);
    }
  }
}

TEST_CASE("vocabularies that are broken") {
  CHECK(error_with("/model/vocab", "5").ends_with("vocab is not a JSON object"));
  CHECK(error_with("/model/vocab", "[]") == "t.json: model 'BPE': vocab is not a JSON object");
  CHECK(error_with("/model/vocab/a", "-1").ends_with("a whole number from 0 to 16777215 was expected"));
  CHECK(error_with("/model/vocab/a", "1.5").ends_with("a whole number from 0 to 16777215 was expected"));
  CHECK(error_with("/model/vocab/a", "\"1\"").ends_with("a whole number from 0 to 16777215 was expected"));
  CHECK(error_with("/model/vocab/a", "2000000000").ends_with("a whole number from 0 to 16777215 was expected"));
  CHECK(error_with("/model/vocab/a", "16000000") ==
        "t.json: the vocabulary has 6 pieces but ids up to 16000000 (are the ids damaged?)");
  CHECK(error_with("/model/vocab/a", "2") == "t.json: the vocabulary gives the id 2 to both 'a' and 'b'");
  CHECK(error_with("/model/vocab", R"({"": 0})").ends_with("the vocabulary has an empty piece"));
  CHECK(error_of(R"({"model": {"vocab": {"a": 0, "a": 1}, "merges": []}})") ==
        "t.json: the vocabulary has the piece 'a' twice");
  CHECK(error_of(R"({"model": {"vocab": {}, "vocab": {}}})").ends_with("the field 'vocab' comes twice"));
  CHECK(error_of(R"({"model": {"merges": []}})") == "t.json: the model has no vocab");
  CHECK(error_of(R"({"model": {"vocab": {}}})") == "t.json: the model has no merges");
  CHECK(error_of(R"({"model": {"vocab": {}, "merges": []}})") == "no error");
}

TEST_CASE("merges that are broken") {
  CHECK(error_with("/model/merges", "{}").ends_with("'[' was expected to begin the merges"));
  CHECK(error_with("/model/merges", "[1]").ends_with("'[' was expected to begin a merge"));
  CHECK(error_with("/model/merges", R"(["ab"])").ends_with("the merge 'ab' is not two pieces with a blank between"));
  CHECK(error_with("/model/merges", R"(["a b c"])")
            .ends_with("the merge 'a b c' is not two pieces with a blank between"));
  CHECK(
      error_with("/model/merges", R"(["a zz"])").ends_with("a merge needs the piece 'zz', which the vocabulary lacks"));
  CHECK(error_with("/model/merges", R"([["b", "a"]])")
            .ends_with("a merge needs the piece 'ba', which the vocabulary lacks"));
  CHECK(error_with("/model/merges", R"([["a"]])").ends_with("',' was expected between the two pieces of a merge"));
  CHECK(error_with("/model/merges", R"([["a", "b", "c"]])")
            .ends_with("']' was expected after the two pieces of a merge"));
  CHECK(error_with("/model/merges", R"([["a", "b"], ["ab", "c"]])") == "no error");
}

TEST_CASE("models that are not supported") {
  CHECK(error_with("/model/type", "\"WordLevel\"") == "t.json: model 'WordLevel' is not supported");
  CHECK(error_with("/model/type", "7") == "t.json: the type of the model is not a string");
  CHECK(error_with("/model/dropout", "0.1") == "t.json: model 'BPE': dropout is not supported");
  CHECK(error_with("/model/dropout", "0.0") == "no error");
  CHECK(error_with("/model/continuing_subword_prefix", "\"##\"") ==
        "t.json: model 'BPE': continuing_subword_prefix is not supported");
  CHECK(error_with("/model/end_of_word_suffix", "\"</w>\"") ==
        "t.json: model 'BPE': end_of_word_suffix is not supported");
  CHECK(error_with("/model/end_of_word_suffix", "\"\"") == "no error");
  CHECK(error_with("/model/fuse_unk", "1") == "t.json: model 'BPE': fuse_unk must be true or false");
  CHECK(error_with("/model/unk_token", "\"?\"") == "t.json: unk_token '?' is not in the vocabulary");
  CHECK(error_with("/model/unk_token", "0") == "t.json: model 'BPE': unk_token must be a string");
  CHECK(error_with("/model/byte_fallback", "true") ==
        "t.json: byte_fallback needs the piece '<0x00>' in the vocabulary");
  CHECK(error_with("/model/surprise", "1") == "t.json: model 'BPE': the field 'surprise' is not known");
  CHECK(error_with("/version", "\"2.0\"") == "t.json: version \"2.0\" is not supported");
  CHECK(error_of(R"({"model": {"unk_id": 2, "vocab": [["<pad>", 0.0]]}})") ==
        "t.json: model 'Unigram': unk_id must be an id of the vocabulary");
}

TEST_CASE("unigram models that are broken") {
  const auto error = [](const std::string& model) {
    return error_of(R"({"model": {"type": "Unigram", )" + model + "}}");
  };
  CHECK(error(R"("unk_id": 0, "vocab": [["?", 0], ["a", -1.5]])") == "no error");
  CHECK(error(R"("vocab": {})") == "t.json: model 'Unigram': vocab is not a list");
  CHECK(error(R"("vocab": [["a"]])").ends_with("',' was expected between a piece and its score"));
  CHECK(error(R"("vocab": [["a", NaN]])").ends_with("a number was expected"));
  CHECK(error(R"("vocab": [["a", -inf]])").ends_with("a number was expected"));
  CHECK(error(R"("vocab": [["a", 1e999]])").ends_with("a number was expected"));
  CHECK(error(R"("vocab": [["a", null]])").ends_with("a number was expected"));
  CHECK(error(R"("vocab": [["a", 0, 1]])").ends_with("']' was expected after a piece and its score"));
  CHECK(error(R"("vocab": [["", 0]])").ends_with("the vocabulary has an empty piece"));
  CHECK(error(R"("vocab": [["a", 0], ["a", 1]])") == "t.json: the vocabulary has the piece 'a' twice");
  CHECK(error(R"("vocab": [["a", 0]], "unk_id": 1)") ==
        "t.json: model 'Unigram': unk_id must be an id of the vocabulary");
  CHECK(error(R"("vocab": [["a", 0]], "byte_fallback": true)") ==
        "t.json: byte_fallback needs the piece '<0x00>' in the vocabulary");
  CHECK(error(R"("vocab": [["a", 0]], "surprise": 1)") == "t.json: model 'Unigram': the field 'surprise' is not known");
}

TEST_CASE("added tokens that are broken") {
  CHECK(error_with("/added_tokens", "{}") == "t.json: added_tokens is not a list");
  CHECK(error_with("/added_tokens/0", "7") == "t.json: an added token has no content");
  CHECK(error_with("/added_tokens/0/content", "\"\"") == "t.json: added token '': it is empty");
  CHECK(error_with("/added_tokens/0/id", "-6") ==
        "t.json: added token '<x>': id must be a whole number from 0 to 16777215");
  CHECK(error_with("/added_tokens/0/id", "2000000000") ==
        "t.json: added token '<x>': id must be a whole number from 0 to 16777215");
  CHECK(error_with("/added_tokens/0/id", "9999999") ==
        "t.json: the vocabulary has 7 pieces but the added token '<x>' has the id 9999999");
  CHECK(error_with("/added_tokens/0/id", "3") == "t.json: added token '<x>': its id 3 is that of the piece 'c'");
  CHECK(error_with("/added_tokens/0/content", "\"ab\"") ==
        "t.json: added token 'ab': its id is 6, but the vocabulary gives it 4");
  CHECK(error_with("/added_tokens/0/lstrip", "null") == "t.json: added token '<x>': lstrip must be true or false");
  CHECK(error_with("/added_tokens/0/color", "1") == "t.json: added token '<x>': the field 'color' is not known");
  const Json token = small_tokenizer()["added_tokens"][0];
  Json other = token, same = token;
  other["content"] = "<y>";
  same["id"] = 7;
  CHECK(error_with("/added_tokens", Json{token, other}.dump().c_str()) ==
        "t.json: the added tokens '<x>' and '<y>' have the same id 6");
  CHECK(error_with("/added_tokens", Json{token, same}.dump().c_str()) ==
        "t.json: the added tokens 6 and 7 are both looked for as '<x>'");
  const std::string longest = "\"" + std::string(2000, 'y') + "\"";
  CHECK(error_with("/added_tokens/0/content", longest.c_str()).ends_with("': it is longer than 1024 bytes"));
}

TEST_CASE("normalizers that are not supported") {
  CHECK(error_with_normalizer("7") == "t.json: the normalizer is not a JSON object");
  CHECK(error_with_normalizer("{}") == "t.json: the normalizer has no type");
  CHECK(error_with_normalizer(R"({"type": "Precompiled"})") ==
        "t.json: normalizer 'Precompiled': precompiled_charsmap must be a string");
  CHECK(error_with_normalizer(R"({"type": "Precompiled", "precompiled_charsmap": "AA=A"})") ==
        "t.json: normalizer 'Precompiled': precompiled_charsmap is not base64");
  CHECK(error_with_normalizer(R"({"type": "Precompiled", "precompiled_charsmap": "AAAA"})") ==
        "t.json: normalizer 'Precompiled': the character map is shorter than 4 bytes (is "
        "precompiled_charsmap damaged?)");
  CHECK(error_with_normalizer(R"({"type": "Precompiled", "precompiled_charsmap": "BAAAAAAA"})") ==
        "t.json: normalizer 'Precompiled': the character map's trie of 4 bytes does not fit into 6 (is "
        "precompiled_charsmap damaged?)");
  CHECK(error_with_normalizer(R"({"type": "Precompiled", "precompiled_charsmap": "BAAAAAAAAABh"})") ==
        "t.json: normalizer 'Precompiled': the character map's last replacement does not end (is "
        "precompiled_charsmap damaged?)");
  CHECK(error_with_normalizer(R"({"type": "Strip", "strip_left": true})") ==
        "t.json: normalizer 'Strip': strip_right must be true or false");
  CHECK(error_with_normalizer(R"({"type": "NFC", "x": 1})") == "t.json: normalizer 'NFC': the field 'x' is not known");
  CHECK(error_with_normalizer(R"({"type": "Sequence", "normalizers": 1})") ==
        "t.json: normalizer 'Sequence': normalizers must be a list");
  CHECK(error_with_normalizer(R"({"type": "Sequence", "normalizers": [{"type": "Nmt"}]})") ==
        "t.json: normalizer 'Nmt' is not supported");
  CHECK(error_with_normalizer(R"({"type": "Prepend"})") == "t.json: normalizer 'Prepend': prepend must be a string");
  CHECK(error_with_normalizer(R"({"type": "Replace", "pattern": {"String": ""}, "content": "x"})") ==
        "t.json: normalizer 'Replace': the pattern is empty");
  CHECK(error_with_normalizer(R"({"type": "Replace", "pattern": "a", "content": "x"})") ==
        "t.json: normalizer 'Replace': pattern must be {\"String\": ...} or {\"Regex\": ...}");
}

TEST_CASE("pre-tokenizers that are not supported") {
  CHECK(error_with_pre_tokenizer(R"({"type": "UnicodeScripts"})") ==
        "t.json: pre_tokenizer 'UnicodeScripts' is not supported");
  CHECK(error_with_pre_tokenizer(R"({"type": "ByteLevel"})") ==
        "t.json: pre_tokenizer 'ByteLevel': add_prefix_space must be true or false");
  CHECK(error_with_pre_tokenizer(
            R"({"type": "Split", "pattern": {"String": "a"}, "behavior": "Melted", "invert": false})") ==
        "t.json: pre_tokenizer 'Split': behavior 'Melted' is not supported");
  CHECK(error_with_pre_tokenizer(
            R"({"type": "Split", "pattern": {"Regex": "a("}, "behavior": "Isolated", "invert": false})") ==
        "t.json: pre_tokenizer 'Split': the regular expression 'a(': a '(' without its ')' is not supported");
  CHECK(error_with_pre_tokenizer(
            R"({"type": "Split", "pattern": {"Regex": "[b-a]"}, "behavior": "Isolated", "invert": false})") ==
        "t.json: pre_tokenizer 'Split': the regular expression '[b-a]': range out of order in character class");
  CHECK(error_with_pre_tokenizer(R"({"type": "Metaspace", "replacement": "ab"})") ==
        "t.json: pre_tokenizer 'Metaspace': replacement must be one character");
  CHECK(error_with_pre_tokenizer(R"({"type": "Metaspace", "replacement": "_", "prepend_scheme": "last"})") ==
        "t.json: pre_tokenizer 'Metaspace': prepend_scheme 'last' is not supported");
  CHECK(error_with_pre_tokenizer(R"({"type": "Metaspace", "replacement": "_", "add_prefix_space": false})") ==
        "t.json: pre_tokenizer 'Metaspace': add_prefix_space and prepend_scheme contradict each other");
}

TEST_CASE("a BertNormalizer that is broken") {
  CHECK(error_with_normalizer(R"({"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                                  "strip_accents": 1, "lowercase": true})") ==
        "t.json: normalizer 'BertNormalizer': strip_accents must be true or false");
  CHECK(error_with_normalizer(R"({"type": "BertNormalizer", "clean_text": true})") ==
        "t.json: normalizer 'BertNormalizer': handle_chinese_chars must be true or false");
}

TEST_CASE("WordPiece models that are broken") {
  const auto error_with_model = [](const char* pointer, const char* value) {
    Json json = small_tokenizer();
    json["model"] = Json::parse(R"({"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##",
                                    "max_input_chars_per_word": 100, "vocab": {"<unk>": 0, "a": 1, "##b": 2}})");
    json[Json::json_pointer(pointer)] = Json::parse(value);
    return error_of(json.dump());
  };
  CHECK(error_with_model("/model/unk_token", "\"[UNK]\"") ==
        "t.json: model 'WordPiece': the vocabulary lacks the unk_token '[UNK]'");
  CHECK(error_with_model("/model/unk_token", "null") == "t.json: model 'WordPiece': unk_token must be a string");
  CHECK(error_with_model("/model/max_input_chars_per_word", "-1") ==
        "t.json: model 'WordPiece': max_input_chars_per_word must be a whole number from 0 to 1000");
  CHECK(error_with_model("/model/merges", "[]") == "t.json: model 'WordPiece': it has merges");
  CHECK(error_with_model("/model/dropout", "null") == "t.json: model 'WordPiece': the field 'dropout' is not known");
  CHECK(error_with_model("/model/vocab", R"([["a", 0]])") == "t.json: model 'WordPiece': vocab is not a JSON object");
}

TEST_CASE("a model without a type is WordPiece if it bounds the length of words") {
  Json json = small_tokenizer();
  json["model"] = Json::parse(R"({"unk_token": "<unk>", "continuing_subword_prefix": "##",
                                  "max_input_chars_per_word": 4, "vocab": {"<unk>": 0, "a": 1, "##b": 2, "##bb": 3}})");
  const Tokenizer tokenizer = parse_small(json);
  CHECK(tokenizer.encode("abbb", false) == Ids{1, 3, 2});
  CHECK(tokenizer.encode("abbbb", false) == Ids{0});  // too long
  CHECK(tokenizer.encode("abc", false) == Ids{0});    // one part is unknown
  CHECK(tokenizer.encode("a\xff", false) == Ids{0});  // not UTF-8
  CHECK(tokenizer.encode("", false) == Ids{});
}

TEST_CASE("decoders that are not supported") {
  CHECK(
      error_with_decoder(
          R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "WordPiece", "prefix": "##", "cleanup": true}]})") ==
      "t.json: decoder 'WordPiece': it is not supported after the decoder before it");
  CHECK(error_with_decoder(R"({"type": "WordPiece", "prefix": "##"})") ==
        "t.json: decoder 'WordPiece': cleanup must be true or false");
  CHECK(error_with_decoder(R"({"type": "CTC"})") == "t.json: decoder 'CTC' is not supported");
  CHECK(error_with_decoder(R"({"type": "Strip", "content": " ", "start": 1, "stop": 0})") ==
        "t.json: decoder 'Strip': it is supported only after 'Fuse'");
  CHECK(error_with_decoder(R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "ByteFallback"}]})") ==
        "t.json: decoder 'ByteFallback': it is not supported after the decoder before it");
  CHECK(
      error_with_decoder(
          R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 2, "stop": 0}]})") ==
      "t.json: decoder 'Strip': start must be a whole number from 0 to 1");
}

TEST_CASE("post-processors that are broken") {
  const auto error_with_template = [](const char* single, const char* special) {
    const std::string part = std::string(R"({"type": "TemplateProcessing", "pair": [], "single": )") + single +
                             R"(, "special_tokens": )" + special + "}";
    return error_with("/post_processor", part.c_str());
  };
  const char* text = R"({"Sequence": {"id": "A", "type_id": 0}})";
  const char* bos = R"([{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}])";
  CHECK(error_with("/post_processor", R"({"type": "BertProcessing"})") ==
        "t.json: post_processor 'BertProcessing': cls must be a list");
  CHECK(error_with("/post_processor", R"({"type": "BertProcessing", "cls": ["<x>", 7], "sep": ["<x>", 6]})") ==
        "t.json: post_processor 'BertProcessing': cls must be a token and its id in the vocabulary");
  CHECK(error_with("/post_processor", R"({"type": "PairProcessing"})") ==
        "t.json: post_processor 'PairProcessing' is not supported");
  CHECK(error_with_template(bos, "{}") ==
        "t.json: post_processor 'TemplateProcessing': single names '<s>', which special_tokens lacks");
  CHECK(error_with_template(bos, R"({"<s>": {"id": "<s>", "ids": [7]}})") ==
        "t.json: post_processor 'TemplateProcessing': special_tokens '<s>' has an id that the vocabulary "
        "lacks");
  CHECK(error_with_template(bos, R"({"<s>": {"id": "<s>", "ids": [-1]}})") ==
        "t.json: post_processor 'TemplateProcessing': special_tokens '<s>' has an id that the vocabulary "
        "lacks");
  CHECK(error_with_template(bos, R"({"<s>": {"id": "<s>"}})") ==
        "t.json: post_processor 'TemplateProcessing': special_tokens '<s>' has no list of ids");
  CHECK(error_with_template("[]", "{}") ==
        "t.json: post_processor 'TemplateProcessing': single must have the Sequence 'A' once and no other");
  CHECK(error_with_template((std::string("[") + text + "," + text + "]").c_str(), "{}") ==
        "t.json: post_processor 'TemplateProcessing': single must have the Sequence 'A' once and no other");
  CHECK(error_with_template(R"([{"Sequence": {"id": "B"}}])", "{}") ==
        "t.json: post_processor 'TemplateProcessing': single must have the Sequence 'A' once and no other");
  CHECK(error_with_template("[7]", "{}") ==
        "t.json: post_processor 'TemplateProcessing': an item of single is not a JSON object");
  CHECK(error_with_template("[{}]", "{}") ==
        "t.json: post_processor 'TemplateProcessing': an item of single is neither a Sequence nor a "
        "SpecialToken with an id");
}

TEST_CASE("truncation and padding say nothing about a single prompt") {
  CHECK(error_with("/truncation", R"({"max_length": 1, "strategy": "LongestFirst", "stride": 0})") == "no error");
  CHECK(error_with("/padding", R"({"strategy": {"Fixed": 100}, "pad_id": 0})") == "no error");
}
