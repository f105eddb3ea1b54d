// How a token is chosen.
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <utility>

#include "cli/option_setters.h"
#include "sampling/stages.h"

namespace continuo {

namespace {

template <auto Member>
constexpr auto kSetSampling = set_number<&Options::sampling, Member>;
template <auto Member>
constexpr auto kSetOther = set_number<&Options::sampling, &TypedSampling::others, Member>;

Result<void> set_greedy(const OptionRow&, Options& options, const std::string&) {
  options.sampling.temperature = 0.0f;
  return {};
}

Result<void> set_seed(const OptionRow& row, Options& options, const std::string& value) {
  if (value != "random") return set_number<&Options::seed>(row, options, value);
  std::random_device device;
  options.seed = std::uint64_t{device()} << 32 | device();
  return {};
}

Result<void> add_logit_bias(const OptionRow& row, Options& options, const std::string& value) {
  const std::size_t colon = value.find_first_of(":=");
  if (colon == std::string::npos) return bad_value(row, value);
  LogitBias entry;
  CONTINUO_TRY(entry.token, parse_number<TokenId>(value.substr(0, colon), "--logit-bias: the token", "a token id"));
  CONTINUO_TRY(entry.bias, parse_number<float>(value.substr(colon + 1), "--logit-bias: the bias", "a number"));
  options.sampling.logit_bias.push_back(entry);
  return {};
}

Result<void> set_length_penalty(const OptionRow& row, Options& options, const std::string& value) {
  const std::size_t colon = value.find(':');
  if (colon == std::string::npos) return bad_value(row, value);
  const std::string name = fmt::format("--{}: the ", row.name);
  SamplingOptions& sampling = options.sampling.others;
  CONTINUO_TRY(sampling.length_penalty_start,
               parse_number<int>(value.substr(0, colon), name + "start", "a whole number >= 0"));
  CONTINUO_TRY(sampling.length_penalty_factor,
               parse_number<float>(value.substr(colon + 1), name + "factor", "a number above 0"));
  return {};
}

Result<void> add_dry_breaker(const OptionRow& row, Options& options, const std::string& value) {
  if (value.empty()) return bad_value(row, value);
  auto& breakers = options.sampling.others.dry_sequence_breakers;
  if (!std::exchange(options.sampling.breakers_typed, true)) breakers.clear();
  if (value == "none") {
    breakers.clear();
  } else {
    breakers.push_back(value);
  }
  return {};
}

Result<void> set_samplers(const OptionRow& row, Options& options, const std::string& value) {
  if (value.empty()) return bad_value(row, value);
  auto& samplers = options.sampling.others.samplers;
  samplers.clear();
  for (std::size_t at = 0; at <= value.size();) {
    const std::size_t end = std::min(value.find_first_of(";,", at), value.size());
    samplers.push_back(value.substr(at, end - at));
    at = end + 1;
  }
  const auto valid = validate_samplers(options.sampling.others);
  if (valid) return {};
  Error error = valid.error();
  error.field = fmt::format("--{}", row.name);
  return error;
}

constexpr OptionRow kSamplingRows[] = {
    {.name = "greedy",
     .help = "always take the likeliest token; same as --temperature 0",
     .details = "Among tokens with equal scores the lowest id wins.",
     .set = set_greedy},
    {.name = "temperature",
     .aliases = "temp",
     .value = "T",
     .help = "divide scores by T; 1: the model's own distribution; 0: greedy",
     .details = "Below 1 likely tokens become likelier, above 1 the distribution becomes flatter.",
     .fallback = "0.8",
     .expected = "a number >= 0",
     .set = kSetSampling<&TypedSampling::temperature>},
    {.name = "top-k",
     .value = "K",
     .help = "draw from the K likeliest tokens; 0: off",
     .details = "Fan et al. 2018, arXiv:1805.04833.",
     .fallback = "0",
     .expected = "a whole number >= 0",
     .set = kSetSampling<&TypedSampling::top_k>},
    {.name = "top-p",
     .value = "P",
     .help = "draw from the likeliest tokens whose probabilities sum to P; 1: off",
     .details = "Nucleus sampling, Holtzman et al. 2019, arXiv:1904.09751.",
     .fallback = "0.95",
     .expected = "a number above 0 and at most 1",
     .set = kSetSampling<&TypedSampling::top_p>},
    {.name = "min-p",
     .value = "P",
     .help = "drop tokens less likely than P times the likeliest; 0: off",
     .details = "Nguyen et al. 2024, arXiv:2407.01082.",
     .fallback = "0",
     .expected = "a number between 0 and 1",
     .set = kSetSampling<&TypedSampling::min_p>},
    {.name = "typical-p",
     .aliases = "typical",
     .value = "P",
     .help = "draw from the tokens of most typical surprise whose probabilities sum to P; 1: off",
     .details = "Locally typical sampling, Meister et al. 2022, arXiv:2202.00666.",
     .fallback = "1",
     .expected = "a number above 0 and at most 1",
     .set = kSetSampling<&TypedSampling::typical_p>},
    {.name = "repeat-penalty",
     .aliases = "repetition-penalty",
     .value = "X",
     .help = "divide the scores of tokens already in prompt or answer by X; 1: off",
     .details = "Negative scores are multiplied by X instead. Keskar et al. 2019, arXiv:1909.05858.",
     .fallback = "1",
     .expected = "a number above 0",
     .set = kSetSampling<&TypedSampling::repeat_penalty>},
    {.name = "presence-penalty",
     .value = "X",
     .help = "subtract X from the score of every token already generated",
     .details = "X is subtracted once, however often the token was generated, as in the OpenAI API.",
     .fallback = "0",
     .expected = "a number",
     .set = kSetSampling<&TypedSampling::presence_penalty>},
    {.name = "frequency-penalty",
     .value = "X",
     .help = "subtract X from the score of a token for each time it was generated",
     .details = "As in the OpenAI API.",
     .fallback = "0",
     .expected = "a number",
     .set = kSetSampling<&TypedSampling::frequency_penalty>},
    {.name = "repeat-last-n",
     .value = "N",
     .help = "how many tokens back the three penalties above look; -1: whole text",
     .details = "Tokens of prompt and answer count; 0 turns the penalties off.",
     .fallback = "-1",
     .expected = "a whole number >= 0, or -1",
     .set = kSetOther<&SamplingOptions::repeat_last_n>},
    {.name = "no-repeat-ngram",
     .aliases = "no-repeat-ngram-size",
     .value = "N",
     .help = "never repeat a run of N tokens; 0: off",
     .details = "Prompt and answer count as one text. Paulus et al. 2017, arXiv:1705.04304.",
     .fallback = "0",
     .expected = "a whole number >= 0",
     .set = kSetOther<&SamplingOptions::no_repeat_ngram>},
    {.name = "dry-multiplier",
     .value = "X",
     .help = "strength of DRY, which penalizes growing repetitions; 0: off",
     .details = "A token that would extend a repetition of L tokens loses X * BASE^(L - ALLOWED) of its score.",
     .fallback = "0",
     .expected = "a number >= 0",
     .set = kSetSampling<&TypedSampling::dry_multiplier>},
    {.name = "dry-base",
     .value = "B",
     .help = "base of DRY's exponential",
     .details = "It sets how fast the penalty grows with the length of the repetition.",
     .fallback = "1.75",
     .expected = "a number >= 1",
     .set = kSetOther<&SamplingOptions::dry_base>},
    {.name = "dry-allowed-length",
     .value = "N",
     .help = "DRY ignores repetitions shorter than N tokens",
     .details = "This is ALLOWED in the formula of --dry-multiplier.",
     .fallback = "2",
     .expected = "a whole number >= 0",
     .set = kSetOther<&SamplingOptions::dry_allowed_length>},
    {.name = "dry-penalty-last-n",
     .value = "N",
     .help = "how many tokens back DRY looks; -1: whole text",
     .details = "Tokens of prompt and answer count; 0 turns DRY off.",
     .fallback = "-1",
     .expected = "a whole number >= 0, or -1",
     .set = kSetOther<&SamplingOptions::dry_penalty_last_n>},
    {.name = "dry-sequence-breaker",
     .value = "TEXT",
     .help = "text at which DRY stops looking for repetitions; none: no such text",
     .details = "The default breakers are a line feed, a colon, a double quote and an asterisk. The breakers that "
                "are given replace them.",
     .expected = "some text, or none",
     .repeatable = true,
     .set = add_dry_breaker},
    {.name = "exponential-decay-length-penalty",
     .value = "START:FACTOR",
     .help = "raise the score of end tokens after START tokens",
     .details = "continuo adds |score| * (FACTOR^(tokens - START) - 1) to the score of each end token, as "
                "transformers does.",
     .expected = "START:FACTOR, such as 100:1.05",
     .set = set_length_penalty},
    {.name = "top-n-sigma",
     .aliases = "top-nsigma",
     .value = "N",
     .help = "keep scores within N standard deviations of the best; 0: off",
     .details = "Tang et al. 2024, arXiv:2411.07641.",
     .fallback = "0",
     .expected = "a number above 0, or 0 or -1 (off)",
     .set = kSetOther<&SamplingOptions::top_n_sigma>},
    {.name = "dynatemp-range",
     .value = "X",
     .help = "vary the temperature by entropy, from T - X to T + X; 0: off",
     .details = "A flatter distribution at temperature 1 gets a higher temperature.",
     .fallback = "0",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::dynatemp_range>},
    {.name = "dynatemp-exponent",
     .aliases = "dynatemp-exp",
     .value = "X",
     .help = "exponent of the dynamic temperature",
     .details = "The exponent applies to the entropy divided by its largest possible value.",
     .fallback = "1",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::dynatemp_exponent>},
    {.name = "top-h",
     .value = "H",
     .help = "keep the likeliest tokens that hold a share H of the entropy; 0: off",
     .details = "It looks at the 100 likeliest tokens. Baghaei Potraghloo et al. 2025, arXiv:2509.02510.",
     .fallback = "0",
     .expected = "a number between 0 and 1",
     .set = kSetOther<&SamplingOptions::top_h>},
    {.name = "epsilon-cutoff",
     .value = "P",
     .help = "drop tokens less likely than P; 0: off",
     .details = "Hewitt et al. 2022, arXiv:2210.15191.",
     .fallback = "0",
     .expected = "a number from 0 to below 1",
     .set = kSetOther<&SamplingOptions::epsilon_cutoff>},
    {.name = "eta-cutoff",
     .value = "P",
     .help = "drop tokens below a threshold that falls with entropy; 0: off",
     .details = "The threshold is the smaller of P and sqrt(P) * e^-entropy. Hewitt et al. 2022, arXiv:2210.15191.",
     .fallback = "0",
     .expected = "a number from 0 to below 1",
     .set = kSetOther<&SamplingOptions::eta_cutoff>},
    {.name = "xtc-probability",
     .value = "P",
     .help = "probability of XTC, which excludes top choices; 0: never",
     .details = "If two or more tokens reach --xtc-threshold, XTC drops all of them but the least likely.",
     .fallback = "0",
     .expected = "a number between 0 and 1",
     .set = kSetOther<&SamplingOptions::xtc_probability>},
    {.name = "xtc-threshold",
     .value = "P",
     .help = "smallest probability of a top choice",
     .details = "Above 0.5 there cannot be two top choices, so XTC does nothing.",
     .fallback = "0.1",
     .expected = "a number between 0 and 1",
     .set = kSetOther<&SamplingOptions::xtc_threshold>},
    {.name = "mirostat",
     .value = "0|1|2",
     .help = "keep surprise near a target; replaces the filters above",
     .details = "Basu et al. 2021, arXiv:2007.14966. Version 1 fits the distribution; version 2 sets a threshold "
                "of surprise. The temperature still applies; top-k, top-p and the other filters do not.",
     .fallback = "0",
     .expected = "0, 1 or 2",
     .set = set_whole<0, 2, &Options::sampling, &TypedSampling::others, &SamplingOptions::mirostat>},
    {.name = "mirostat-tau",
     .aliases = "mirostat-ent",
     .value = "T",
     .help = "target surprise of Mirostat, in bits",
     .details = "A larger target gives a less predictable text.",
     .fallback = "5",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::mirostat_tau>},
    {.name = "mirostat-eta",
     .aliases = "mirostat-lr",
     .value = "E",
     .help = "learning rate of Mirostat",
     .details = "After each token the threshold moves by this share of the error.",
     .fallback = "0.1",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::mirostat_eta>},
    {.name = "adaptive-target",
     .value = "P",
     .help = "prefer tokens whose probability is near P on average; -1: off",
     .details = "This is adaptive-p as in llama.cpp. It runs after all filters.",
     .fallback = "-1",
     .expected = "a number between 0 and 1, or -1",
     .set = kSetOther<&SamplingOptions::adaptive_target>},
    {.name = "adaptive-decay",
     .value = "D",
     .help = "decay of adaptive-p's running average",
     .details = "The average is taken over the probabilities of the chosen tokens.",
     .fallback = "0.9",
     .expected = "a number between 0 and 0.99",
     .set = kSetOther<&SamplingOptions::adaptive_decay>},
    {.name = "samplers",
     .value = "LIST",
     .help = "the stages that run, in their order",
     .details = "Separate names with ; or a comma. The default is penalties, dry, top_n_sigma, temperature, top_h, "
                "top_k, top_p, min_p, typ_p, epsilon_cutoff, eta_cutoff, xtc. A stage that is not named does not "
                "run. Logit bias, --no-repeat-ngram and the like always come first, Mirostat and adaptive-p always "
                "last.",
     .expected = "names with ; between",
     .set = set_samplers},
    {.name = "logit-bias",
     .value = "ID:BIAS",
     .help = "add BIAS to the score of the token ID",
     .details = "Several values for one token add up. continuo tokenize prints ids.",
     .expected = "ID:BIAS, such as 42:-1.5",
     .repeatable = true,
     .set = add_logit_bias},
    {.name = "seed",
     .aliases = "s",
     .value = "N|random",
     .help = "seed of the random draws; the same seed gives the same text",
     .details = "N is a whole number from 0 to 18446744073709551615. \"random\" picks a new seed each time; --json "
                "and -v print it.",
     .fallback = "0",
     .expected = "a whole number from 0 to 18446744073709551615, or 'random'",
     .set = set_seed},
};

}  // namespace

const OptionGroup kSamplingOptions{
    "How to choose a token (as typed, else as the model's generation_config.json says, else the default)",
    kSamplingRows};

}  // namespace continuo
