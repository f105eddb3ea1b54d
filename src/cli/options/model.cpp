// Which model runs, and how.
#include <algorithm>
#include <cctype>
#include <cmath>

#include "cli/option_setters.h"
#include "kernels/kv_page.h"

namespace continuo {

namespace {

// A name from kv_types().
Result<void> set_kv_type(const OptionRow& row, Options& options, const std::string& value) {
  for (const Format type : kv_types()) {
    if (format_info(type).name != value) continue;
    options.kv_type = type;
    return {};
  }
  return bad_value(row, value);
}

Result<void> set_exit_rule(const OptionRow& row, Options& options, const std::string& value) {
  CONTINUO_TRY(options.exit_when, parse_exit_rule(fmt::format("--{}", row.name), value));
  return {};
}

constexpr OptionRow kModelRows[] = {
    {.name = "model",
     .letter = 'm',
     .aliases = "model-path,model-name-or-path",
     .value = "MODEL",
     .help = "a folder, a GGUF file, a shipped model's name, or ORG/NAME in the Hugging Face cache",
     .details = "MODEL is a folder with config.json, a tokenizer and weights; a GGUF file; the name of a model that is "
                "shipped with continuo; or ORG/NAME (ORG/NAME@REVISION) of a model that the Hugging Face libraries "
                "have downloaded. Nothing is fetched.",
     .fallback = "$CONTINUO_MODEL, else the model inside the binary",
     .expected = "a folder, a .gguf file or a model's name",
     .set = set_text<&Options::model>},
    {.name = "threads",
     .letter = 't',
     .aliases = "num-threads,num-thread",
     .value = "N",
     .help = "number of threads",
     .details = "The number never changes an answer. By default continuo uses as many threads as the processor, "
                "the affinity mask and the cgroup's quota allow and the model can use.",
     .fallback = "as many as help",
     .expected = "a whole number from 1 to 1024",
     .set = set_whole<1, 1024, &Options::threads>},
    {.name = "exact-math",
     .help = "do not round activations to 8 bits for quantized weights; slower",
     .details = "Quantized weights normally meet activations that are rounded to 8 bits, which costs about 0.02 % in "
                "bits per byte. With this option activations stay float32.",
     .set = turn_on<&Options::exact_math>},
    {.name = "no-repack",
     .help = "use quantized weights as they are stored; slower, but processes share memory",
     .details = "By default continuo copies weights into a layout made for the processor. With this option it "
                "reads them from the mapped file, which processes share.",
     .set = turn_on<&Options::no_repack>},
    {.name = "kv-type",
     .value = "TYPE",
     .help = "number format of the cache of keys and values",
     .details = "f16 halves the memory that a token of context takes, q8_0 leaves 27 % of it; both cost at most 0.03 % "
                "in bits per byte.",
     .fallback = "f32",
     .choices = "f32,f16,q8_0",
     .expected = "f32, f16 or q8_0",
     .set = set_kv_type},
};

constexpr OptionRow kLoopRows[] = {
    {.name = "loops",
     .value = "N",
     .help = "go N times through the loop of a network that has one",
     .details =
         "Some networks go through the same layers several times before each token: Ouro, Nanbeige, Huginn, Dory, "
         "HRM-Text. N may be less than the model was made for, or more. A model without a loop is an error.",
     .fallback = "the model's own number",
     .expected = "a whole number from 1 to 256",
     .set = set_whole<1, kMaxLoops, &Options::loops>},
};

constexpr OptionRow kExitRows[] = {
    {.name = "exit-when",
     .value = "RULE",
     .help = "end the loop of a token early: kl<0.01, latent<0.03, stable or gate",
     .details =
         "kl<X: a further loop changed the distribution of the next token by less than X (in nats); latent<X: it "
         "changed the hidden state by less than the share X; stable: the best token stayed the same; gate: the "
         "network's own gate says so (Ouro), gate>X: with the sum X. The rule looks at the prompt's last token and "
         "at generated ones. For later tokens a token that stopped early stands in the loops that it did not go "
         "through with the keys and values of its last one.",
     .fallback = "none",
     .expected = "kl<NUMBER, latent<NUMBER, stable, gate, gate>NUMBER or none",
     .set = set_exit_rule},
};

constexpr OptionRow kLookupRows[] = {
    {.name = "lookup",
     .help = "draft tokens from earlier repetitions in the text; often faster",
     .details = "What followed the same words earlier is checked several tokens at a time. This helps with texts "
                "that repeat themselves, such as quotes and edits. The answer is the same to the last byte.",
     .set = turn_on<&Options::lookup>},
    {.name = "draft-model",
     .aliases = "model-draft",
     .value = "MODEL",
     .help = "let a smaller model draft tokens; often faster",
     .details =
         "MODEL is named as for --model, and its tokens must be the same. What it drafts is checked several tokens "
         "at a time, as long as it is right often enough. The answer is the same to the last byte.",
     .expected = "a folder, a .gguf file or a model's name",
     .set = set_text<&Options::draft_model>},
};

constexpr OptionRow kStateRows[] = {
    {.name = "state",
     .value = "FILE",
     .help = "go on from the state of a long beginning in FILE; written when it is not there",
     .details = "What the model remembers of the beginning of a prompt is computed once, and every later run that "
                "begins alike goes on from there. The answer is the same to the last byte. A new FILE holds the prompt "
                "but for its last token; with batch, what the first two prompts have in common. A FILE that is there "
                "is never changed: it serves as far as a prompt begins as it does. A FILE that is damaged, or of "
                "another model, version, --kv-type or --exact-math, is an error. Trust a FILE as you trust a model.",
     .expected = "a file",
     .set = set_text<&Options::state>},
};

// NAME: letters, digits, "_", "-" and ".", and nothing else before the first "=".
bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '_' || c == '-' || c == '.';
  });
}

Result<void> add_lora(const OptionRow& row, Options& options, const std::string& value) {
  TypedLora typed{.name = {}, .folder = value};
  if (const std::size_t equals = value.find('='); equals != value.npos && is_name(value.substr(0, equals))) {
    typed.name = value.substr(0, equals);
    typed.folder = value.substr(equals + 1);
  }
  if (const std::size_t colon = typed.folder.rfind(':'); colon != typed.folder.npos) {
    if (const auto scale = parse_number<float>(typed.folder.substr(colon + 1), "", "")) {
      if (!std::isfinite(*scale)) return bad_value(row, value);
      typed.scale = *scale;
      typed.folder.resize(colon);
    }
  }
  if (typed.folder.empty()) return bad_value(row, value);
  options.lora.push_back(std::move(typed));
  return {};
}

constexpr OptionRow kLoraRows[] = {
    {.name = "lora",
     .value = "DIR[:SCALE]",
     .help = "add the low-rank adapter in the folder DIR, times SCALE",
     .details = "DIR is as PEFT writes it, with adapter_config.json and adapter_model.safetensors. The model's weights "
                "may be in any format. Several adapters are added up. An adapter of which any part is not supported "
                "is an error.",
     .expected = "a folder, perhaps with :SCALE behind it",
     .repeatable = true,
     .set = add_lora},
};

constexpr OptionRow kNamedLoraRows[] = {
    {.name = "lora",
     .value = "[NAME=]DIR[:SCALE]",
     .help = "add the low-rank adapter in the folder DIR, times SCALE, or offer it as NAME",
     .details = "DIR is as PEFT writes it, with adapter_config.json and adapter_model.safetensors. With NAME the "
                "adapter is for the requests whose field adapter is NAME; without, it is for all of them. A NAME is "
                "letters, digits, \".\", \"_\" and \"-\". Requests with different adapters run side by side, and "
                "each gets the same answer as alone.",
     .expected = "a folder, perhaps with NAME= before it and :SCALE behind it",
     .repeatable = true,
     .set = add_lora},
};

}  // namespace

const OptionGroup kModelOptions{"Model", kModelRows};
const OptionGroup kLoopOptions{"", kLoopRows};
const OptionGroup kExitOptions{"", kExitRows};
const OptionGroup kLookupOptions{"", kLookupRows};
const OptionGroup kStateOptions{"", kStateRows};
const OptionGroup kLoraOptions{"", kLoraRows};
const OptionGroup kNamedLoraOptions{"", kNamedLoraRows};

}  // namespace continuo
