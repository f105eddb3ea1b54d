#include "text/gguf_pre_tokenizers.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "text/known_pattern.h"

namespace continuo {

namespace {

// The expressions are those of the models' own tokenizer.json files.
constexpr std::string_view kDigit = R"(\p{N})";
constexpr std::string_view kDigits = R"(\p{N}+)";
constexpr std::string_view kUpTo3Digits = R"(\p{N}{1,3})";
constexpr std::string_view kPunctuation = R"([!-/:-@\[-`{-~\p{P}]+)";
constexpr std::string_view kBloom = " ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepSeekV3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepSeekLetters =
    "\\s?[A-Za-z\u00b5\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u01ba\u01bc-\u01bf\u01c4-\u0293\u0295-\u02af\u0370-\u0373\u0376\u0377\u037b-\u037d\u037f\u0386\u0388-\u038a\u038c\u038e-\u03a1\u03a3-\u03f5\u03f7-\u0481\u048a-\u052f\u0531-\u0556\u10a0-\u10c5\u13a0-\u13f5\u13f8-\u13fd\u1c90-\u1cba\u1cbd-\u1cbf\u1d00-\u1d2b\u1d6b-\u1d77\u1d79-\u1d9a\u1e00-\u1f15\u1f18-\u1f1d\u1f20-\u1f45\u1f48-\u1f4d\u1f50-\u1f57\u1f59\u1f5b\u1f5d\u1f5f-\u1f7d\u1f80-\u1fb4\u1fb6-\u1fbc\u1fbe\u1fc2-\u1fc4\u1fc6-\u1fcc\u1fd0-\u1fd3\u1fd6-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ff4\u1ff6-\u1ffc\u2102\u2107\u210a-\u2113\u2115\u2119-\u211d\u2124\u2126\u2128\u212a-\u212d\u212f-\u2134\u2139\u213c-\u213f\u2145-\u2149\u214e\u2183\u2184\u2c00-\u2c7b\u2c7e-\u2ce4\u2ceb-\u2cee\u2cf2\u2cf3\ua640-\ua66d\ua680-\ua69b\ua722-\ua76f\ua771-\ua787\ua78b-\ua78e\uab70-\uabbf\ufb00-\ufb06\ufb13-\ufb17\uff21-\uff3a\uff41-\uff5a\U00010400-\U0001044f\U000104b0-\U000104d3\U000104d8-\U000104fb\U00010c80-\U00010cb2\U00010cc0-\U00010cf2\U000118a0-\U000118df\U0001e900-\U0001e943]+";
constexpr std::string_view kDeepSeekPunctuation = "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+";
constexpr std::string_view kDeepSeekAsian = "[\u4e00-\u9fa5\u0800-\u4e00\uac00-\ud7ff]+";
constexpr std::string_view kDeepSeekKana = "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+";

// In the place of an expression: what follows sees bytes in the byte-level alphabet.
constexpr std::string_view kSpell = "<bytes>";

struct Row {
  std::string_view names;                  // blanks between and around
  std::array<std::string_view, 6> splits;  // isolated, one after the other
  bool nfc = false;
  bool ignore_merges = false;
  bool add_bos = false;
};

constexpr Row kRows[] = {
    {" default ", {R"([\p{P}\$\+<=>\^~\|]+)", kGpt2Pattern, kDigits, "[0-9][0-9][0-9]"}},
    {" gpt-2 phi-2 jais trillion granite-docling exaone4 gigachat mellum a.x-4.0 jina-es jina-de jina-v2-es"
     " jina-v2-de modern-bert ",
     {kGpt2Pattern}},
    {" olmo mpt ", {kGpt2Pattern}, true},
    {" llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 ", {kLlama3Pattern}, false, true, true},
    {" glm4 chatglm-bpe ", {kLlama3Pattern}},
    {" dbrx smaug-bpe ", {kCl100kPattern}},
    {" qwen2 deepseek-r1-qwen megrez kormo stablelm2 ", {kQwen2Pattern}, true},
    {" hunyuan solar-open grok-2 ", {kQwen2Pattern}},
    {" qwen35 ", {kQwen35}, true},
    {" falcon ", {kPunctuation, kGpt2Pattern, kSpell, kDigits, "[0-9][0-9][0-9]"}},
    {" starcoder refact smollm codeshell exaone minerva-7b mellum2 ", {kDigit, kGpt2Pattern}},
    {" command-r ", {kDigit, kGpt2Pattern}, true},
    {" bloom poro-chat gpt3-finnish ", {kBloom}},
    {" viking ", {kBloom, kDigit}},
    {" tekken ", {kTekken}, false, true, true},
    {" gpt-4o llama4 kanana2 minimax-m2 ", {kGpt4o}},
    {" tiny_aya cohere2moe ", {R"(\d{1,3}(?=(?:\d{3})*\b))", kGpt4o}},
    {" superbpe ", {kDigits, R"((?=(\d{3})+(?!\d)))"}},
    {" bailingmoe bailingmoe2 llada-moe ", {kBailing}},
    {" seed-coder ", {kSeedCoder}},
    {" deepseek-llm ", {R"([\r\n])", kDeepSeekLetters, kDeepSeekPunctuation, R"(\s+$)", kDeepSeekAsian, kDigit}},
    {" deepseek-coder ", {R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)", kDeepSeekAsian, kDigit}},
    {" deepseek-v3 hunyuan-dense joyai-llm ", {kUpTo3Digits, kDeepSeekKana, kDeepSeekV3}},
};

Json byte_level() { return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}; }

Json steps(const Row& row) {
  Json list = Json::array();
  bool spelled = false;
  for (const std::string_view split : row.splits) {
    if (split.empty()) break;
    if (split == kSpell) {
      list.push_back(byte_level());
      spelled = true;
      continue;
    }
    list.push_back({{"type", "Split"}, {"pattern", {{"Regex", split}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  if (!spelled) list.push_back(byte_level());
  return {{"type", "Sequence"}, {"pretokenizers", std::move(list)}};
}

}  // namespace

Result<GgufPreTokenizer> gguf_pre_tokenizer(const std::string& name, const std::string& file) {
  const bool is_name = !name.empty() && name.find(' ') == std::string::npos;
  for (const Row& row : kRows) {
    if (!is_name || row.names.find(' ' + name + ' ') == std::string_view::npos) continue;
    const Json normalizer = row.nfc ? Json{{"type", "NFC"}} : Json();
    return GgufPreTokenizer{normalizer, steps(row), row.ignore_merges, row.add_bos};
  }
  return model_error(file, fmt::format("tokenizer.ggml.pre: the pre-tokenizer '{}' is not supported", name));
}

}  // namespace continuo
