// Which model runs, and how.
#include <algorithm>

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

constexpr OptionRow kLookupRows[] = {
    {.name = "lookup",
     .help = "draft tokens from earlier repetitions in the text; often faster",
     .details = "What followed the same words earlier is checked several tokens at a time. This helps with texts "
                "that repeat themselves, such as quotes and edits. The answer is the same to the last byte.",
     .set = turn_on<&Options::lookup>},
};

}  // namespace

const OptionGroup kModelOptions{"Model", kModelRows};
const OptionGroup kLookupOptions{"", kLookupRows};

}  // namespace continuo
