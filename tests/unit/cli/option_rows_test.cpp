// Every row of the table of options: what it sets, what it refuses, and that its texts are there. A new
// option gets a line in kCases; the test of completeness names the rows that have none.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "explain/panels.h"
#include "kernels/kv_page.h"
#include "model/gguf_mixture.h"
#include "quant/format.h"
#include "unit/cli/parsing.h"

using namespace continuo;
using namespace continuo::test;

namespace {

struct Case {
  std::string_view command;
  std::vector<std::string> arguments;  // the row's option first
  std::function<bool(const Options&)> is_set;
  std::vector<std::string> refused = {};  // values
};

const std::vector<std::string> kNoNumber = {"", "x", "1x", " 1", "1 ", "0x10", "1e99999"};
const std::vector<std::string> kNoCount = {"", "x", "1x", " 1", "1 ", "0x10", "1.5", "-1", "99999999999999999999999"};
const std::vector<std::string> kNoSize = {
    "", "0", "x", "-1", "1T", "1.5G", "99999999999999999999", "K", "18446744073709551615K"};

const std::vector<Case> kCases = {
    {"", {"--model", "m"}, [](const Options& o) { return o.model == "m"; }, {""}},
    {"", {"--threads", "3"}, [](const Options& o) { return o.threads == 3; }, {"", "0", "1025", "x", "1.5", "-1"}},
    {"", {"--exact-math"}, [](const Options& o) { return o.exact_math; }},
    {"", {"--no-repack"}, [](const Options& o) { return o.no_repack; }},
    {"", {"--kv-type", "q8_0"}, [](const Options& o) { return o.kv_type == Format::q8_0; }, {"", "q4_0", "F16"}},
    {"pull",
     {"--include", "*.gguf"},
     [](const Options& o) { return o.pull.include == std::vector<std::string>{"*.gguf"}; },
     {""}},
    {"", {"--lookup"}, [](const Options& o) { return o.lookup; }},
    {"", {"--state", "s"}, [](const Options& o) { return o.state == "s"; }, {""}},
    {"",
     {"--lora", "a/b=c:d:0.5"},
     [](const Options& o) {
       return o.lora.size() == 1 && o.lora[0].name == "" && o.lora[0].folder == "a/b=c:d" && o.lora[0].scale == 0.5f;
     },
     {"", ":2", "d:inf", "d:nan"}},
    {"batch",
     {"--lora", "n-1_x.y=d=e:-2"},
     [](const Options& o) {
       return o.lora.size() == 1 && o.lora[0].name == "n-1_x.y" && o.lora[0].folder == "d=e" && o.lora[0].scale == -2;
     },
     {"", "n=", "n=:2"}},
    {"", {"--draft-model", "m"}, [](const Options& o) { return o.draft_model == "m"; }, {""}},
    {"", {"--loops", "3"}, [](const Options& o) { return o.loops == 3; }, {"", "0", "257", "x", "1.5", "-1"}},
    {"",
     {"--exit-when", "kl<0.25"},
     [](const Options& o) {
       return o.exit_when == ExitRule{ExitRule::Kind::kl, 0.25f};
     },
     {"", "kl", "kl<", "kl<0", "kl>1", "x", "gate>2", "stable<1"}},
    {"", {"--prompt", ""}, [](const Options& o) { return o.prompt == ""; }},
    {"", {"--file", "f"}, [](const Options& o) { return o.file == "f"; }, {""}},
    {"",
     {"--user", ""},
     [](const Options& o) { return o.chat.messages.size() == 1 && o.chat.messages[0].role == "user"; }},
    {"",
     {"--system", "s"},
     [](const Options& o) { return !o.chat.messages.empty() && o.chat.messages[0].role == "system"; }},
    {"",
     {"--assistant", "a"},
     [](const Options& o) { return !o.chat.messages.empty() && o.chat.messages[0].text == "a"; }},
    {"", {"--template", "f"}, [](const Options& o) { return o.chat.template_file == "f"; }, {""}},
    {"", {"--template-kwargs", "{}"}, [](const Options& o) { return o.chat.template_values == "{}"; }, {""}},
    {"", {"--suffix", ""}, [](const Options& o) { return o.suffix == ""; }},
    {"", {"--exact"}, [](const Options& o) { return o.exact; }},
    {"", {"--ids"}, [](const Options& o) { return o.ids; }},
    {"",
     {"--max-tokens", "-1"},
     [](const Options& o) { return o.max_tokens == -1; },
     {"", "-2", "x", "1.5", "99999999999999999999"}},
    {"", {"--stop", "a,b"}, [](const Options& o) { return o.stop == std::vector<std::string>{"a,b"}; }, {""}},
    {"",
     {"--stop-token-id", "3,4"},
     [](const Options& o) {
       return o.stop_token_ids == std::vector<TokenId>{3, 4};
     },
     {"", "x", "3,", "1.5"}},
    {"",
     {"--allowed-token-id", "3"},
     [](const Options& o) { return o.allowed_token_ids == std::vector<TokenId>{3}; },
     {"", "x", "3,,4"}},
    {"",
     {"--logprob-token-id", "3"},
     [](const Options& o) { return o.logprob_token_ids == std::vector<TokenId>{3}; },
     {"", "x"}},
    {"", {"--include-stop"}, [](const Options& o) { return o.include_stop; }},
    {"",
     {"--min-tokens", "5"},
     [](const Options& o) { return o.sampling.others.min_tokens == 5; },
     {"", "-1", "x", "1.5"}},
    {"",
     {"--repetition-detection", "20:2:4"},
     [](const Options& o) {
       return o.repetition.max_pattern == 20 && o.repetition.min_pattern == 2 && o.repetition.min_count == 4;
     },
     {"", "x", "1:", "1:2:", "1:2:3:4", "70000"}},
    {"", {"--banned-string", "x"}, [](const Options& o) { return o.banned == std::vector<std::string>{"x"}; }, {""}},
    {"",
     {"--choice", "yes"},
     [](const Options& o) {
       return o.constraint == Constraint{ConstraintKind::choice, {"yes"}};
     }},
    {"",
     {"--regex", "a+"},
     [](const Options& o) {
       return o.constraint == Constraint{ConstraintKind::regex, {"a+"}};
     }},
    {"",
     {"--json-schema", "{}"},
     [](const Options& o) {
       return o.constraint == Constraint{ConstraintKind::json, {"{}"}};
     },
     {"", "no such file"}},
    {"",
     {"--grammar", "/dev/null"},
     [](const Options& o) {
       return o.constraint == Constraint{ConstraintKind::grammar, {""}};
     },
     {"", "no such file"}},
    {"", {"--ignore-eos"}, [](const Options& o) { return o.ignore_eos; }},
    {"", {"--greedy"}, [](const Options& o) { return o.sampling.temperature == 0.0f; }},
    {"", {"--temperature", "0.5"}, [](const Options& o) { return o.sampling.temperature == 0.5f; }, kNoNumber},
    {"", {"--top-k", "5"}, [](const Options& o) { return o.sampling.top_k == 5; }, kNoNumber},
    {"", {"--top-p", "0.5"}, [](const Options& o) { return o.sampling.top_p == 0.5f; }, kNoNumber},
    {"", {"--min-p", "0.5"}, [](const Options& o) { return o.sampling.min_p == 0.5f; }, kNoNumber},
    {"", {"--typical-p", "0.5"}, [](const Options& o) { return o.sampling.typical_p == 0.5f; }, kNoNumber},
    {"", {"--repeat-penalty", "1.5"}, [](const Options& o) { return o.sampling.repeat_penalty == 1.5f; }, kNoNumber},
    {"",
     {"--presence-penalty", "-1"},
     [](const Options& o) { return o.sampling.presence_penalty == -1.0f; },
     kNoNumber},
    {"",
     {"--frequency-penalty", "1"},
     [](const Options& o) { return o.sampling.frequency_penalty == 1.0f; },
     kNoNumber},
    {"",
     {"--repeat-last-n", "64"},
     [](const Options& o) { return o.sampling.others.repeat_last_n == 64; },
     {"", "x", "1.5", "99999999999"}},
    {"",
     {"--no-repeat-ngram", "3"},
     [](const Options& o) { return o.sampling.others.no_repeat_ngram == 3; },
     {"", "x", "1.5", "99999999999"}},
    {"",
     {"--dry-allowed-length", "4"},
     [](const Options& o) { return o.sampling.others.dry_allowed_length == 4; },
     {"", "x", "1.5", "99999999999"}},
    {"",
     {"--dry-penalty-last-n", "64"},
     [](const Options& o) { return o.sampling.others.dry_penalty_last_n == 64; },
     {"", "x", "1.5", "99999999999"}},
    {"",
     {"--mirostat", "2"},
     [](const Options& o) { return o.sampling.others.mirostat == 2; },
     {"", "x", "1.5", "99999999999"}},
    {"", {"--dry-multiplier", "0.5"}, [](const Options& o) { return o.sampling.dry_multiplier == 0.5f; }, kNoNumber},
    {"", {"--dry-base", "0.5"}, [](const Options& o) { return o.sampling.others.dry_base == 0.5f; }, kNoNumber},
    {"", {"--top-n-sigma", "0.5"}, [](const Options& o) { return o.sampling.others.top_n_sigma == 0.5f; }, kNoNumber},
    {"",
     {"--dynatemp-range", "0.5"},
     [](const Options& o) { return o.sampling.others.dynatemp_range == 0.5f; },
     kNoNumber},
    {"",
     {"--dynatemp-exponent", "0.5"},
     [](const Options& o) { return o.sampling.others.dynatemp_exponent == 0.5f; },
     kNoNumber},
    {"", {"--top-h", "0.5"}, [](const Options& o) { return o.sampling.others.top_h == 0.5f; }, kNoNumber},
    {"",
     {"--epsilon-cutoff", "0.5"},
     [](const Options& o) { return o.sampling.others.epsilon_cutoff == 0.5f; },
     kNoNumber},
    {"", {"--eta-cutoff", "0.5"}, [](const Options& o) { return o.sampling.others.eta_cutoff == 0.5f; }, kNoNumber},
    {"",
     {"--xtc-probability", "0.5"},
     [](const Options& o) { return o.sampling.others.xtc_probability == 0.5f; },
     kNoNumber},
    {"",
     {"--xtc-threshold", "0.5"},
     [](const Options& o) { return o.sampling.others.xtc_threshold == 0.5f; },
     kNoNumber},
    {"", {"--mirostat-tau", "0.5"}, [](const Options& o) { return o.sampling.others.mirostat_tau == 0.5f; }, kNoNumber},
    {"", {"--mirostat-eta", "0.5"}, [](const Options& o) { return o.sampling.others.mirostat_eta == 0.5f; }, kNoNumber},
    {"",
     {"--adaptive-target", "0.5"},
     [](const Options& o) { return o.sampling.others.adaptive_target == 0.5f; },
     kNoNumber},
    {"",
     {"--adaptive-decay", "0.5"},
     [](const Options& o) { return o.sampling.others.adaptive_decay == 0.5f; },
     kNoNumber},
    {"",
     {"--dry-sequence-breaker", "."},
     [](const Options& o) { return o.sampling.others.dry_sequence_breakers == std::vector<std::string>{"."}; },
     {""}},
    {"",
     {"--exponential-decay-length-penalty", "10:1.5"},
     [](const Options& o) {
       return o.sampling.others.length_penalty_start == 10 && o.sampling.others.length_penalty_factor == 1.5f;
     },
     {"", "10", "x:1", "1:x", "1:", ":2"}},
    {"",
     {"--samplers", "top_k;temperature"},
     [](const Options& o) {
       return o.sampling.others.samplers == std::vector<std::string>{"top_k", "temperature"};
     },
     {"", "top-k", "top_k;", "top_k,top_k", "top_k;dry"}},
    {"",
     {"--logit-bias", "42:-1.5"},
     [](const Options& o) {
       return o.sampling.logit_bias.size() == 1 && o.sampling.logit_bias[0].token == 42 &&
              o.sampling.logit_bias[0].bias == -1.5f;
     },
     {"", "42", "42:", ":1", "x:1", "42:x"}},
    {"",
     {"--seed", "18446744073709551615"},
     [](const Options& o) { return o.seed == UINT64_MAX; },
     {"", "-1", "x", "18446744073709551616", "Random"}},
    {"", {"--echo"}, [](const Options& o) { return o.echo; }},
    {"", {"--json"}, [](const Options& o) { return o.json; }},
    {"", {"--logprobs", "3"}, [](const Options& o) { return o.logprobs == 3u; }, kNoCount},
    {"", {"--quiet"}, [](const Options& o) { return o.verbosity == -1; }},
    {"", {"--verbose"}, [](const Options& o) { return o.verbosity == 1; }},
    {"", {"--profile", "p"}, [](const Options& o) { return o.profile == "p"; }, {""}},
    {"", {"--no-config"}, [](const Options& o) { return o.no_config; }},
    {"", {"--version"}, [](const Options& o) { return o.version; }},
    {"", {"--help"}, [](const Options& o) { return o.help; }},
    {"", {"--man"}, [](const Options& o) { return o.man; }},

    {"batch", {"--output", "o"}, [](const Options& o) { return o.batch.out == "o"; }, {""}},
    {"batch", {"--resume"}, [](const Options& o) { return o.batch.resume; }},
    {"batch", {"--overwrite"}, [](const Options& o) { return o.batch.overwrite; }},
    {"batch",
     {"--format", "csv"},
     [](const Options& o) { return o.batch.format == BatchFormat::csv; },
     {"", "json", "CSV"}},
    {"batch",
     {"--shard", "2/8"},
     [](const Options& o) { return o.batch.shard == 1 && o.batch.shards == 8; },
     {"", "2", "/", "2/", "/8", "0/8", "9/8", "a/8", "2/8/9"}},
    {"batch", {"--unordered"}, [](const Options& o) { return o.batch.unordered; }},
    {"batch", {"--fail-fast"}, [](const Options& o) { return o.batch.fail_fast; }},
    {"batch", {"--max-line", "64K"}, [](const Options& o) { return o.batch.max_line == 65536; }, kNoSize},
    {"serve", {"--host", "::1"}, [](const Options& o) { return o.serve.host == "::1"; }, {""}},
    {"serve", {"--port", "0"}, [](const Options& o) { return o.serve.port == 0; }, {"", "-1", "65536", "http"}},
    {"serve", {"--api-key", "f"}, [](const Options& o) { return o.serve.api_key == "f"; }, {""}},
    {"serve", {"--insecure"}, [](const Options& o) { return o.serve.insecure; }},
    {"serve",
     {"--allow-host", "a"},
     [](const Options& o) { return o.serve.hosts == std::vector<std::string>{"a"}; },
     {""}},
    {"serve",
     {"--allow-origin", "http://a"},
     [](const Options& o) { return o.serve.origins == std::vector<std::string>{"http://a"}; },
     {""}},
    {"serve", {"--queue", "5"}, [](const Options& o) { return o.serve.queue == 5; }, {"", "0", "x", "-1"}},
    {"serve", {"--deadline", "5"}, [](const Options& o) { return o.serve.deadline == 5; }, {"", "0", "x", "1.5"}},
    {"serve", {"--grace", "0"}, [](const Options& o) { return o.serve.grace == 0; }, {"", "-1", "x"}},
    {"serve", {"--max-body", "64K"}, [](const Options& o) { return o.serve.max_body == 65536; }, kNoSize},
    {"serve", {"--connections", "9"}, [](const Options& o) { return o.serve.connections == 9; }, {"", "0", "x"}},
    {"batch", {"--echo"}, [](const Options& o) { return o.echo; }},
    {"batch", {"--logprobs", "3"}, [](const Options& o) { return o.logprobs == 3u; }, kNoCount},
    {"batch", {"--at-once", "8"}, [](const Options& o) { return o.batch.at_once == 8; }, {"", "0", "4097", "x"}},
    {"batch", {"--memory", "2G"}, [](const Options& o) { return o.batch.memory == std::size_t{2} << 30; }, kNoSize},
    {"batch",
     {"--step-tokens", "64"},
     [](const Options& o) { return o.batch.step_tokens == 64; },
     {"", "0", "65537", "x"}},
    {"batch", {"--no-sharing"}, [](const Options& o) { return o.batch.no_sharing; }},

    {"tokenize", {"--decode"}, [](const Options& o) { return o.decode; }},
    {"tokenize", {"--no-special"}, [](const Options& o) { return o.no_special; }},
    {"tokenize", {"--pieces"}, [](const Options& o) { return o.pieces; }},
    {"tokenize", {"--json"}, [](const Options& o) { return o.json; }},

    {"score", {"--json"}, [](const Options& o) { return o.json; }},
    {"score", {"--stride", "64"}, [](const Options& o) { return o.score.stride == 64; }, {"", "x", "1.5"}},
    {"score", {"--window", "64"}, [](const Options& o) { return o.score.window == 64; }, {"", "x", "1.5"}},
    {"score", {"--jsonl"}, [](const Options& o) { return o.score.jsonl; }},
    {"score", {"--summary"}, [](const Options& o) { return o.score.summary; }},
    {"score", {"--last-logits"}, [](const Options& o) { return o.last_logits; }},
    {"score", {"--mask-id", "103"}, [](const Options& o) { return o.mask_id == 103; }, {"", "x", "-1"}},
    {"score",
     {"--token-types", "0 1"},
     [](const Options& o) { return o.token_types == std::vector<TokenId>{0, 1}; },
     {"", "x", "256"}},

    {"embed", {"--pooling", "cls"}, [](const Options& o) { return o.embed.pooling == Pooling::cls; }, {"", "x", "max"}},
    {"embed", {"--normalize"}, [](const Options& o) { return o.embed.normalize; }},
    {"embed", {"--jsonl"}, [](const Options& o) { return o.embed.jsonl; }},
    {"embed", {"--json"}, [](const Options& o) { return o.json; }},
    {"embed",
     {"--output", "a.npy"},
     [](const Options& o) { return o.embed.out == "a.npy"; },
     {"", "a", ".npy", "a/.npy"}},
    {"embed", {"--truncate", "0"}, [](const Options& o) { return o.embed.truncate == 0; }, {"", "x", "-1", "1.5"}},

    {"fill", {"--top", "3"}, [](const Options& o) { return o.fill.top == 3; }, {"", "x", "0", "1.5"}},
    {"fill", {"--mask", "___"}, [](const Options& o) { return o.fill.mask == "___"; }},
    {"fill", {"--mask-id", "103"}, [](const Options& o) { return o.mask_id == 103; }, {"", "x", "-1"}},
    {"fill",
     {"--token-types", "0 1"},
     [](const Options& o) { return o.token_types == std::vector<TokenId>{0, 1}; },
     {"", "x", "256"}},
    {"fill", {"--one-by-one"}, [](const Options& o) { return o.fill.one_by_one; }},
    {"fill", {"--json"}, [](const Options& o) { return o.json; }},

    {"inspect", {"--memory", "64M"}, [](const Options& o) { return o.batch.memory == std::size_t{64} << 20; }},
    {"inspect", {"--tensors"}, [](const Options& o) { return o.tensors; }},
    {"inspect", {"--families"}, [](const Options& o) { return o.families; }},
    {"inspect", {"--json"}, [](const Options& o) { return o.json; }},

    {"bench", {"--prompt-tokens", "8"}, [](const Options& o) { return o.bench_prompt == 8; }, {"", "x"}},
    {"bench", {"--max-tokens", "8"}, [](const Options& o) { return o.bench_tokens == 8; }, {"", "x"}},
    {"bench", {"--kernels", "avx2"}, [](const Options& o) { return o.kernels == "avx2"; }, {""}},
    {"bench", {"--repeat", "3"}, [](const Options& o) { return o.bench_repeat == 3; }, {"", "0", "10001", "x"}},
    {"bench", {"--json"}, [](const Options& o) { return o.json; }},

    {"quantize", {"--to", "q4_k"}, [](const Options& o) { return o.to_format == "q4_k"; }, {""}},
    {"quantize", {"--imatrix", "i.gguf"}, [](const Options& o) { return o.imatrix.file == "i.gguf"; }, {""}},
    {"imatrix", {"--output", "i.gguf"}, [](const Options& o) { return o.imatrix.file == "i.gguf"; }, {""}},
    {"imatrix", {"--chunk-size", "64"}, [](const Options& o) { return o.imatrix.chunk == 64; }, {"0", "x"}},
    {"imatrix", {"--chunks", "3"}, [](const Options& o) { return o.imatrix.chunks == 3; }, {"0", "x"}},

    {"explain",
     {"--view", "lens,cost"},
     [](const Options& o) { return o.explain.views == std::vector<std::string>{"lens", "cost"}; },
     {"", "x", "lens,", ",lens", "lens,,cost"}},
    {"explain", {"--layer", "2"}, [](const Options& o) { return o.explain.layer == 2; }, kNoCount},
    {"explain", {"--head", "2"}, [](const Options& o) { return o.explain.head == 2; }, kNoCount},
    {"explain", {"--from", "2"}, [](const Options& o) { return o.explain.from == 2u; }, kNoCount},
    {"explain", {"--to", "2"}, [](const Options& o) { return o.explain.to == 2u; }, kNoCount},
    {"explain", {"--beside", "abc"}, [](const Options& o) { return o.explain.beside == "abc"; }},
    {"explain", {"--beside-model", "f"}, [](const Options& o) { return o.explain.beside_model == "f"; }, {""}},
    {"explain", {"--no-mask"}, [](const Options& o) { return o.explain.no_mask; }},
    {"explain", {"--generate", "2"}, [](const Options& o) { return o.explain.tokens == 2; }, kNoCount},
    {"explain", {"--measure"}, [](const Options& o) { return o.explain.measure; }},
    {"explain", {"--html", "f"}, [](const Options& o) { return o.explain.html == "f"; }, {""}},
    {"explain", {"--svg", "f"}, [](const Options& o) { return o.explain.svg == "f"; }, {""}},
    {"explain", {"--dump", "0.1"}, [](const Options& o) { return o.explain.dumps == std::vector<std::string>{"0.1"}; }},
    {"explain", {"--json"}, [](const Options& o) { return o.json; }},
    {"explain",
     {"--lang", "zh-Hant"},
     [](const Options& o) { return o.explain.language == "zh-Hant"; },
     {"", "de", "EN"}},
};

// Calls f(command, row) for every row of every command.
void for_each_row(const std::function<void(const Command&, const OptionRow&)>& f) {
  for (const Command& command : commands()) {
    for (const OptionGroup* group : command.groups) {
      for (const OptionRow& row : group->rows) f(command, row);
    }
  }
}

const OptionRow* row_of(std::string_view command, std::string_view name) {
  for (const OptionGroup* group : command_named(command).groups) {
    for (const OptionRow& row : group->rows) {
      if (row.name == name) return &row;
    }
  }
  return nullptr;
}

}  // namespace

TEST_CASE("every option has a case here") {
  std::set<const OptionRow*> tested;
  for (const Case& c : kCases) {
    const OptionRow* const row = row_of(c.command, std::string_view(c.arguments.front()).substr(2));
    CAPTURE(c.arguments);
    REQUIRE(row);
    tested.insert(row);
  }
  for_each_row([&](const Command& command, const OptionRow& row) {
    CAPTURE(command.name, row.name);
    CHECK(tested.count(&row) == 1);
  });
}

TEST_CASE("every option sets what it names, with each of its names") {
  for (const Case& c : kCases) {
    CAPTURE(c.command, c.arguments);
    CHECK(!c.is_set(Options()));
    CHECK(c.is_set(parsed(c.arguments, c.command)));
    const OptionRow& row = *row_of(c.command, std::string_view(c.arguments.front()).substr(2));
    std::vector<std::string> names;
    if (row.letter) names.push_back({'-', row.letter});
    for (const std::string_view alias : split_list(row.aliases))
      names.push_back(fmt::format("{}{}", alias.size() == 1 ? "-" : "--", alias));
    for (const std::string& name : names) {
      CAPTURE(name);
      std::vector<std::string> arguments = c.arguments;
      arguments.front() = name;
      CHECK(c.is_set(parsed(arguments, c.command)));
    }
  }
}

TEST_CASE("every option names itself where a value cannot be meant") {
  for (const Case& c : kCases) {
    for (const std::string& value : c.refused) {
      CAPTURE(c.command, c.arguments, value);
      const std::string message = error_of({c.arguments.front(), value}, c.command);
      CHECK(message.starts_with(c.arguments.front()));
    }
  }
}

TEST_CASE("every option has its texts") {
  for_each_row([](const Command& command, const OptionRow& row) {
    CAPTURE(command.name, row.name);
    CHECK(!row.help.empty());
    CHECK(!row.help.ends_with('.'));
    CHECK(row.details.ends_with('.'));
    CHECK(row.help.find('\n') == std::string_view::npos);
    CHECK(row.details.find('\n') == std::string_view::npos);
    for (const char c : std::string(row.help) + std::string(row.details)) CHECK((c >= ' ' && c < 0x7f));
    CHECK((row.value.empty() || row.value == "WHAT" || row.expected.size() > 0));
    CHECK((!row.value.empty() || row.fallback.empty()));
    CHECK((!row.value.empty() || row.choices.empty()));
    CHECK(row.name.find('_') == std::string_view::npos);
  });
}

TEST_CASE("choices are those that the code knows") {
  const auto listed = [](std::string_view command, std::string_view name) {
    const auto items = split_list(row_of(command, name)->choices);
    return std::set<std::string>(items.begin(), items.end());
  };
  std::set<std::string> kv, views, targets;
  for (const Format type : kv_types()) kv.emplace(format_info(type).name);
  for (const explain::Panel& panel : explain::panels()) views.emplace(panel.name);
  for (const FormatInfo& info : formats()) targets.emplace(info.name);
  for (const std::string_view name : mixture_names()) targets.emplace(name);
  CHECK(listed("", "kv-type") == kv);
  CHECK(listed("explain", "view") == views);
  CHECK(listed("quantize", "to") == targets);
  for_each_row([](const Command& command, const OptionRow& row) {
    for (const std::string_view choice : split_list(row.choices)) {
      CAPTURE(command.name, row.name, choice);
      CHECK(error_of({fmt::format("--{}", row.name), std::string(choice)}, command.name) == "");
    }
  });
}

TEST_CASE("a command's options have different names") {
  for (const Command& command : commands()) {
    std::map<std::string, int> names;
    for (const OptionGroup* group : command.groups) {
      for (const OptionRow& row : group->rows) {
        ++names[std::string(row.name)];
        if (row.letter) ++names[{row.letter}];
        for (const std::string_view alias : split_list(row.aliases)) ++names[std::string(alias)];
      }
    }
    for (const auto& [name, count] : names) {
      CAPTURE(command.name, name);
      CHECK(count == 1);
    }
  }
}
