// The options of `continuo batch`; `continuo score` takes those of kBatchRunOptions as well.
#include "cli/option_setters.h"

namespace continuo {

namespace {

Result<void> set_shard(const OptionRow& row, Options& options, const std::string& value) {
  const std::size_t slash = value.find('/');
  if (slash == std::string::npos) return bad_value(row, value);
  CONTINUO_TRY(const auto shard, parse_number<std::uint64_t>(value.substr(0, slash), "--shard: I", row.expected));
  CONTINUO_TRY(const auto shards, parse_number<std::uint64_t>(value.substr(slash + 1), "--shard: N", row.expected));
  if (shard < 1 || shard > shards) return bad_value(row, value);
  options.batch.shard = shard - 1;
  options.batch.shards = shards;
  return {};
}

Result<void> set_format(const OptionRow& row, Options& options, const std::string& value) {
  constexpr std::pair<std::string_view, BatchFormat> kFormats[] = {
      {"jsonl", BatchFormat::jsonl}, {"text", BatchFormat::text}, {"csv", BatchFormat::csv}};
  for (const auto& [name, format] : kFormats) {
    if (value != name) continue;
    options.batch.format = format;
    return {};
  }
  return bad_value(row, value);
}

template <auto Member>
constexpr auto kTurnOn = turn_on<&Options::batch, Member>;

constexpr OptionRow kBatchRows[] = {
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "write answers to FILE (\"-\": stdout)",
     .details = "continuo refuses a FILE that already holds answers, unless --resume or --overwrite is given.",
     .fallback = "stdout",
     .expected = "a file, or - for stdout",
     .set = set_text<&Options::batch, &BatchOptions::out>},
    {.name = "resume",
     .help = "continue after the answers that FILE already holds",
     .details = "continuo keeps whole answers and cuts off a torn last line. The result equals what one "
                "uninterrupted run writes.",
     .set = kTurnOn<&BatchOptions::resume>},
    {.name = "overwrite",
     .help = "replace what FILE holds",
     .details = "The old contents are lost as soon as the run begins.",
     .set = kTurnOn<&BatchOptions::overwrite>},
    {.name = "format",
     .value = "FORMAT",
     .help = "format of requests and answers",
     .details = "jsonl: one JSON object per line. text: one prompt and one answer per line; answers write line "
                "breaks as \\n and \\r, and a backslash as \\\\. csv: tables with a header row.",
     .fallback = "jsonl",
     .choices = "jsonl,text,csv",
     .expected = "jsonl, text or csv",
     .set = set_format},
    {.name = "shard",
     .value = "I/N",
     .help = "answer only the I-th of every N requests",
     .details = "Line numbers, and with them ids and seeds, are those of the whole file, so N runs together give "
                "what one run gives.",
     .fallback = "1/1",
     .expected = "I/N with 1 <= I <= N, such as 2/8",
     .set = set_shard},
    {.name = "unordered",
     .help = "write answers as they finish, each with its request's line",
     .details = "By default answers come in the order of the requests.",
     .set = kTurnOn<&BatchOptions::unordered>},
    {.name = "fail-fast",
     .help = "stop at the first bad request instead of answering it with an error",
     .details = "The exit code is 1, and the message names the line.",
     .set = kTurnOn<&BatchOptions::fail_fast>},
    {.name = "max-line",
     .value = "BYTES",
     .help = "longest line or row of the input; longer ones are errors",
     .details = "BYTES is a whole number, optionally followed by K, M or G.",
     .fallback = "8M",
     .expected = "a number of bytes, such as 1048576, 64M or 2G",
     .set = set_bytes<&Options::batch, &BatchOptions::max_line>},
};

constexpr OptionRow kBatchAnswerRows[] = {
    {.name = "echo",
     .help = "begin each text with its prompt",
     .details = "A request's field echo takes precedence.",
     .set = turn_on<&Options::echo>},
    {.name = "logprobs",
     .value = "K",
     .help = "add the log-probability of each token and of the K likeliest ones",
     .details = "Answers get the field logprobs, as continuo --json --logprobs has it.",
     .expected = "a whole number >= 0",
     .set = set_number<&Options::logprobs>},
};

constexpr OptionRow kBatchRunRows[] = {
    {.name = "at-once",
     .letter = 'b',
     .value = "N",
     .help = "requests that run at the same time",
     .details = "More requests at once use the processor better and take more memory. The number never changes an "
                "answer.",
     .fallback = "32",
     .expected = "a whole number from 1 to 4096",
     .set = set_whole<1, 4096, &Options::batch, &BatchOptions::at_once>},
    {.name = "memory",
     .value = "BYTES",
     .help = "memory for running requests: keys and values, logits, samplers, texts",
     .details = "BYTES is a whole number, optionally followed by K, M or G. Weights and the buffers of a step do "
                "not count. By default a text that needs more memory runs alone.",
     .fallback = "a quarter of the machine's, at most 1G",
     .expected = "a number of bytes, such as 1048576, 64M or 2G",
     .set = set_bytes<&Options::batch, &BatchOptions::memory>},
    {.name = "step-tokens",
     .value = "N",
     .help = "largest number of tokens that one step computes",
     .details = "A long prompt takes several steps, and other requests continue in between.",
     .fallback = "512",
     .expected = "a whole number from 1 to 65536",
     .set = set_whole<1, 65536, &Options::batch, &BatchOptions::step_tokens>},
    {.name = "no-sharing",
     .help = "do not share the work on prompts that begin alike",
     .details = "By default a beginning that several prompts share is computed once. The answers are the same "
                "either way.",
     .set = kTurnOn<&BatchOptions::no_sharing>},
};

}  // namespace

const OptionGroup kBatchOptions{"Requests and answers", kBatchRows};
const OptionGroup kBatchAnswerOptions{"What answers say", kBatchAnswerRows};
const OptionGroup kBatchRunOptions{"How it runs (no answer depends on it)", kBatchRunRows};

}  // namespace continuo
