#include "cli/foreign_options.h"

#include <algorithm>
#include <string>

#include "cli/option_row.h"

namespace continuo {

namespace {

struct ForeignOption {
  std::string_view names;  // with dashes, commas between
  std::string_view instead;
};

constexpr std::string_view kCpuOnly = "continuo computes on the processor alone; leave it out";
constexpr std::string_view kNoChat = "there is no conversation at the terminal; --user TEXT asks for one answer";

constexpr ForeignOption kForeignOptions[] = {
    {"-c,--ctx-size,--num-ctx,--n-ctx,--max-model-len,--context-length",
     "the context is as long as the model's; --max-tokens limits the answer"},
    {"-ngl,--gpu-layers,--n-gpu-layers,--num-gpu,--main-gpu,--split-mode,--tensor-split,-nkvo,-dev,--device,"
     "--device-map",
     kCpuOnly},
    {"-fa,--flash-attn,-cb,--cont-batching,-tb,--threads-batch,-ub,--ubatch-size,--numa,--mlock,--no-mmap,--no-warmup,--use-cache,--trust-remote-code,--keepalive,--nowordwrap,--simple-io,--log-disable,--no-conversation,-no-cnv",
     "there is nothing to set here; leave it out"},
    {"-hf,-hfr,-hff,--hf-repo,--hf-file,-mu,--model-url",
     "give a downloaded model as -m ORG/NAME, or a file as -m FILE.gguf"},
    {"-i,--interactive,-cnv,--conversation,-st,--single-turn,--multiline-input", kNoChat},
    {"--chat-template", "--template FILE takes the file of a chat template"},
    {"-sys", "--system TEXT, with --user TEXT"},
    {"-r,--reverse-prompt,--stop-strings,--stop-sequence", "--stop TEXT ends the answer before TEXT"},
    {"--no-display-prompt", "the prompt is printed only with --echo; leave it out"},
    {"-e,--escape,--no-escape", "prompts are taken byte for byte; a shell writes a newline as $'\\n'"},
    {"-ctk,-ctv,--cache-type-k,--cache-type-v", "--kv-type TYPE sets both"},
    {"-l", "--logit-bias ID:BIAS"},
    {"-b,--batch-size", "continuo batch --at-once N runs many prompts at a time"},
    {"-np,--parallel,--num-return-sequences",
     "continuo batch runs many prompts at a time; \"n\" in a request asks for "
     "several answers"},
    {"--keep,--context-shift,--no-context-shift",
     "nothing is ever cut off or forgotten; the text ends where the context does"},
    {"-md,--assistant-model", "--draft-model MODEL drafts with a smaller model"},
    {"--draft,--draft-max,--prompt-lookup-num-tokens,--lookup-num-tokens",
     "--lookup drafts from the text itself, --draft-model MODEL with a smaller model; how many is measured"},
    {"--num-beams,--penalty-alpha,--length-penalty",
     "there is no beam search; --help lists the ways to choose a token"},
    {"--do-sample", "tokens are drawn unless --greedy is given"},
    {"--max-length,--length,--min-length,--min-new-tokens", "--max-tokens N counts generated tokens alone"},
    {"--format", "--json prints one JSON object"},
    {"--dtype,--torch-dtype", "weights are used as they are stored; continuo quantize writes another format"},
    {"-lv,--log-verbosity,--verbose-prompt", "-v and -vv say more"},
    {"--perplexity", "continuo score prints the perplexity of a text"},
    {"--embedding,--embeddings", "continuo continues texts and makes no vectors"},
    {"--model-type,--revision", "the model's files say it; -m ORG/NAME@REVISION chooses a revision"},
};

template <class Matches>
const ForeignOption* find(Matches matches) {
  for (const ForeignOption& option : kForeignOptions) {
    if (std::ranges::any_of(split_list(option.names), matches)) return &option;
  }
  return nullptr;
}

}  // namespace

std::string_view instead_of_foreign(std::string_view typed) {
  std::string name(typed);
  std::replace(name.begin(), name.end(), '_', '-');
  const auto* exact = find([&](std::string_view n) { return n == name; });
  if (exact) return exact->instead;
  if (typed.size() < 3 || typed[1] == '-') return {};
  const auto* attached = find([&](std::string_view n) { return n == name.substr(0, 2); });  // -c4096
  return attached ? attached->instead : std::string_view();
}

bool is_foreign_single_dash(std::string_view typed) {
  if (typed.size() < 3 || typed[0] != '-' || typed[1] == '-') return false;
  // What begins with a letter that takes a text is that option here: -fa is --file a.
  if (std::string_view("fmop").find(typed[1]) != std::string_view::npos) return false;
  return find([&](std::string_view n) { return n == typed; }) != nullptr;
}

}  // namespace continuo
