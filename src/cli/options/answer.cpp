// What the answer of `continuo` looks like.
#include "cli/option_setters.h"

namespace continuo {

namespace {

constexpr OptionRow kAnswerRows[] = {
    {.name = "echo",
     .help = "print the prompt first",
     .details = "The prompt is printed byte for byte, before the continuation.",
     .set = turn_on<&Options::echo>},
    {.name = "json",
     .help = "print one JSON object",
     .details =
         "Its fields are text, finish_reason (stop, length, eos, context, repetition or interrupted), prompt_tokens, "
         "completion_tokens, seed and model; with --ids also ids, with --logprobs also logprobs.",
     .set = turn_on<&Options::json>},
    {.name = "logprobs",
     .value = "K",
     .help = "with --json: add the log-probability of each token and of the K likeliest ones",
     .details = "The field logprobs has tokens, token_logprobs and top_logprobs. The values are the model's own, "
                "before any sampling option.",
     .expected = "a whole number >= 0",
     .set = set_number<&Options::logprobs>},
    {.name = "logprob-token-id",
     .value = "ID",
     .help = "with --json: add the log-probability of token ID at every position",
     .details = "ID may be several ids separated by commas, and the option may be repeated. The values are in "
                "logprobs, as token_id_logprobs. They are useful for classification.",
     .expected = "a token id",
     .repeatable = true,
     .set = add_token_ids<&Options::logprob_token_ids>},
};

}  // namespace

const OptionGroup kAnswerOptions{"Answer", kAnswerRows};

}  // namespace continuo
