// continuo inspect: the resolved plan of the model, layer by layer.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "cli/command.h"
#include "cli/describe_model.h"
#include "cli/json_answer.h"
#include "cli/model_source.h"
#include "cli/sampling_settings.h"
#include "state/sequence_state.h"

namespace continuo {

namespace {

struct FormatUse {
  std::size_t tensors = 0;
  std::size_t bytes = 0;
};

std::map<std::string_view, FormatUse> formats(const Model& model) {
  std::map<std::string_view, FormatUse> uses;
  for (const TensorUse& tensor : model.tensors) {
    FormatUse& use = uses[format_info(tensor.format).name];
    ++use.tensors;
    use.bytes += tensor.bytes;
  }
  return uses;
}

std::size_t parameters(const Model& model) {
  std::size_t total = 0;
  for (const TensorUse& tensor : model.tensors) {
    std::size_t values = 1;
    for (const std::size_t n : tensor.shape)
      values *= n;
    total += values;
  }
  return total;
}

// Averaged over the whole context, because the cache is laid out in blocks of positions.
std::size_t kv_bytes_per_token(const ModelSpec& spec) {
  const auto context = static_cast<std::size_t>(spec.context_length);
  return SequenceState::bytes(spec, context) / context;
}

// 12,345,678
std::string grouped(std::size_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

Answer sampling_json(const SamplingOptions& sampling) {
  // The floats as they were written, not with the digits that double would add.
  const auto number = [](float value) { return Answer::parse(fmt::format("{}", value)); };
  return {{"temperature", number(sampling.temperature)},
          {"top_k", sampling.top_k},
          {"top_p", number(sampling.top_p)},
          {"min_p", number(sampling.min_p)},
          {"typical_p", number(sampling.typical_p)},
          {"repeat_penalty", number(sampling.repeat_penalty)}};
}

Answer inspect_json(const Model& model, const SamplingOptions& sampling, const std::string& name,
                    bool tensors) {
  const ModelSpec& spec = model.spec;
  Answer layers = Answer::array();
  for (const LayerSpec& layer : spec.layers)
    layers.push_back(layer_json(layer));
  Answer used = Answer::object();
  for (const auto& [format, use] : formats(model))
    used[format] = {{"tensors", use.tensors}, {"bytes", use.bytes}};
  Answer answer = {{"model", name},
                   {"family", spec.family},
                   {"parameters", parameters(model)},
                   {"weight_bytes", model.weight_bytes},
                   {"formats", std::move(used)},
                   {"vocab_size", spec.vocab_size},
                   {"context_length", spec.context_length},
                   {"kv_bytes_per_token", kv_bytes_per_token(spec)},
                   {"d_model", spec.d_model},
                   {"positions", positions_json(spec.positions)},
                   {"layers", std::move(layers)},
                   {"final_norm", norm_json(spec.final_norm)},
                   {"tied_output", spec.tied_output},
                   {"bos_token", spec.bos_token ? Answer(*spec.bos_token) : Answer()},
                   {"end_tokens", spec.end_tokens},
                   {"sampling", sampling_json(sampling)}};
  if (!tensors) return answer;
  for (const TensorUse& tensor : model.tensors) {
    answer["tensors"].push_back({{"name", tensor.name},
                                 {"role", tensor.role},
                                 {"format", format_info(tensor.format).name},
                                 {"shape", tensor.shape},
                                 {"bytes", tensor.bytes}});
  }
  return answer;
}

// Layers that are alike are told once.
std::string layers_text(const std::vector<LayerSpec>& layers) {
  std::string out;
  for (std::size_t first = 0; first < layers.size();) {
    const std::string text = layer_text(layers[first]);
    std::size_t end = first + 1;
    while (end < layers.size() && layer_text(layers[end]) == text)
      ++end;
    out += end - first == 1 ? fmt::format("layer {}\n", first)
                            : fmt::format("layers {} to {}, each\n", first, end - 1);
    out += text;
    first = end;
  }
  return out;
}

std::string inspect_text(const Model& model, const SamplingOptions& sampling, const std::string& name) {
  const ModelSpec& spec = model.spec;
  std::string out = fmt::format("model        {}\nfamily       {}\nparameters   {}\n", name, spec.family,
                                grouped(parameters(model)));
  out += fmt::format("weights      {} bytes:", grouped(model.weight_bytes));
  for (const auto& [format, use] : formats(model))
    out += fmt::format(" {} {} ({} tensors)", grouped(use.bytes), format, use.tensors);
  out += fmt::format("\ncontext      {} tokens\nkv cache     {} bytes a token\n",
                     grouped(spec.context_length), grouped(kv_bytes_per_token(spec)));
  out += fmt::format("embedding    {} tokens of {}\n", grouped(spec.vocab_size), spec.d_model);
  out += fmt::format("positions    {}\n", positions_text(spec.positions));
  out += layers_text(spec.layers);
  out += fmt::format("final norm   {}\n", norm_text(spec.final_norm));
  out += fmt::format("output       {} scores, {}\n", grouped(spec.vocab_size),
                     spec.tied_output ? "the embedding again" : "a matrix of its own");
  out += fmt::format("begins with  {}\n", spec.bos_token ? std::to_string(*spec.bos_token) : "nothing");
  out +=
      fmt::format("ends with    {}\n",
                  spec.end_tokens.empty() ? "nothing" : fmt::format("{}", fmt::join(spec.end_tokens, ", ")));
  out += fmt::format(
      "sampling     temperature {}, top-k {}, top-p {}, min-p {}, typical-p {}, repeat-penalty {}\n",
      sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p, sampling.typical_p,
      sampling.repeat_penalty);
  return out;
}

std::string tensors_text(const Model& model) {
  std::string out;
  for (const TensorUse& tensor : model.tensors) {
    out += fmt::format("{}\t{}\t{}\t{}\t{}\n", escaped(tensor.name), tensor.role,
                       format_info(tensor.format).name, fmt::join(tensor.shape, "x"), tensor.bytes);
  }
  return out;
}

}  // namespace

Result<void> run_inspect(const Options& options) {
  CONTINUO_TRY(const ModelFiles files, find_model(options.model));
  CONTINUO_TRY(const Model model, load_model(files));
  CONTINUO_TRY(const SamplingOptions sampling, generation_defaults(*model.storage));
  if (options.json) return print_json(inspect_json(model, sampling, files.name(), options.tensors));
  std::string text = inspect_text(model, sampling, files.name());
  if (options.tensors) text += "\n" + tensors_text(model);
  return print(text);
}

}  // namespace continuo
