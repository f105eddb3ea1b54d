#include "cli/options.h"

#include <random>

#include "base/types.h"
#include "cli/numbers.h"
#include "kernels/kv_page.h"

namespace continuo {

namespace {

// ---- setters: one a kind of value ----

template <auto Member>
Result<void> turn_on(Options& options, const std::string&) {
  options.*Member = true;
  return {};
}

template <auto Member>
Result<void> set_text(Options& options, const std::string& value) {
  options.*Member = value;
  return {};
}

template <class Number>
Result<void> set_number(Number& into, const std::string& value, std::string_view option,
                        std::string_view expected) {
  CONTINUO_TRY(into, parse_number<Number>(value, option, expected));
  return {};
}

template <class Number>
Result<void> set_number(std::optional<Number>& into, const std::string& value, std::string_view option,
                        std::string_view expected) {
  CONTINUO_TRY(into, parse_number<Number>(value, option, expected));
  return {};
}

template <class Number>
Result<void> set_positive(Number& into, const std::string& value, std::string_view option,
                          long long largest) {
  const std::string expected = fmt::format("a whole number from 1 to {}", largest);
  CONTINUO_TRY(const auto number, parse_number<long long>(value, option, expected));
  if (number < 1 || number > largest)
    return usage_error(fmt::format("{} is {}, expected {}", option, value, expected));
  into = static_cast<int>(number);
  return {};
}

Result<void> set_max_tokens(Options& options, const std::string& value) {
  constexpr std::string_view kExpected = "a whole number >= 0, or -1 for no limit";
  CONTINUO_TRY(options.max_tokens, parse_number<std::int64_t>(value, "--max-tokens", kExpected));
  if (options.max_tokens >= -1) return {};
  return usage_error(fmt::format("--max-tokens is {}, expected {}", value, kExpected));
}

Result<void> add_stop(Options& options, const std::string& value) {
  if (value.empty()) return usage_error("--stop is empty, expected some text");
  options.stop.push_back(value);
  return {};
}

Result<void> set_seed(Options& options, const std::string& value) {
  if (value == "random") {
    std::random_device device;
    options.seed = std::uint64_t{device()} << 32 | device();
    return {};
  }
  return set_number(options.seed, value, "--seed",
                    "a whole number from 0 to 18446744073709551615, or 'random'");
}

Result<void> add_logit_bias(Options& options, const std::string& value) {
  constexpr std::string_view kExpected = "ID:BIAS, such as 42:-1.5";
  const std::size_t colon = value.find_first_of(":=");
  if (colon == std::string::npos)
    return usage_error(fmt::format("--logit-bias is '{}', expected {}", value, kExpected));
  LogitBias entry;
  CONTINUO_TRY(entry.token,
               parse_number<TokenId>(value.substr(0, colon), "--logit-bias: the token", "a token id"));
  CONTINUO_TRY(entry.bias,
               parse_number<float>(value.substr(colon + 1), "--logit-bias: the bias", "a number"));
  options.sampling.logit_bias.push_back(entry);
  return {};
}

Result<void> set_logprobs(Options& options, const std::string& value) {
  return set_number(options.logprobs, value, "--logprobs", "a whole number >= 0");
}

// A number of bytes: 1048576, 512K, 64M, 2G.
Result<void> set_bytes(std::size_t& into, const std::string& value, std::string_view option) {
  constexpr std::string_view kExpected = "a number of bytes, such as 1048576, 64M or 2G";
  const std::size_t unit = std::string_view("KMG").find(value.empty() ? ' ' : value.back());
  const bool plain = unit == std::string_view::npos;
  CONTINUO_TRY(const auto number, parse_number<std::size_t>(value.substr(0, value.size() - (plain ? 0 : 1)), option,
                                                            kExpected));
  const int shift = plain ? 0 : 10 * (static_cast<int>(unit) + 1);
  if (number == 0 || number > SIZE_MAX >> shift) {
    return usage_error(fmt::format("{} is '{}', expected {}", option, value, kExpected));
  }
  into = number << shift;
  return {};
}

Result<void> set_shard(Options& options, const std::string& value) {
  constexpr std::string_view kExpected = "I/N with 1 <= I <= N, such as 2/8";
  const std::size_t slash = value.find('/');
  if (slash == std::string::npos) {
    return usage_error(fmt::format("--shard is '{}', expected {}", value, kExpected));
  }
  CONTINUO_TRY(const auto shard, parse_number<std::uint64_t>(value.substr(0, slash), "--shard: I", kExpected));
  CONTINUO_TRY(const auto shards, parse_number<std::uint64_t>(value.substr(slash + 1), "--shard: N", kExpected));
  if (shard < 1 || shard > shards) {
    return usage_error(fmt::format("--shard is '{}', expected {}", value, kExpected));
  }
  options.batch.shard = shard - 1;
  options.batch.shards = shards;
  return {};
}

// A name from kv_types().
Result<void> set_kv_type(Options& options, const std::string& value) {
  std::string names;
  for (const Format type : kv_types()) {
    if (format_info(type).name == value) {
      options.kv_type = type;
      return {};
    }
    names += fmt::format("{}{}", names.empty() ? "" : type == kv_types().back() ? " or " : ", ", format_info(type).name);
  }
  return usage_error(fmt::format("--kv-type is '{}', expected {}", value, names));
}

Result<void> set_format(Options& options, const std::string& value) {
  constexpr std::pair<std::string_view, BatchFormat> kFormats[] = {
      {"jsonl", BatchFormat::jsonl}, {"text", BatchFormat::text}, {"csv", BatchFormat::csv}};
  for (const auto& [name, format] : kFormats) {
    if (value != name) continue;
    options.batch.format = format;
    return {};
  }
  return usage_error(fmt::format("--format is '{}', expected jsonl, text or csv", value));
}

template <bool BatchOptions::*Member>
Result<void> turn_on_batch(Options& options, const std::string&) {
  options.batch.*Member = true;
  return {};
}

// ---- the tables ----

constexpr Flag kModelRows[] = {
    {"model", 'm', "PATH|NAME",
     "a folder, a shipped model's name, or ORG/NAME in the local Hugging\nFace cache; else $CONTINUO_MODEL, else the model inside the binary",
     set_text<&Options::model>},
    {"threads", 't', "N", "default: as many cores as are ours and useful; never changes the answer",
     [](Options& o, const std::string& v) { return set_positive(o.threads, v, "--threads", 1024); }},
    {"exact-math", 0, "", "quantized weights: do not round activations to 8 bits; slower",
     turn_on<&Options::exact_math>},
    {"no-repack", 0, "", "quantized weights: use them as the file has them, in memory that processes\nshare; slower",
     turn_on<&Options::no_repack>},
    {"kv-type", 0, "TYPE", "how keys and values are remembered: f32 (default), f16 (half the\nmemory) or q8_0 (a bit more than a quarter)",
     set_kv_type},
};

constexpr Flag kPromptRows[] = {
    {"file", 'f', "FILE", "the text is in FILE (\"-\": stdin)", set_text<&Options::file>},
    {"exact", 0, "", "keep the newline that ends stdin or FILE", turn_on<&Options::exact>},
};

constexpr Flag kIdsRows[] = {
    {"ids", 0, "", "token ids instead of text, blanks or commas between; nothing is added",
     turn_on<&Options::ids>},
};

constexpr Flag kLengthRows[] = {
    {"max-tokens", 'n', "N", "default 128; -1: until the model ends or its context is full", set_max_tokens},
    {"stop", 0, "TEXT", "end before TEXT, which is never printed; repeatable", add_stop},
    {"ignore-eos", 0, "", "go on past the model's end token", turn_on<&Options::ignore_eos>},
};

constexpr Flag kLookupRows[] = {
    {"lookup", 0, "",
     "try what followed the same words earlier, several tokens in a step: faster\nwhere a text repeats, quotes or edits; never changes the answer",
     turn_on<&Options::lookup>},
};

constexpr Flag kSamplingRows[] = {
    {"greedy", 0, "", "always the likeliest token; the same as --temperature 0",
     [](Options& o, const std::string&) -> Result<void> {
       o.sampling.temperature = 0.0f;
       return {};
     }},
    {"temperature", 0, "T", "default 0.8; 1: the model's own distribution; 0: greedy",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.temperature, v, "--temperature", "a number >= 0");
     }},
    {"top-k", 0, "K", "draw from the K likeliest tokens (0: off)",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.top_k, v, "--top-k", "a whole number >= 0");
     }},
    {"top-p", 0, "P", "default 0.95; draw from the likeliest that carry P together (1: off)",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.top_p, v, "--top-p", "a number above 0 and at most 1");
     }},
    {"min-p", 0, "P", "drop tokens less likely than P times the likeliest (0: off)",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.min_p, v, "--min-p", "a number between 0 and 1");
     }},
    {"typical-p", 0, "P", "keep the tokens of typical surprise that carry P together (1: off)",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.typical_p, v, "--typical-p", "a number above 0 and at most 1");
     }},
    {"repeat-penalty", 0, "X", "divide the scores of tokens that occurred (1: off)",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.repeat_penalty, v, "--repeat-penalty", "a number above 0");
     }},
    {"presence-penalty", 0, "X", "take X from the score of tokens already generated",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.presence_penalty, v, "--presence-penalty", "a number");
     }},
    {"frequency-penalty", 0, "X", "take X from it for each time they were",
     [](Options& o, const std::string& v) {
       return set_number(o.sampling.frequency_penalty, v, "--frequency-penalty", "a number");
     }},
    {"logit-bias", 0, "ID:BIAS", "add BIAS to a token's score; repeatable", add_logit_bias},
    {"seed", 0, "N|random", "default 0: the same command gives the same text", set_seed},
};

constexpr Flag kAnswerRows[] = {
    {"echo", 0, "", "print the prompt first", turn_on<&Options::echo>},
    {"json", 0, "",
     "one object: text, finish_reason (stop, length, eos, context, interrupted),\n"
     "prompt_tokens, completion_tokens, seed, model; ids with --ids",
     turn_on<&Options::json>},
    {"logprobs", 0, "K",
     "with --json: logprobs with tokens, token_logprobs and the K likeliest\n"
     "in top_logprobs; the model's own, before any sampling option",
     set_logprobs},
};

constexpr Flag kBatchRows[] = {
    {"output", 'o', "FILE", "write answers to FILE instead of stdout",
     [](Options& o, const std::string& v) -> Result<void> {
       o.batch.out = v;
       return {};
     }},
    {"resume", 0, "", "go on after the answers that FILE has already",
     turn_on_batch<&BatchOptions::resume>},
    {"overwrite", 0, "", "begin FILE anew, whatever it has", turn_on_batch<&BatchOptions::overwrite>},
    {"format", 0, "jsonl|text|csv",
     "text: a line is a prompt, an answer a line (\\n, \\r, \\\\ for what would\nbreak it); csv: tables with a header row",
     set_format},
    {"shard", 0, "I/N", "answer the I-th of every N requests alone", set_shard},
    {"unordered", 0, "", "answers as they finish, each with its request's line", turn_on_batch<&BatchOptions::unordered>},
    {"fail-fast", 0, "", "stop at the first bad line instead of answering with an error",
     turn_on_batch<&BatchOptions::fail_fast>},
    {"max-line", 0, "BYTES", "default 8M; longer lines are errors",
     [](Options& o, const std::string& v) { return set_bytes(o.batch.max_line, v, "--max-line"); }},
};

constexpr Flag kBatchAnswerRows[] = {
    {"echo", 0, "", "texts begin with the prompt", turn_on<&Options::echo>},
    {"logprobs", 0, "K", "logprobs with the K likeliest tokens, as continuo --json has them", set_logprobs},
};

constexpr Flag kBatchRunRows[] = {
    {"at-once", 'b', "N", "default 32: requests that run at the same time",
     [](Options& o, const std::string& v) { return set_positive(o.batch.at_once, v, "--at-once", 4096); }},
    {"memory", 0, "BYTES", "for requests that run: keys and values, logits, samplers, texts; default a\nquarter of the machine's, at most 1G",
     [](Options& o, const std::string& v) { return set_bytes(o.batch.memory, v, "--memory"); }},
    {"step-tokens", 0, "N", "default 512: tokens computed in a step at the most",
     [](Options& o, const std::string& v) { return set_positive(o.batch.step_tokens, v, "--step-tokens", 65536); }},
    {"no-sharing", 0, "", "compute what prompts have in common for each of them",
     turn_on_batch<&BatchOptions::no_sharing>},
};

constexpr Flag kTokenizeRows[] = {
    {"decode", 0, "", "the text is token ids: print what they spell", turn_on<&Options::decode>},
    {"no-special", 0, "",
     "do not add what a prompt gets (BOS and the like); with --decode: leave\n"
     "special tokens out",
     turn_on<&Options::no_special>},
    {"pieces", 0, "", "one token a line: id, tab, piece", turn_on<&Options::pieces>},
    {"json", 0, "", "one object: ids, pieces; with --decode ids, text", turn_on<&Options::json>},
};

constexpr Flag kScoreRows[] = {
    {"json", 0, "",
     "one object: ids, logprobs (the first null: nothing stands before it), sum,\n"
     "perplexity, and for text bits_per_byte",
     turn_on<&Options::json>},
    {"stride", 0, "N",
     "a text longer than the context is scored in windows that begin N tokens\napart; each token in the first "
     "window that has it",
     [](Options& o, const std::string& v) {
       return set_number(o.score.stride, v, "--stride", "a whole number >= 1");
     }},
    {"window", 0, "N", "with --stride: tokens of a window; default the context",
     [](Options& o, const std::string& v) {
       return set_number(o.score.window, v, "--window", "a whole number >= 2");
     }},
    {"jsonl", 0, "", "the input is records, a line each; an answer a line",
     [](Options& o, const std::string&) -> Result<void> {
       o.score.jsonl = true;
       return {};
     }},
    {"summary", 0, "", "with --jsonl: one object for all of them, behind those for lines that failed",
     [](Options& o, const std::string&) -> Result<void> {
       o.score.summary = true;
       return {};
     }},
    {"last-logits", 0, "", "with --json: the raw scores after the last token, last_logits",
     turn_on<&Options::last_logits>},
};

constexpr Flag kInspectRows[] = {
    {"tensors", 0, "", "every tensor of the files and what it became", turn_on<&Options::tensors>},
    {"json", 0, "", "the same as one object", turn_on<&Options::json>},
};

constexpr Flag kBenchRows[] = {
    {"prompt-tokens", 'p', "N", "default 512, or half the context if that is less",
     [](Options& o, const std::string& v) {
       return set_number(o.bench_prompt, v, "--prompt-tokens", "a whole number >= 1");
     }},
    {"max-tokens", 'n', "N", "tokens to generate: default 128, or what is left of the context",
     [](Options& o, const std::string& v) {
       return set_number(o.bench_tokens, v, "--max-tokens", "a whole number >= 2");
     }},
    {"kernels", 0, "NAME",
     "avx3_amx, avx3_vnni, avx3, avx2, sse4 or reference; default: the best that runs here",
     set_text<&Options::kernels>},
    {"repeat", 0, "N", "runs, of which the median counts; default 5",
     [](Options& o, const std::string& v) { return set_positive(o.bench_repeat, v, "--repeat", 10000); }},
    {"json", 0, "", "one object", turn_on<&Options::json>},
};

constexpr Flag kQuantizeRows[] = {
    {"to", 0, "FORMAT",
     "f32, f16, bf16, q8_0, q6_k, q5_k, q5_1, q5_0, q4_k, q4_1, q4_0, iq4_nl, iq4_xs,\n"
     "mxfp4, q3_k or q2_k",
     set_text<&Options::to_format>},
};

constexpr Flag kGeneralRows[] = {
    {"quiet", 'q', "", "errors only on stderr",
     [](Options& o, const std::string&) -> Result<void> {
       o.verbosity = -1;
       return {};
     }},
    {"verbose", 'v', "", "what is going on, on stderr; -vv says more",
     [](Options& o, const std::string&) -> Result<void> {
       ++o.verbosity;
       return {};
     }},
    {"version", 0, "", "print the version", turn_on<&Options::version>},
    {"help", 'h', "", "print this", turn_on<&Options::help>},
};

}  // namespace

const FlagGroup kModelFlags{"Model", kModelRows};
const FlagGroup kPromptFlags{"Text", kPromptRows};
const FlagGroup kIdsFlags{"", kIdsRows};
const FlagGroup kLengthFlags{"Where to end", kLengthRows};
const FlagGroup kLookupFlags{"", kLookupRows};
const FlagGroup kSamplingFlags{
    "How to choose a token (typed, else the model's generation_config.json, else the default)",
    kSamplingRows};
const FlagGroup kAnswerFlags{"Answer", kAnswerRows};
const FlagGroup kBatchFlags{"Requests and answers", kBatchRows};
const FlagGroup kBatchAnswerFlags{"What answers say", kBatchAnswerRows};
const FlagGroup kBatchRunFlags{"How it runs (no answer depends on it)", kBatchRunRows};
const FlagGroup kTokenizeFlags{"Answer", kTokenizeRows};
const FlagGroup kScoreFlags{"Answer", kScoreRows};
const FlagGroup kInspectFlags{"Answer", kInspectRows};
const FlagGroup kBenchFlags{"Measurement", kBenchRows};
const FlagGroup kQuantizeFlags{"Result", kQuantizeRows};
const FlagGroup kGeneralFlags{"General", kGeneralRows};

}  // namespace continuo
