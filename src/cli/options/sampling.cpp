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
     .help = "always the likeliest token; the same as --temperature 0",
     .details = "Of several tokens with the largest score the one with the lowest id is taken.",
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
     .help = "draw from the likeliest tokens that carry P of the probability together; 1: off",
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
     .help = "keep the tokens of most typical surprise that carry P together; 1: off",
     .details = "Locally typical sampling, Meister et al. 2022, arXiv:2202.00666.",
     .fallback = "1",
     .expected = "a number above 0 and at most 1",
     .set = kSetSampling<&TypedSampling::typical_p>},
    {.name = "repeat-penalty",
     .aliases = "repetition-penalty",
     .value = "X",
     .help = "divide the scores of tokens that occurred, in prompt or answer, by X; 1: off",
     .details = "Positive scores are divided by X, negative ones multiplied. Keskar et al. 2019, arXiv:1909.05858.",
     .fallback = "1",
     .expected = "a number above 0",
     .set = kSetSampling<&TypedSampling::repeat_penalty>},
    {.name = "presence-penalty",
     .value = "X",
     .help = "subtract X from the score of every token that was generated",
     .details = "As the OpenAI API defines it: once for a token, however often it was generated.",
     .fallback = "0",
     .expected = "a number",
     .set = kSetSampling<&TypedSampling::presence_penalty>},
    {.name = "frequency-penalty",
     .value = "X",
     .help = "subtract X from the score of a token for each time it was generated",
     .details = "As the OpenAI API defines it.",
     .fallback = "0",
     .expected = "a number",
     .set = kSetSampling<&TypedSampling::frequency_penalty>},
    {.name = "repeat-last-n",
     .value = "N",
     .help = "how far back the three penalties above look; -1: over the whole text",
     .details = "In tokens of prompt and answer; 0 turns them off.",
     .fallback = "-1",
     .expected = "a whole number >= 0, or -1",
     .set = kSetOther<&SamplingOptions::repeat_last_n>},
    {.name = "no-repeat-ngram",
     .aliases = "no-repeat-ngram-size",
     .value = "N",
     .help = "no N tokens in a row come twice; 0: off",
     .details = "In prompt and answer together. Paulus et al. 2017, arXiv:1705.04304.",
     .fallback = "0",
     .expected = "a whole number >= 0",
     .set = kSetOther<&SamplingOptions::no_repeat_ngram>},
    {.name = "dry-multiplier",
     .value = "X",
     .help = "punish tokens that go on with a repetition: DRY; 0: off",
     .details = "A token that would make a repetition of L tokens longer loses X * BASE^(L - ALLOWED) of its score.",
     .fallback = "0",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::dry_multiplier>},
    {.name = "dry-base",
     .value = "B",
     .help = "the base of that",
     .details = "How fast the punishment grows with the length of the repetition.",
     .fallback = "1.75",
     .expected = "a number >= 1",
     .set = kSetOther<&SamplingOptions::dry_base>},
    {.name = "dry-allowed-length",
     .value = "N",
     .help = "repetitions of fewer tokens go unpunished",
     .details = "The ALLOWED of --dry-multiplier.",
     .fallback = "2",
     .expected = "a whole number >= 0",
     .set = kSetOther<&SamplingOptions::dry_allowed_length>},
    {.name = "dry-penalty-last-n",
     .value = "N",
     .help = "how far back DRY looks; -1: over the whole text",
     .details = "In tokens of prompt and answer; 0 turns it off.",
     .fallback = "-1",
     .expected = "a whole number >= 0, or -1",
     .set = kSetOther<&SamplingOptions::dry_penalty_last_n>},
    {.name = "dry-sequence-breaker",
     .value = "TEXT",
     .help = "TEXT ends a repetition; none: nothing does",
     .details =
         "Without this option a line feed, a colon, a double quote and an asterisk do; those that are given take their place.",
     .expected = "some text, or none",
     .repeatable = true,
     .set = add_dry_breaker},
    {.name = "exponential-decay-length-penalty",
     .value = "START:FACTOR",
     .help = "make the end likelier after START tokens",
     .details = "Of each end token |score| * (FACTOR^(tokens - START) - 1) is added to the score, as in transformers.",
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
     .help = "a temperature between T - X and T + X, by entropy; 0: off",
     .details = "The flatter the distribution at temperature 1, the higher the temperature.",
     .fallback = "0",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::dynatemp_range>},
    {.name = "dynatemp-exponent",
     .aliases = "dynatemp-exp",
     .value = "X",
     .help = "the exponent of that",
     .details = "Of the share of the largest possible entropy.",
     .fallback = "1",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::dynatemp_exponent>},
    {.name = "top-h",
     .value = "H",
     .help = "keep the likeliest tokens that carry H of the entropy; 0: off",
     .details = "Of the 100 likeliest. Baghaei Potraghloo et al. 2025, arXiv:2509.02510.",
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
     .help = "the same with a bar that falls with the entropy; 0: off",
     .details = "The bar is the smaller of P and sqrt(P) * e^-entropy. The same paper.",
     .fallback = "0",
     .expected = "a number from 0 to below 1",
     .set = kSetOther<&SamplingOptions::eta_cutoff>},
    {.name = "xtc-probability",
     .value = "P",
     .help = "how often the top choices are excluded: XTC; 0: never",
     .details =
         "Of the tokens that are at least as likely as --xtc-threshold all but the least likely are dropped, if there are two or more.",
     .fallback = "0",
     .expected = "a number between 0 and 1",
     .set = kSetOther<&SamplingOptions::xtc_probability>},
    {.name = "xtc-threshold",
     .value = "P",
     .help = "how likely a top choice is at least",
     .details = "Above 0.5 there cannot be two of them, and nothing is excluded.",
     .fallback = "0.1",
     .expected = "a number between 0 and 1",
     .set = kSetOther<&SamplingOptions::xtc_threshold>},
    {.name = "mirostat",
     .value = "0|1|2",
     .help = "aim at a surprise; takes the place of the filters above",
     .details =
         "Basu et al. 2021, arXiv:2007.14966. 1: by a fit of the distribution; 2: by a bar of surprise. The temperature applies as well, top-k, top-p and the like do not.",
     .fallback = "0",
     .expected = "0, 1 or 2",
     .set = set_whole<0, 2, &Options::sampling, &TypedSampling::others, &SamplingOptions::mirostat>},
    {.name = "mirostat-tau",
     .aliases = "mirostat-ent",
     .value = "T",
     .help = "the surprise that Mirostat aims at, in bits",
     .details = "The larger, the less predictable the text.",
     .fallback = "5",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::mirostat_tau>},
    {.name = "mirostat-eta",
     .aliases = "mirostat-lr",
     .value = "E",
     .help = "how fast Mirostat learns",
     .details = "The share of the error by which its bar moves after each token.",
     .fallback = "0.1",
     .expected = "a number >= 0",
     .set = kSetOther<&SamplingOptions::mirostat_eta>},
    {.name = "adaptive-target",
     .value = "P",
     .help = "prefer tokens whose probability is near P on average; -1: off",
     .details = "adaptive-p of llama.cpp. It stands behind all filters.",
     .fallback = "-1",
     .expected = "a number between 0 and 1, or -1",
     .set = kSetOther<&SamplingOptions::adaptive_target>},
    {.name = "adaptive-decay",
     .value = "D",
     .help = "how slowly adaptive-p forgets",
     .details = "Of the average over the tokens that were chosen.",
     .fallback = "0.9",
     .expected = "a number between 0 and 0.99",
     .set = kSetOther<&SamplingOptions::adaptive_decay>},
    {.name = "samplers",
     .value = "LIST",
     .help = "which of the stages run, in which order",
     .details =
         "Names with ; or , between: penalties, dry, top_n_sigma, temperature, top_h, top_k, top_p, min_p, typ_p, epsilon_cutoff, eta_cutoff, xtc, which is the order without this option. Those that are not named do not run. Logit bias, --no-repeat-ngram and the like come first in any case, Mirostat and adaptive-p last.",
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
     .help = "where draws begin; the same seed gives the same text",
     .details = "N is a whole number from 0 to 18446744073709551615. \"random\" takes another seed each "
                "time; --json "
                "and -v print which.",
     .fallback = "0",
     .expected = "a whole number from 0 to 18446744073709551615, or 'random'",
     .set = set_seed},
};

}  // namespace

const OptionGroup kSamplingOptions{
    "How to choose a token (as typed, else as the model's generation_config.json says, else the default)",
    kSamplingRows};

}  // namespace continuo
