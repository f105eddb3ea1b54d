#include "cli/cli.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <vector>

#include "base/log.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"

namespace continuo {

namespace {

// ---- the commands ----

constexpr const FlagGroup* kContinueGroups[] = {&kModelFlags,  &kLookupFlags,   &kPromptFlags, &kIdsFlags,
                                                &kLengthFlags, &kSamplingFlags, &kAnswerFlags, &kGeneralFlags};
constexpr const FlagGroup* kBatchGroups[] = {&kModelFlags,    &kLookupFlags,      &kBatchFlags,    &kLengthFlags,
                                             &kSamplingFlags, &kBatchAnswerFlags, &kBatchRunFlags, &kGeneralFlags};
constexpr const FlagGroup* kScoreGroups[] = {&kModelFlags, &kPromptFlags, &kIdsFlags, &kScoreFlags,
                                             &kBatchRunFlags, &kGeneralFlags};
constexpr const FlagGroup* kTokenizeGroups[] = {&kModelFlags, &kPromptFlags, &kTokenizeFlags, &kGeneralFlags};
constexpr const FlagGroup* kExplainGroups[] = {&kModelFlags,   &kPromptFlags,   &kIdsFlags,
                                               &kExplainFlags, &kSamplingFlags, &kGeneralFlags};
constexpr const FlagGroup* kInspectGroups[] = {&kModelFlags, &kInspectFlags, &kGeneralFlags};
constexpr const FlagGroup* kBenchGroups[] = {&kModelFlags, &kBenchFlags, &kGeneralFlags};

constexpr const FlagGroup* kQuantizeGroups[] = {&kQuantizeFlags, &kGeneralFlags};

constexpr std::string_view kContinueNotes = R"(
Examples:
  continuo "Once upon a time"
  continuo -n 40 --stop . "The little red bird"      up to the first full stop
  echo "Once upon a time" | continuo --echo          prompt and continuation
  continuo -m ~/models/SmolLM2-135M --greedy -f prompt.txt
  continuo --json --logprobs 3 "Lily wanted a"
  continuo tokenize "One day" | continuo --ids -
  continuo -- tokenize                               continues the word "tokenize"

The prompt is taken byte for byte; several words are joined by single blanks. The one newline that ends stdin or a
file is dropped, unless --exact. stdout is the continuation and nothing else.

A command is one only as the first argument.

Exit codes: 0 done, 1 the answer could not be written, 2 wrong usage, 3 the model cannot be read or is not supported,
4 the prompt does not fit the context, 70 a bug of ours, 130 interrupted.
)";

constexpr std::string_view kBatchNotes = R"(
A line of the input is a JSON object with "prompt" or "prompt_ids", and what else it wants to say: id, max_tokens, stop,
ignore_eos, n, seed, logprobs, echo, stream, temperature, top_k, top_p, min_p, typical_p, repeat_penalty,
presence_penalty, frequency_penalty, logit_bias. What it does not say, the options above do. An answer is a line with id,
text, finish_reason, prompt_tokens, completion_tokens, seed, model; for n > 1 the texts are in choices. A bad line is
answered {"id": ..., "error": {"type", "message", "line"}}. A request without a seed draws with one of its own, made from
--seed and its id (or its line number, if it has none).

With --format csv the first row names the columns: the same fields but stream, prompt or prompt_ids among them. prompt_ids
are numbers with blanks between, stop is one string or a JSON array, logit_bias a JSON object. The columns of the answers
are id, row, index, n, text, finish_reason, ids, logprobs, prompt_tokens, completion_tokens, seed, model, error_type,
error; a request has a row for each of its n samples.

Examples:
  continuo batch prompts.jsonl -o answers.jsonl
  continuo batch prompts.jsonl -o answers.jsonl --resume      after a crash
  continuo batch --shard 2/8 prompts.jsonl -o part2.jsonl     one of eight machines
  continuo batch --format text -n 20 < prompts.txt
  continuo batch --format csv prompts.csv -o answers.csv

Exit codes: 0 done, 1 some requests failed or the answers could not be written, and as continuo --help says.
)";

constexpr std::string_view kScoreNotes = R"(
One line a token: id, piece, log-probability (natural logarithm; "-" for the first, which nothing stands before), with
tabs between; then a line that begins with # and sums up. Bits per byte count the bytes that the scored tokens spell.

With --jsonl a line is a record: {"text"}, {"prompt", "completion"} or {"prompt", "choices", "answer"}, where answer is the
number of the right choice, from 0; an id may be added. Its answer has the log-probability of the text (completion,
choice), its tokens and bytes, and whether it is the greedy continuation. Choices are ranked by the log-probability itself
(raw), divided by tokens or bytes, and less that of the choice without the prompt (unconditional).

Examples:
  continuo score "Once upon a time"
  continuo score --json -f story.txt
  continuo score --stride 256 -f book.txt | tail -1           perplexity of a long text
  continuo score --jsonl --summary -f questions.jsonl         accuracy, perplexity
  continuo score --ids --json --last-logits "1 403 407"
)";

constexpr std::string_view kTokenizeNotes = R"(
Prints the ids that a prompt of this text becomes, on one line. A folder with tokenizer.json alone will do.

Examples:
  continuo tokenize "Once upon a time"
  continuo tokenize --pieces "Once upon a time"
  continuo tokenize --decode "403 407"
)";

constexpr std::string_view kExplainNotes = R"(
Views, in the order of a walk through the network: tokens, embedding, positions, attention, stack, lens, output, text,
cost. Layers, heads and positions count from 0. A text of more than 128 tokens is drawn through a window: --from, --to.

Examples:
  continuo explain "Once upon a time there was a cat. The cat"
  continuo explain --view attention --layer 2 --head 1 "Once upon a time"
  continuo explain --html page.html --lang zh-Hant "Once upon a time"      open page.html in a browser
  continuo explain -n 20 --view text,lens "Once upon a time"               what it writes, and how sure it was
  continuo explain --json "Once upon a time" | jq .layers[0].attention.heads[0].weights
  continuo explain --dump 0.1 --dump hidden.2 "Once upon a time"           attention.0.1.npy, hidden.2.npy
)";

constexpr std::string_view kInspectNotes = R"(
Examples:
  continuo inspect
  continuo inspect -m ~/models/SmolLM2-135M --tensors
)";

constexpr std::string_view kBenchNotes = R"(
Measures the speed of reading a prompt and of generating, the bytes of weights that generating reads per second, and
the share of that in the memory bandwidth measured in the same run by as many threads.

Examples:
  continuo bench
  continuo bench -m ~/models/SmolLM2-135M -t 2 -p 128 -n 64 --json
)";

constexpr std::string_view kQuantizeNotes = R"(
IN is a folder or a GGUF file. Matrices are stored in FORMAT; vectors, routers and learned positions stay f32. Rows that
are no whole blocks of FORMAT get a format of smaller blocks, and stderr says so. OUT.gguf appears when it is complete.

Examples:
  continuo quantize ~/models/SmolLM2-135M smollm2-q8_0.gguf --to q8_0
  continuo quantize smollm2-f16.gguf smollm2-q4_k.gguf --to q4_k
)";

constexpr Command kCommands[] = {
    {"", "[OPTION]... [PROMPT]...",
     "Continues a text. Without PROMPT, or where PROMPT is \"-\", stdin is read.", kContinueGroups,
     kContinueNotes, true, run_continue},
    {"batch", "[OPTION]... [IN.jsonl]", "many requests, a line each, to as many answers", kBatchGroups, kBatchNotes, true,
     run_batch},
    {"score", "[OPTION]... [TEXT]...", "log-probability of each token of a text, perplexity", kScoreGroups,
     kScoreNotes, true, run_score},
    {"tokenize", "[OPTION]... [TEXT]...", "text to token ids and pieces, and back", kTokenizeGroups,
     kTokenizeNotes, true, run_tokenize},
    {"explain", "[OPTION]... [TEXT]...", "what happens inside, drawn", kExplainGroups, kExplainNotes, true,
     run_explain},
    {"inspect", "[OPTION]...", "what the model is, layer by layer", kInspectGroups, kInspectNotes, false,
     run_inspect},
    {"bench", "[OPTION]...", "how fast it runs here", kBenchGroups, kBenchNotes, false, run_bench},
    {"quantize", "IN OUT.gguf --to FORMAT", "write a model as GGUF, in another number format", kQuantizeGroups,
     kQuantizeNotes, true, run_quantize},
};

std::string help(const Command& command) {
  const bool unnamed = command.name.empty();
  std::string out =
      fmt::format("Usage: continuo {}{}{}\n", command.name, unnamed ? "" : " ", command.synopsis);
  if (unnamed) {
    for (const Command& other : kCommands) {
      if (!other.name.empty())
        out += fmt::format("       continuo {:<9} {:<21} {}\n", other.name, other.synopsis, other.summary);
    }
    out += fmt::format("\n{} \"continuo COMMAND --help\" tells more of a command.\n", command.summary);
  } else {
    out += fmt::format("\n{}{}.\n", static_cast<char>(command.summary[0] & ~0x20), command.summary.substr(1));
  }
  out += describe(command.flags);
  out += command.notes;
  return out;
}

Result<void> run(const Command& command, std::span<const std::string> arguments) {
  CONTINUO_TRY(const Options options, parse_options(arguments, command.flags));
  if (options.help) return print(help(command));
  if (options.version) return print("continuo " CONTINUO_VERSION "\n");
  if (!options.words.empty() && !command.takes_words) {
    return usage_error(
        fmt::format("'{}' is not an option of continuo {}", options.words.front(), command.name));
  }
  set_up_logging(options.verbosity);
  return command.run(options);
}

}  // namespace

int run_command_line(int argc, char** argv) {
  set_up_descriptors();
  set_up_logging(0);
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i)
    arguments.emplace_back(argv[i]);
  const Command* command = &kCommands[0];
  for (const Command& candidate : kCommands) {
    if (!arguments.empty() && !candidate.name.empty() && arguments[0] == candidate.name) command = &candidate;
  }
  const bool named = !command->name.empty();
  const auto result = run(*command, std::span<const std::string>(arguments).subspan(named ? 1 : 0));
  if (result) return 0;
  if (result.error().kind != ErrorKind::interrupted) spdlog::error("{}", result.error().message());
  return exit_code(result.error().kind);
}

}  // namespace continuo
