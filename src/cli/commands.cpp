// The table of commands.
#include "cli/command.h"

namespace continuo {

namespace {

constexpr const OptionGroup* kContinueGroups[] = {
    &kModelOptions,      &kLookupOptions,   &kPromptOptions, &kIdsOptions,     &kLengthOptions,
    &kConstraintOptions, &kSamplingOptions, &kAnswerOptions, &kGeneralOptions, &kManualOptions};
constexpr const OptionGroup* kBatchGroups[] = {&kModelOptions,       &kLookupOptions,     &kBatchOptions,
                                               &kLengthOptions,      &kConstraintOptions, &kSamplingOptions,
                                               &kBatchAnswerOptions, &kBatchRunOptions,   &kGeneralOptions};
constexpr const OptionGroup* kScoreGroups[] = {&kModelOptions, &kPromptOptions,   &kIdsOptions,
                                               &kScoreOptions, &kBatchRunOptions, &kGeneralOptions};
constexpr const OptionGroup* kFillGroups[] = {&kModelOptions, &kPromptOptions, &kIdsOptions, &kFillOptions,
                                              &kGeneralOptions};
constexpr const OptionGroup* kEmbedGroups[] = {&kModelOptions, &kPromptOptions, &kIdsOptions, &kEmbedOptions,
                                               &kGeneralOptions};
constexpr const OptionGroup* kServeGroups[] = {&kModelOptions,      &kLookupOptions, &kServeOptions,
                                               &kServeLimitOptions, &kLengthOptions, &kSamplingOptions,
                                               &kBatchRunOptions,   &kGeneralOptions};
constexpr const OptionGroup* kTokenizeGroups[] = {&kModelOptions, &kPromptOptions, &kTokenizeOptions, &kGeneralOptions};
constexpr const OptionGroup* kExplainGroups[] = {&kModelOptions,   &kPromptOptions,   &kIdsOptions,
                                                 &kExplainOptions, &kSamplingOptions, &kGeneralOptions};
constexpr const OptionGroup* kInspectGroups[] = {&kModelOptions, &kInspectOptions, &kGeneralOptions};
constexpr const OptionGroup* kBenchGroups[] = {&kModelOptions, &kBenchOptions, &kGeneralOptions};
constexpr const OptionGroup* kQuantizeGroups[] = {&kQuantizeOptions, &kGeneralOptions};
constexpr const OptionGroup* kCompletionsGroups[] = {&kGeneralOptions};

constexpr Command kCommands[] = {
    {.name = "",
     .synopsis = "[OPTION]... [PROMPT]...",
     .summary = "continues a text; without PROMPT, or where PROMPT is \"-\", stdin is read",
     .groups = kContinueGroups,
     .description =
         "The prompt is taken byte for byte; several words are joined by single blanks. The one newline that "
         "ends stdin "
         "or a file is dropped, unless --exact is given. stdout is the continuation and nothing else.\n\n"
         "Text that is piped or redirected to continuo beside a PROMPT, which would be ignored, is an error: { printf %s "
         "PROMPT; cat; } | continuo joins both. A stdin that continuo only inherits, inside a loop of while read for "
         "example, is left alone.\n\n"
         "A command is one only as the first argument: \"continuo -- tokenize\" continues the word "
         "\"tokenize\".",
     .examples = R"(  continuo "Once upon a time"
  continuo -n 40 --stop . "The little red bird"      up to the first full stop
  echo "Once upon a time" | continuo --echo          prompt and continuation
  continuo -m ~/models/SmolLM2-135M --greedy -f prompt.txt
  continuo --json --logprobs 3 "Lily wanted a"
  continuo tokenize "One day" | continuo --ids -     ids in, ids out
)",
     .words = Words::text,
     .run = run_continue},
    {.name = "batch",
     .synopsis = "[OPTION]... [IN.jsonl]",
     .summary = "answers many requests, a line each",
     .groups = kBatchGroups,
     .description =
         "A line of the input is a JSON object with \"prompt\" or \"prompt_ids\", and what else it wants to "
         "say: id, "
         "max_tokens, stop, ignore_eos, n, best_of, seed, logprobs, echo, stream, temperature, top_k, top_p, min_p, "
         "typical_p, "
         "repeat_penalty, presence_penalty, frequency_penalty, logit_bias. What it does not say, the options "
         "above do. "
         "An answer is a line with id, text, finish_reason, prompt_tokens, completion_tokens, seed, model; "
         "for n > 1 the "
         "texts are in choices. A bad line is answered {\"id\": ..., \"error\": {\"type\", \"message\", "
         "\"line\"}}. A "
         "request without a seed draws with one of its own, made from --seed and its id (or its line number, "
         "if it has "
         "none).\n\n"
         "With --format csv the first row names the columns: the same fields but stream, prompt or "
         "prompt_ids among "
         "them. prompt_ids are numbers with blanks between, stop is one string or a JSON array, logit_bias a "
         "JSON object. "
         "The columns of the answers are id, row, index, n, text, finish_reason, ids, logprobs, "
         "prompt_tokens, "
         "completion_tokens, seed, model, error_type, error; a request has a row for each of its n samples.",
     .examples = R"(  continuo batch prompts.jsonl -o answers.jsonl
  continuo batch prompts.jsonl -o answers.jsonl --resume      after a crash
  continuo batch --shard 2/8 prompts.jsonl -o part2.jsonl     one of eight machines
  continuo batch --format text -n 20 < prompts.txt
  continuo batch --format csv prompts.csv -o answers.csv
)",
     .words = Words::file,
     .run = run_batch},
    {.name = "score",
     .synopsis = "[OPTION]... [TEXT]...",
     .summary = "prints the log-probability of each token of a text, and its perplexity",
     .groups = kScoreGroups,
     .description = "One line a token: id, piece, log-probability (natural logarithm; \"-\" for the first, "
                    "which nothing stands "
                    "before), with tabs between; then a line that begins with # and sums up. Bits per byte "
                    "count the bytes that the "
                    "scored tokens spell.\n\n"
                    "With --jsonl a line is a record: {\"text\"}, {\"prompt\", \"completion\"} or "
                    "{\"prompt\", \"choices\", "
                    "\"answer\"}, where answer is the number of the right choice, from 0; an id may be "
                    "added. Its answer has the "
                    "log-probability of the text (completion, choice), its tokens and bytes, and whether it "
                    "is the greedy "
                    "continuation. Choices are ranked by the log-probability itself (raw), divided by tokens "
                    "or bytes, and less that "
                    "of the choice without the prompt (unconditional).",
     .examples = R"(  continuo score "Once upon a time"
  continuo score --json -f story.txt
  continuo score --stride 256 -f book.txt | tail -1           perplexity of a long text
  continuo score --jsonl --summary -f questions.jsonl         accuracy, perplexity
  continuo score --ids --json --last-logits "1 403 407"
)",
     .words = Words::text,
     .run = run_score},
    {.name = "embed",
     .synopsis = "[OPTION]... [TEXT]...",
     .summary = "makes a vector of a text, or of many",
     .groups = kEmbedGroups,
     .description =
         "The vector is the mean of the last hidden states, or that of the first or the last token: as the folder of a sentence "
         "embedder says (modules.json, 1_Pooling/config.json), otherwise the mean for encoders and the last token for decoders. "
         "With --jsonl a line is a record, {\"text\"} and perhaps an id, and its answer has embedding and tokens.",
     .examples = R"(  continuo embed -m ~/models/all-MiniLM-L6-v2 "A cat sat on the mat."
  continuo embed -m ~/models/all-MiniLM-L6-v2 --jsonl < texts.jsonl > vectors.jsonl
  continuo embed -m HuggingFaceTB/SmolLM2-135M --pooling mean --normalize --json "A cat sat on the mat."
)",
     .words = Words::text,
     .run = run_embed},
    {.name = "fill",
     .synopsis = "[OPTION]... [TEXT]...",
     .summary = "guesses the masked words of a text, with an encoder such as BERT",
     .groups = kFillGroups,
     .description =
         "An encoder sees the words on both sides of a mask. For each mask, the likeliest pieces are printed, a line each: the "
         "position of the mask (from 0, counted in tokens), the probability, and the piece, with tabs between. Several masks are "
         "guessed at once, each as if the others stayed masked, or with --one-by-one each with those before it filled in.",
     .examples = R"(  continuo fill -m ~/models/bert-base-uncased "The capital of France is [MASK]."
  continuo fill -m ~/models/roberta-base --mask ___ "The capital of France is ___."
  continuo fill -m ~/models/bert-base-uncased --json --top 3 "[MASK] [MASK] is in Paris."
  continuo fill -m tiny --ids --mask-id 103 --json "101 1996 103 102"
)",
     .words = Words::text,
     .run = run_fill},
    {.name = "serve",
     .synopsis = "[OPTION]...",
     .summary = "answers completions over HTTP, as OpenAI's API has them",
     .groups = kServeGroups,
     .description =
         "POST /v1/completions takes the fields of a batch request and those of OpenAI's API: prompt is a text, a list of texts, "
         "token ids, or a list of those; with stream the answer comes as server-sent events; with echo and logprobs the prompt's "
         "own log-probabilities come with it. What a request does not say, the options above do: the same request gives the same "
         "text as the command line, whatever else is asked meanwhile. GET /v1/models, POST /tokenize and /detokenize, "
         "GET /tokenizer_info, /health and /metrics (for Prometheus) are there as well.\n\n"
         "When the server listens, its address is printed on stdout. At SIGTERM or Ctrl-C it finishes what it has begun.",
     .examples = R"(  continuo serve
  continuo serve --port 9000 -m ~/models/SmolLM2-135M --at-once 64
  continuo serve --host 0.0.0.0 --api-key keys.txt
  curl http://127.0.0.1:8080/v1/completions -d '{"prompt": "Once upon a time", "max_tokens": 20}'
)",
     .words = Words::none,
     .run = run_serve},
    {.name = "tokenize",
     .synopsis = "[OPTION]... [TEXT]...",
     .summary = "turns text into token ids and pieces, and back",
     .groups = kTokenizeGroups,
     .description =
         "Prints the ids that a prompt of this text becomes, on one line. A folder with tokenizer.json alone "
         "will do.",
     .examples = R"(  continuo tokenize "Once upon a time"
  continuo tokenize --pieces "Once upon a time"
  continuo tokenize --decode "403 407"
)",
     .words = Words::text,
     .run = run_tokenize},
    {.name = "explain",
     .synopsis = "[OPTION]... [TEXT]...",
     .summary = "draws what happens inside the model",
     .groups = kExplainGroups,
     .description =
         "Views, in the order of a walk through the network: tokens, embedding, positions, attention, memory, "
         "stack, lens, output, text, cost. Layers, heads and positions count from 0. A text of more than 128 tokens "
         "is drawn through a window: --from, --to.",
     .examples = R"(  continuo explain "Once upon a time there was a cat. The cat"
  continuo explain --view attention --layer 2 --head 1 "Once upon a time"
  continuo explain --html page.html --lang zh-Hant "Once upon a time"      open page.html in a browser
  continuo explain -n 20 --view text,lens "Once upon a time"               what it writes, and how sure it was
  continuo explain --json "Once upon a time" | jq .layers[0].attention.heads[0].weights
  continuo explain --dump 0.1 --dump hidden.2 "Once upon a time"           attention.0.1.npy, hidden.2.npy
)",
     .words = Words::text,
     .run = run_explain},
    {.name = "inspect",
     .synopsis = "[OPTION]...",
     .summary = "shows what the model is, layer by layer",
     .groups = kInspectGroups,
     .description = "It shows what the files hold even where the model is not supported.",
     .examples = R"(  continuo inspect
  continuo inspect -m ~/models/SmolLM2-135M --tensors
  continuo inspect --families                                              which models run
  continuo inspect -m ~/models/mamba-130m --memory 256M      what a batch keeps in so much memory
)",
     .words = Words::none,
     .run = run_inspect},
    {.name = "bench",
     .synopsis = "[OPTION]...",
     .summary = "measures how fast the model runs here",
     .groups = kBenchGroups,
     .description = "Measures the speed of reading a prompt and of generating, the bytes of weights that generating "
                    "reads "
                    "per second, and the share of that in the memory bandwidth measured in the same run by as many "
                    "threads.",
     .examples = R"(  continuo bench
  continuo bench -m ~/models/SmolLM2-135M -t 2 -p 128 -n 64 --json
)",
     .words = Words::none,
     .run = run_bench},
    {.name = "quantize",
     .synopsis = "IN OUT.gguf --to FORMAT",
     .summary = "writes a model as GGUF, in another number format",
     .groups = kQuantizeGroups,
     .description = "IN is a folder or a GGUF file. Matrices are stored in FORMAT; vectors, routers and learned "
                    "positions "
                    "stay f32. Rows that are no whole blocks of FORMAT get a format of smaller blocks, and stderr says "
                    "so. OUT.gguf appears when it is complete.",
     .examples = R"(  continuo quantize ~/models/SmolLM2-135M smollm2-q8_0.gguf --to q8_0
  continuo quantize smollm2-f16.gguf smollm2-q4_k.gguf --to q4_k
)",
     .words = Words::files,
     .run = run_quantize},
    {.name = "completions",
     .synopsis = "bash|zsh|fish",
     .summary = "prints what a shell needs to complete the options of continuo",
     .groups = kCompletionsGroups,
     .description = "bash: source the script, for example from ~/.bashrc. zsh: put it as _continuo into a "
                    "folder of $fpath. "
                    "fish: put it as continuo.fish into ~/.config/fish/completions.",
     .examples = R"(  source <(continuo completions bash)
  continuo completions zsh > ~/.zfunc/_continuo
  continuo completions fish > ~/.config/fish/completions/continuo.fish
)",
     .words = Words::shell,
     .run = run_completions},
};

constexpr Explained kExitCodes[] = {
    {"0", "done; also when the reader of stdout went away"},
    {"1", "the answer could not be written, or some requests of a batch failed"},
    {"2", "wrong usage: an option, an id or a file that cannot be meant"},
    {"3", "the model cannot be read or is not supported"},
    {"4", "the prompt does not fit the model's context"},
    {"70", "a bug of ours"},
    {"130", "interrupted; what was certain is printed"},
};

constexpr Explained kEnvironment[] = {
    {"CONTINUO_MODEL", "the model, where --model is not given"},
    {"XDG_CONFIG_HOME", "where continuo/config.toml is; default: ~/.config"},
    {"HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME", "where the Hugging Face cache is; default: ~/.cache/huggingface/hub"},
    {"NO_COLOR", "if it is set and not empty, nothing is coloured"},
};

constexpr std::string_view kConfiguration =
    "The configuration file. A line is KEY = VALUE, where KEY is the long name of an option and VALUE a string in quotes, a "
    "number, true, false, or an array of them in brackets; # begins a comment. Lines before the first section and those of "
    "[default] always hold, those of a section [NAME] with --profile NAME. Typed options count before them. A command takes "
    "the keys that are options of its own. -v prints what applies, and --no-config reads nothing.";

}  // namespace

std::span<const Command> commands() { return kCommands; }
std::span<const Explained> exit_codes() { return kExitCodes; }
std::span<const Explained> environment() { return kEnvironment; }
std::string_view configuration_text() { return kConfiguration; }

}  // namespace continuo
