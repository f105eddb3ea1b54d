// The options of the smaller commands: tokenize, score, inspect, bench, quantize.
#include <fmt/format.h>

#include <algorithm>

#include "cli/option_setters.h"
#include "requests/token_ids.h"

namespace continuo {

namespace {

Result<void> set_token_types(const OptionRow& row, Options& options, const std::string& value) {
  const auto types = parse_ids(value);
  const auto is_type = [](TokenId type) { return type >= 0 && type <= 255; };
  if (!types || types->empty() || !std::all_of(types->begin(), types->end(), is_type)) {
    return usage_error(fmt::format("--{} is '{}', expected {}", row.name, value, row.expected));
  }
  options.token_types = *types;
  return {};
}

constexpr OptionRow kTokenizeRows[] = {
    {.name = "decode",
     .help = "take the text as token ids, and print what they spell",
     .details = "Blanks, line ends or commas separate the ids.",
     .set = turn_on<&Options::decode>},
    {.name = "no-special",
     .help = "do not add special tokens such as BOS; with --decode: leave them out",
     .details = "By default the ids are exactly those that the model would see.",
     .set = turn_on<&Options::no_special>},
    {.name = "pieces",
     .help = "print one token per line: id, tab, piece",
     .details = "Pieces are printed as the vocabulary spells them, with control characters escaped.",
     .set = turn_on<&Options::pieces>},
    {.name = "json",
     .help = "print one JSON object",
     .details = "Its fields are ids and pieces; with --decode ids and text.",
     .set = turn_on<&Options::json>},
};

constexpr OptionRow kMaskIdRow = {.name = "mask-id",
                                  .value = "ID",
                                  .help = "id of an encoder's mask token",
                                  .details = "It is needed if the model's files name no mask token.",
                                  .expected = "a token id",
                                  .set = set_whole<0, 2147483647, &Options::mask_id>};

constexpr OptionRow kTokenTypesRow = {
    .name = "token-types",
    .value = "LIST",
    .help = "with --ids: the token type (segment) of each id, as BERT numbers them",
    .details = "One number for each id, separated by blanks or commas. The default is 0 for all.",
    .expected = "numbers from 0 to 255",
    .set = set_token_types};

constexpr OptionRow kScoreRows[] = {
    {.name = "json",
     .help = "print one JSON object",
     .details = "Its fields are ids, logprobs (the first is null, because nothing comes before it), sum, "
                "perplexity, model, and, unless the input is ids, bits_per_byte. Of an encoder they are ids, "
                "masked_logprobs, pseudo_log_likelihood, pseudo_perplexity and model.",
     .set = turn_on<&Options::json>},
    {.name = "stride",
     .value = "N",
     .help = "score a text longer than the context in windows that begin N tokens apart",
     .details = "Each token is scored in the first window that contains it.",
     .expected = "a whole number >= 1",
     .set = set_number<&Options::score, &ScoreOptions::stride>},
    {.name = "window",
     .value = "N",
     .help = "with --stride: number of tokens in a window",
     .details = "A smaller window is faster, but gives each token less context.",
     .fallback = "the context",
     .expected = "a whole number >= 2",
     .set = set_number<&Options::score, &ScoreOptions::window>},
    {.name = "jsonl",
     .help = "read and write records, one JSON object per line",
     .details = "A record is {\"text\"}, {\"prompt\", \"completion\"} or {\"prompt\", \"choices\", \"answer\"}, and "
                "may have an id.",
     .set = turn_on<&Options::score, &ScoreOptions::jsonl>},
    {.name = "summary",
     .help = "with --jsonl: print one object for all records, after the errors",
     .details = "It holds the accuracy and the perplexity over all records.",
     .set = turn_on<&Options::score, &ScoreOptions::summary>},
    {.name = "last-logits",
     .help = "with --json: add last_logits, the scores after the last token",
     .details = "One number for each token of the vocabulary, before any softmax.",
     .set = turn_on<&Options::last_logits>},
    kMaskIdRow,
    kTokenTypesRow,
};

Result<void> set_pooling(const OptionRow& row, Options& options, const std::string& value) {
  constexpr std::pair<std::string_view, Pooling> kKinds[] = {
      {"mean", Pooling::mean}, {"cls", Pooling::cls}, {"last", Pooling::last}};
  for (const auto& [name, pooling] : kKinds) {
    if (value != name) continue;
    options.embed.pooling = pooling;
    return {};
  }
  return usage_error(fmt::format("--{} is '{}', expected {}", row.name, value, row.expected));
}

Result<void> set_npy(const OptionRow& row, Options& options, const std::string& value) {
  if (!value.ends_with(".npy") || value == ".npy" || value.ends_with("/.npy")) {
    return usage_error(fmt::format("--{} is '{}', expected {}", row.name, value, row.expected),
                       "without it vectors go to stdout as text");
  }
  options.embed.out = value;
  return {};
}

constexpr OptionRow kEmbedRows[] = {
    {.name = "pooling",
     .value = "mean|cls|last",
     .help = "how hidden states become one vector",
     .details = "The mean of all tokens, the first token, or the last one.",
     .fallback = "as the model's folder says",
     .expected = "mean, cls or last",
     .set = set_pooling},
    {.name = "normalize",
     .help = "divide the vector by its length",
     .details = "A folder whose modules.json asks for normalization gets it without this option, unless --pooling "
                "is given.",
     .set = turn_on<&Options::embed, &EmbedOptions::normalize>},
    {.name = "jsonl",
     .help = "read and write records, one JSON object per line",
     .details = "A record is {\"text\"}, and may have an id.",
     .set = turn_on<&Options::embed, &EmbedOptions::jsonl>},
    {.name = "output",
     .letter = 'o',
     .value = "FILE.npy",
     .help = "write the vectors to FILE.npy, a matrix for NumPy with a row for each text",
     .details = "The numbers are little-endian float32. FILE.npy appears only when it is complete; a record that fails "
                "ends the run, because each row stands for a record.",
     .fallback = "text on stdout",
     .expected = "a file whose name ends in .npy",
     .set = set_npy},
    {.name = "truncate",
     .value = "N",
     .help = "cut texts to N tokens, special tokens included; 0: a text that is too long is an error",
     .details = "What is cut is said on stderr and in the answers.",
     .fallback = "as the model's folder says (max_seq_length), else 0",
     .expected = "a whole number >= 0",
     .set = set_whole<0, 2147483647, &Options::embed, &EmbedOptions::truncate>},
    {.name = "json",
     .help = "print one JSON object",
     .details = "Its fields are embedding, tokens and model.",
     .set = turn_on<&Options::json>},
};

constexpr OptionRow kFillRows[] = {
    {.name = "top",
     .letter = 'k',
     .value = "N",
     .help = "guesses for each mask",
     .details = "The likeliest piece comes first; among equals, the one with the lowest id.",
     .fallback = "5",
     .expected = "a whole number from 1 to 1000000",
     .set = set_whole<1, 1000000, &Options::fill, &FillOptions::top>},
    {.name = "mask",
     .value = "TEXT",
     .help = "the text that marks a mask",
     .details = "TEXT becomes the model's own mask token. Without this option that token's name stands for it, such as "
                "[MASK] or <mask>.",
     .expected = "a text",
     .set = set_text<&Options::fill, &FillOptions::mask>},
    kMaskIdRow,
    kTokenTypesRow,
    {.name = "one-by-one",
     .help = "fill in one mask after another, the surest first",
     .details = "Each guess then sees the likeliest pieces in place of the masks already filled. Masks are listed "
                "in the order in which they are filled.",
     .set = turn_on<&Options::fill, &FillOptions::one_by_one>},
    {.name = "json",
     .help = "print one JSON object",
     .details = "Its fields are masks, a list of objects with position, ids, pieces and logprobs, and model.",
     .set = turn_on<&Options::json>},
};

constexpr OptionRow kInspectRows[] = {
    {.name = "memory",
     .value = "BYTES",
     .help = "show how much a batch with this memory can hold",
     .details = "BYTES is a whole number, optionally followed by K, M or G.",
     .fallback = "a quarter of the machine's, at most 1G",
     .expected = "a number of bytes, such as 1048576, 64M or 2G",
     .set = set_bytes<&Options::batch, &BatchOptions::memory>},
    {.name = "tensors",
     .help = "list every tensor of the files and its role",
     .details = "One line per tensor: name, format, shape, role.",
     .set = turn_on<&Options::tensors>},
    {.name = "families",
     .help = "list the model families that run; needs no model",
     .details = "One line per family: well-known models, the model_type in config.json, the architecture in GGUF "
                "files.",
     .set = turn_on<&Options::families>},
    {.name = "json",
     .help = "print one JSON object",
     .details = "It holds the same facts as the text.",
     .set = turn_on<&Options::json>},
};

constexpr OptionRow kBenchRows[] = {
    {.name = "prompt-tokens",
     .letter = 'p',
     .aliases = "n-prompt",
     .value = "N",
     .help = "tokens of the prompt",
     .details = "The prompt's tokens are made up, because they do not matter for speed.",
     .fallback = "512, or half the context if that is less",
     .expected = "a whole number >= 1",
     .set = set_number<&Options::bench_prompt>},
    {.name = "max-tokens",
     .letter = 'n',
     .aliases = "n-gen",
     .value = "N",
     .help = "tokens to generate",
     .details = "They are generated one by one, after the prompt.",
     .fallback = "128, or what is left of the context",
     .expected = "a whole number >= 2",
     .set = set_number<&Options::bench_tokens>},
    {.name = "kernels",
     .value = "NAME",
     .help = "instruction set to use",
     .details = "Names are those of the kernel tables, from avx3_amx to reference.",
     .fallback = "the best that runs here",
     .choices = "avx3_amx,avx3_vnni,avx3,avx2,sse4,reference",
     .expected = "a kernel table's name",
     .set = set_text<&Options::kernels>},
    {.name = "repeat",
     .aliases = "repetitions,r",
     .value = "N",
     .help = "number of runs; the median counts",
     .details = "The model is loaded once.",
     .fallback = "5",
     .expected = "a whole number from 1 to 10000",
     .set = set_whole<1, 10000, &Options::bench_repeat>},
    {.name = "json",
     .help = "print one JSON object",
     .details = "It holds the same facts as the text.",
     .set = turn_on<&Options::json>},
};

constexpr OptionRow kQuantizeRows[] = {
    {.name = "to",
     .value = "FORMAT",
     .help = "number format of the matrices, or a mixture by its name in capitals",
     .details = "With a format, \"q4_k\", every matrix has it. A mixture, \"Q4_K_M\", gives more bits to matrices that "
                "matter more, as llama-quantize does. src/quant/README.md says what each format costs.",
     .choices = "f32,f16,bf16,q8_0,q6_k,q5_k,q5_1,q5_0,q4_k,q4_1,q4_0,iq4_nl,iq4_xs,mxfp4,nvfp4,q3_k,iq3_s,"
                "iq3_xxs,q2_k,iq2_s,iq2_xs,iq2_xxs,iq1_m,iq1_s,tq2_0,tq1_0,F32,F16,BF16,Q8_0,Q6_K,Q5_K_M,Q5_K_S,"
                "Q5_1,Q5_0,Q4_K_M,Q4_K_S,IQ4_NL,IQ4_XS,Q4_1,Q4_0,Q3_K_L,Q3_K_M,Q3_K_S,IQ3_M,IQ3_S,IQ3_XS,"
                "IQ3_XXS,Q2_K,Q2_K_S,IQ2_M,IQ2_S,IQ2_XS,IQ2_XXS,IQ1_M,IQ1_S,TQ2_0,TQ1_0",
     .expected = "a number format or a mixture",
     .set = set_text<&Options::to_format>},
    {.name = "imatrix",
     .value = "FILE",
     .help = "importance matrix: errors count by what goes into the matrices",
     .details = "FILE is one that continuo imatrix or llama-imatrix wrote for the same model.",
     .expected = "a GGUF file",
     .set = set_text<&Options::imatrix, &ImatrixOptions::file>},
};

constexpr OptionRow kImatrixRows[] = {
    {.name = "output",
     .letter = 'o',
     .value = "FILE",
     .help = "write the importance matrix to FILE, in the format GGUF",
     .details = "FILE appears only when it is complete.",
     .expected = "a file",
     .set = set_text<&Options::imatrix, &ImatrixOptions::file>},
    {.name = "chunk-size",
     .value = "N",
     .help = "cut the text into chunks of N tokens; each is read by itself",
     .details = "A last chunk that is shorter is read as well.",
     .fallback = "512",
     .expected = "a whole number from 1 to 1048576",
     .set = set_whole<1, 1048576, &Options::imatrix, &ImatrixOptions::chunk>},
    {.name = "chunks",
     .value = "N",
     .help = "read N chunks at most",
     .details = "What is left of the text is ignored.",
     .fallback = "all",
     .expected = "a whole number from 1 to 1048576",
     .set = set_whole<1, 1048576, &Options::imatrix, &ImatrixOptions::chunks>},
};

constexpr OptionRow kPullRows[] = {
    {.name = "include",
     .value = "GLOB",
     .help = "fetch the files that GLOB matches, and no others",
     .details = "* stands for any characters, slashes included, ? for one, and a name that ends in / for all files of "
                "that folder. Several --include options fetch what any of them matches. A repository with several GGUF "
                "files needs it.",
     .fallback = "what continuo reads",
     .expected = "a file name or a pattern",
     .repeatable = true,
     .set = add_text<&Options::pull, &PullOptions::include>},
};

}  // namespace

const OptionGroup kPullOptions{"Files", kPullRows};
const OptionGroup kTokenizeOptions{"Answer", kTokenizeRows};
const OptionGroup kEmbedOptions{"Vector", kEmbedRows};
const OptionGroup kFillOptions{"Guesses", kFillRows};
const OptionGroup kScoreOptions{"Answer", kScoreRows};
const OptionGroup kInspectOptions{"Answer", kInspectRows};
const OptionGroup kBenchOptions{"Measurement", kBenchRows};
const OptionGroup kQuantizeOptions{"Result", kQuantizeRows};
const OptionGroup kImatrixOptions{"Result", kImatrixRows};

}  // namespace continuo
