// The table of commands.
#include "cli/command.h"

namespace continuo {

namespace {

constexpr const OptionGroup* kContinueGroups[] = {
    &kModelOptions,  &kLoopOptions,       &kExitOptions,     &kLoraOptions,   &kLookupOptions,   &kStateOptions,
    &kPromptOptions, &kIdsOptions,        &kSuffixOptions,   &kChatOptions,   &kTemplateOptions, &kTemplateValueOptions,
    &kLengthOptions, &kConstraintOptions, &kSamplingOptions, &kAnswerOptions, &kGeneralOptions,  &kManualOptions};
constexpr const OptionGroup* kBatchGroups[] = {
    &kModelOptions,    &kLoopOptions,        &kExitOptions,     &kNamedLoraOptions, &kLookupOptions,
    &kStateOptions,    &kTemplateOptions,    &kBatchOptions,    &kLengthOptions,    &kConstraintOptions,
    &kSamplingOptions, &kBatchAnswerOptions, &kBatchRunOptions, &kGeneralOptions};
constexpr const OptionGroup* kScoreGroups[] = {&kModelOptions, &kLoopOptions,  &kLoraOptions,     &kPromptOptions,
                                               &kIdsOptions,   &kScoreOptions, &kBatchRunOptions, &kGeneralOptions};
constexpr const OptionGroup* kFillGroups[] = {&kModelOptions, &kPromptOptions, &kIdsOptions, &kFillOptions,
                                              &kGeneralOptions};
constexpr const OptionGroup* kEmbedGroups[] = {&kModelOptions, &kPromptOptions, &kIdsOptions, &kEmbedOptions,
                                               &kGeneralOptions};
constexpr const OptionGroup* kServeGroups[] = {
    &kModelOptions, &kLoopOptions,       &kExitOptions,   &kNamedLoraOptions, &kLookupOptions,   &kTemplateOptions,
    &kServeOptions, &kServeLimitOptions, &kLengthOptions, &kSamplingOptions,  &kBatchRunOptions, &kGeneralOptions};
constexpr const OptionGroup* kTokenizeGroups[] = {&kModelOptions,  &kPromptOptions,   &kTokenizeOptions,
                                                  &kChatOptions,   &kTemplateOptions, &kTemplateValueOptions,
                                                  &kGeneralOptions};
constexpr const OptionGroup* kExplainGroups[] = {
    &kModelOptions,    &kLoopOptions,          &kPromptOptions,  &kIdsOptions,      &kChatOptions,
    &kTemplateOptions, &kTemplateValueOptions, &kExplainOptions, &kSamplingOptions, &kGeneralOptions};
constexpr const OptionGroup* kInspectGroups[] = {&kModelOptions, &kLoopOptions, &kInspectOptions, &kGeneralOptions};
constexpr const OptionGroup* kBenchGroups[] = {&kModelOptions, &kLoopOptions, &kBenchOptions, &kGeneralOptions};
constexpr const OptionGroup* kQuantizeGroups[] = {&kQuantizeOptions, &kLoraOptions, &kGeneralOptions};
constexpr const OptionGroup* kImatrixGroups[] = {&kModelOptions, &kPromptOptions, &kIdsOptions, &kImatrixOptions,
                                                 &kGeneralOptions};
constexpr const OptionGroup* kPullGroups[] = {&kPullOptions, &kGeneralOptions};
constexpr const OptionGroup* kCompletionsGroups[] = {&kGeneralOptions};

constexpr Command kCommands[] = {
    {.name = "",
     .synopsis = "[OPTION]... [PROMPT]...",
     .summary = "continues a text; without PROMPT, or with \"-\" as PROMPT, it reads stdin",
     .groups = kContinueGroups,
     .description =
         "continuo takes the prompt byte for byte and joins several words with single blanks. It drops one newline "
         "at the end of stdin or of a file; --exact keeps it. It writes the continuation to stdout and nothing else.\n"
         "\n"
         "Text that is piped or redirected to continuo is an error if there is a PROMPT as well, because one of the "
         "two would be ignored. To join them: { printf %s PROMPT; cat; } | continuo. A stdin that continuo only "
         "inherits, for example inside a while read loop, is left alone.\n"
         "\n"
         "A model that was trained to converse answers messages: --user TEXT, with --system and --assistant as they "
         "are needed. Without them nothing turns a text into a message.\n"
         "\n"
         "A command's name counts only as the first argument: \"continuo -- tokenize\" continues the word "
         "\"tokenize\".",
     .examples = R"(  continuo "Once upon a time"
  continuo -n 40 --stop . "The little red bird"      up to the first full stop
  echo "Once upon a time" | continuo --echo          prompt and continuation
  continuo -m ~/models/SmolLM2-135M --greedy -f prompt.txt
  continuo --json --logprobs 3 "Lily wanted a"
  continuo -m ORG/CHAT-MODEL --user "Name a colour."  an answer in place of a continuation
  continuo -m ORG/CODE-MODEL --suffix "    return s" "def total(xs):"
  continuo tokenize "One day" | continuo --ids -     ids in, ids out
)",
     .words = Words::text,
     .run = run_continue},
    {.name = "batch",
     .synopsis = "[OPTION]... [IN.jsonl]",
     .summary = "answers many requests, one per line",
     .groups = kBatchGroups,
     .description =
         "Each line of the input is a JSON object with \"prompt\", \"prompt_ids\" or \"messages\", a list of "
         "{\"role\", \"content\"} that the model's chat template makes a prompt of. It may also set id, suffix, "
         "max_tokens, stop, ignore_eos, n, best_of, seed, logprobs, echo, stream, and the sampling options under "
         "their names with underscores (top_p, min_p, repeat_penalty, ...). The options of the command line fill in "
         "what a line leaves out.\n"
         "\n"
         "Each line of the output is an answer with id, text, finish_reason, prompt_tokens, completion_tokens, seed "
         "and model; if n > 1, the texts are in choices. A bad line gets the answer {\"id\": ..., \"error\": "
         "{\"type\", \"message\", \"line\"}}. A request without a seed gets one that is made from --seed and its id "
         "(or its line number, if it has no id).\n"
         "\n"
         "With --format csv the first row names the columns. They are the same fields without stream; prompt or "
         "prompt_ids must be among them. prompt_ids holds numbers with blanks between them, stop one string or a "
         "JSON array, logit_bias a JSON object. The answers have the columns id, row, index, n, text, "
         "finish_reason, ids, logprobs, prompt_tokens, completion_tokens, seed, model, error_type, error and "
         "digest; each of n samples has a row of its own.",
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
     .description =
         "continuo prints one line for each token: id, piece and natural log-probability, separated by tabs. The "
         "first token has nothing before it, so its log-probability is \"-\". A last line that begins with # sums "
         "up. Bits per byte are counted over the bytes that the scored tokens spell.\n"
         "\n"
         "With --jsonl each line is a record: {\"text\"}, {\"prompt\", \"completion\"} or {\"prompt\", \"choices\", "
         "\"answer\"}, where answer is the number of the right choice, counted from 0. A record may have an id. Its "
         "answer holds the log-probability of the text (or completion, or choice), its tokens and bytes, and "
         "whether greedy continuation would give the same text. Choices are ranked four ways: by log-probability "
         "(raw), divided by tokens (per_token) or bytes (per_byte), and minus the log-probability of the choice "
         "without the prompt (unconditional).\n"
         "\n"
         "An encoder such as BERT sees the words on both sides. continuo masks each token in turn and prints its "
         "log-probability given all others; their sum is the pseudo-log-likelihood, which stands in the place of "
         "logprob and is not comparable with it.",
     .examples = R"(  continuo score "Once upon a time"
  continuo score --json -f story.txt
  continuo score --stride 256 -f book.txt | tail -1           perplexity of a long text
  continuo score --jsonl --summary -f questions.jsonl         accuracy, perplexity
  continuo score --ids --json --last-logits "1 403 407"
  continuo score -m ~/models/bert-base-uncased "The cat sat on the mat."      pseudo-log-likelihood
)",
     .words = Words::text,
     .run = run_score},
    {.name = "embed",
     .synopsis = "[OPTION]... [TEXT]...",
     .summary = "turns a text, or many, into vectors",
     .groups = kEmbedGroups,
     .description =
         "The vector is the mean of the last hidden states, or the state of the first or of the last token. The "
         "folder of a sentence embedder says which (modules.json, 1_Pooling/config.json), and a GGUF file in its "
         "pooling_type. Without that, encoders take the mean and decoders the last token.\n"
         "\n"
         "Texts with more tokens than such a folder's max_seq_length are cut, and a line on stderr says how many. "
         "Without it, a text that does not fit the context is an error.\n"
         "\n"
         "With --jsonl each line is a record, {\"text\"} with an optional id, and its answer holds embedding and "
         "tokens.",
     .examples = R"(  continuo embed -m ~/models/all-MiniLM-L6-v2 "A cat sat on the mat."
  continuo embed -m ~/models/all-MiniLM-L6-v2 --jsonl < texts.jsonl > vectors.jsonl
  continuo embed -m ~/models/all-MiniLM-L6-v2 --jsonl -f texts.jsonl -o vectors.npy
  continuo embed -m HuggingFaceTB/SmolLM2-135M --pooling mean --normalize --json "A cat sat on the mat."
)",
     .words = Words::text,
     .run = run_embed},
    {.name = "fill",
     .synopsis = "[OPTION]... [TEXT]...",
     .summary = "guesses the masked words of a text, with an encoder such as BERT",
     .groups = kFillGroups,
     .description =
         "An encoder sees the words on both sides of a mask. continuo prints the likeliest pieces for each mask, "
         "one a line: the position of the mask (in tokens, from 0), the probability, and the piece, separated by "
         "tabs. It guesses several masks at once, as if the others stayed masked; with --one-by-one it fills in "
         "each guess before it makes the next.",
     .examples = R"(  continuo fill -m ~/models/bert-base-uncased "The capital of France is [MASK]."
  continuo fill -m ~/models/roberta-base --mask ___ "The capital of France is ___."
  continuo fill -m ~/models/bert-base-uncased --json --top 3 "[MASK] [MASK] is in Paris."
  continuo fill -m tiny --ids --mask-id 103 --json "101 1996 103 102"
)",
     .words = Words::text,
     .run = run_fill},
    {.name = "serve",
     .synopsis = "[OPTION]...",
     .summary = "answers OpenAI's completions API over HTTP",
     .groups = kServeGroups,
     .description =
         "POST /v1/completions takes the fields of a batch request and those of OpenAI's API. prompt is a text, a "
         "list of texts, token ids, or a list of lists of them. With stream the answer comes as server-sent events; "
         "with echo and logprobs it includes the log-probabilities of the prompt. The options of the command line "
         "fill in what a request leaves out. The same request gets the same text as on the command line, whatever "
         "other requests run.\n"
         "\n"
         "POST /v1/chat/completions answers messages, for a model with a chat template: n, logprobs, streams and "
         "response_format are those of OpenAI's API; tools are refused.\n"
         "\n"
         "POST /v1/embeddings makes vectors of texts, as continuo embed does. An encoder is served for it alone.\n"
         "\n"
         "The server also answers GET /v1/models, POST /tokenize and /detokenize, GET /tokenizer_info, /health, and "
         "/metrics for Prometheus.\n"
         "\n"
         "When the server is ready it prints its address on stdout. On SIGTERM or Ctrl-C it finishes the requests "
         "that it has begun.",
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
         "continuo prints, on one line, the ids that the text would become as a prompt. It needs the tokenizer "
         "alone: a folder with nothing but tokenizer.json will do.",
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
     .description = "continuo shows what the files hold even if it does not support the model.",
     .examples = R"(  continuo inspect
  continuo inspect -m ~/models/SmolLM2-135M --tensors
  continuo inspect --families                                              which models run
  continuo inspect -m ~/models/mamba-130m --memory 256M      what a batch keeps in so much memory
)",
     .words = Words::none,
     .run = run_inspect},
    {.name = "bench",
     .synopsis = "[OPTION]...",
     .summary = "measures how fast the model runs on this machine",
     .groups = kBenchGroups,
     .description =
         "continuo measures the speed of reading a prompt and of generating, the bytes of weights that generation "
         "reads each second, and what share of the memory bandwidth that is. It measures the bandwidth in the same "
         "run with the same number of threads.",
     .examples = R"(  continuo bench
  continuo bench -m ~/models/SmolLM2-135M -t 2 -p 128 -n 64 --json
)",
     .words = Words::none,
     .run = run_bench},
    {.name = "quantize",
     .synopsis = "IN OUT.gguf --to FORMAT",
     .summary = "writes a model as a GGUF file, in another number format",
     .groups = kQuantizeGroups,
     .description =
         "IN is a folder or a GGUF file. continuo stores matrices in FORMAT and leaves vectors, routers and learned "
         "positions as f32. A model of a kind that GGUF has no name for is an error. A matrix whose rows are not whole blocks of FORMAT gets a format with smaller blocks, "
         "and stderr says so. OUT.gguf appears only when it is complete.",
     .examples = R"(  continuo quantize ~/models/SmolLM2-135M smollm2-q8_0.gguf --to q8_0
  continuo quantize smollm2-f16.gguf smollm2-q4_k.gguf --to q4_k
  continuo quantize smollm2-f16.gguf smollm2-q2_k.gguf --to Q2_K --imatrix smollm2.imatrix.gguf
)",
     .words = Words::files,
     .run = run_quantize},
    {.name = "imatrix",
     .synopsis = "[OPTION]... -o FILE [TEXT]...",
     .summary = "what goes into the matrices of a model, for quantize to weigh errors by",
     .groups = kImatrixGroups,
     .description =
         "The model reads TEXT, or stdin, or the text of --file, and continuo sums the squares of what goes into each "
         "matrix. The model is a GGUF file; continuo quantize makes one of a folder. Some thousand tokens of text like "
         "the one that the model is for are enough. llama-quantize reads the file as well.",
     .examples = R"(  continuo imatrix -m smollm2-f16.gguf -f text.txt -o smollm2.imatrix.gguf
)",
     .words = Words::text,
     .run = run_imatrix},
    {.name = "pull",
     .synopsis = "[OPTION]... ORG/NAME[@REVISION]",
     .summary = "fetches a model from a hub",
     .groups = kPullGroups,
     .description =
         "continuo fetches the files of a model that it reads: the configuration, the tokenizer and the weights. They "
         "go into the cache that Hugging Face's libraries share, and -m ORG/NAME finds them there. Files that are in "
         "the cache already are not fetched again, and a file whose transfer was cut is continued. Every file is "
         "checked against the hub's checksum. stdout gets the folder of the files.\n"
         "\n"
         "This is the only command that opens a connection, and it does nothing else: no other command ever fetches "
         "anything. The token of HF_TOKEN, or of `hf auth login`, is sent to the hub and to no other server.",
     .examples = R"(  continuo pull HuggingFaceTB/SmolLM2-135M
  continuo pull unsloth/gemma-3-270m-it-GGUF --include "*Q4_K_M.gguf"
  continuo pull openai-community/gpt2@refs/pr/1
  HF_ENDPOINT=https://hub.example.org continuo pull org/name       from another hub
)",
     .words = Words::text,
     .run = run_pull},
    {.name = "completions",
     .synopsis = "bash|zsh|fish",
     .summary = "prints a script that lets a shell complete the options of continuo",
     .groups = kCompletionsGroups,
     .description =
         "bash: source the script, for example from ~/.bashrc. zsh: save it as _continuo in a folder of $fpath. "
         "fish: save it as continuo.fish in ~/.config/fish/completions.",
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
    {"HF_ENDPOINT, HF_TOKEN, HF_TOKEN_PATH", "for pull: which hub, and the token for it or the file that holds it"},
    {"HF_HUB_OFFLINE", "if it is 1, pull fetches nothing and says so"},
    {"NO_COLOR", "if it is set and not empty, nothing is coloured"},
};

constexpr std::string_view kConfiguration =
    "The configuration file sets options. Each line is KEY = VALUE: KEY is an option's long name; VALUE is a "
    "string in quotes, a number, true, false, or an array of these in brackets. # begins a comment. Lines "
    "before the first section, and those in [default], always apply; those in a section [NAME] apply with "
    "--profile NAME. Options on the command line win. Each command takes the keys that are its own options. -v "
    "prints what applies; --no-config ignores the file.";

}  // namespace

std::span<const Command> commands() { return kCommands; }
std::span<const Explained> exit_codes() { return kExitCodes; }
std::span<const Explained> environment() { return kEnvironment; }
std::string_view configuration_text() { return kConfiguration; }

}  // namespace continuo
