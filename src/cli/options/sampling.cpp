// How a token is chosen.
#include <random>

#include "cli/option_setters.h"

namespace continuo {

namespace {

template <auto Member>
constexpr auto kSetSampling = set_number<&Options::sampling, Member>;

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
  CONTINUO_TRY(entry.token,
               parse_number<TokenId>(value.substr(0, colon), "--logit-bias: the token", "a token id"));
  CONTINUO_TRY(entry.bias,
               parse_number<float>(value.substr(colon + 1), "--logit-bias: the bias", "a number"));
  options.sampling.logit_bias.push_back(entry);
  return {};
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
     .details =
         "Positive scores are divided by X, negative ones multiplied. Keskar et al. 2019, arXiv:1909.05858.",
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
