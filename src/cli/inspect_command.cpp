// continuo inspect: the resolved plan of the model, layer by layer.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "base/grouped.h"
#include "base/printable.h"
#include "cli/command.h"
#include "cli/describe_checkpoint.h"
#include "cli/describe_loop.h"
#include "cli/describe_model.h"
#include "cli/engine_options.h"
#include "cli/families_list.h"
#include "cli/load.h"
#include "cli/print_json.h"
#include "loading/token_roles.h"
#include "generate/memory.h"
#include "io/checkpoint.h"
#include "loading/generation_config.h"
#include "loading/model_source.h"
#include "requests/json_answer.h"
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
    for (const std::size_t n : tensor.shape) values *= n;
    total += values;
  }
  return total;
}

// Averaged over the whole context, because the cache is laid out in blocks of positions.
std::size_t kv_bytes_per_token(const ModelSpec& spec, Format kv_type) {
  const auto context = static_cast<std::size_t>(spec.context_length);
  const std::size_t recurrent = SequenceState::recurrent_floats(spec) > 0 ? SequenceState::bytes(spec, 0, kv_type) : 0;
  return (SequenceState::bytes(spec, context, kv_type) - recurrent) / context;
}

// Lengths of text at which it is told what a sequence remembers.
constexpr std::size_t kLengths[] = {1000, 100000};

Answer sequence_json(const ModelSpec& spec, Format kv_type) {
  Answer lengths = Answer::array();
  for (const std::size_t length : kLengths)
    lengths.push_back({{"tokens", length}, {"bytes", SequenceState::bytes(spec, length, kv_type)}});
  return lengths;
}

Answer memory_json(const EngineOptions& engine, const MemoryShares& shares) {
  return {{"bytes", engine.memory},
          {"sequences_at_once", shares.max_running},
          {"kv_pages", shares.pages},
          {"positions_per_page", kPageKeys},
          {"recurrent_states", shares.recurrent_blocks}};
}

std::string remembers_text(const ModelSpec& spec, Format kv_type) {
  std::string out = "remembers   ";
  for (const std::size_t length : kLengths) {
    out += fmt::format("{} {} bytes after {} tokens", length == kLengths[0] ? "" : ",",
                       grouped(SequenceState::bytes(spec, length, kv_type)), grouped(length));
  }
  return out + "\n";
}

// What --memory of a batch becomes.
std::string memory_text(const ModelSpec& spec, const EngineOptions& engine, const MemoryShares& shares) {
  std::string out = fmt::format("memory       {} bytes in a batch: at most {} sequences at once",
                                grouped(engine.memory), grouped(shares.max_running));
  if (SequenceState::kv_layers(spec) > 0) {
    out += fmt::format(", {} pages of {} positions in one layer each", grouped(shares.pages), kPageKeys);
  }
  if (SequenceState::recurrent_bytes(spec) > 0) {
    out += fmt::format(", {} recurrent states, those of beginnings that are kept for later requests among them",
                       grouped(shares.recurrent_blocks));
  }
  return out + "\n";
}

// A float as it was written, not with the digits that double would add.
Answer shortest(float value) { return Answer::parse(fmt::format("{}", value)); }

Answer sampling_json(const SamplingOptions& sampling) {
  return {{"temperature", shortest(sampling.temperature)},
          {"top_k", sampling.top_k},
          {"top_p", shortest(sampling.top_p)},
          {"min_p", shortest(sampling.min_p)},
          {"typical_p", shortest(sampling.typical_p)},
          {"repeat_penalty", shortest(sampling.repeat_penalty)}};
}

struct Inspected {
  const Model& model;
  const SamplingOptions& sampling;
  std::string name;
  std::vector<TokenRole> roles;
};

Answer inspect_json(const Inspected& inspected, const Options& options, const MemoryShares& shares) {
  const auto& [model, sampling, name, roles] = inspected;
  const ModelSpec& spec = model.spec;
  Answer layers = Answer::array();
  for (const LayerSpec& layer : spec.layers) layers.push_back(layer_json(layer));
  Answer used = Answer::object();
  for (const auto& [format, use] : formats(model)) used[format] = {{"tensors", use.tensors}, {"bytes", use.bytes}};
  Answer answer = {{"model", name},
                   {"supported", true},
                   {"family", spec.family},
                   {"parameters", parameters(model)},
                   {"weight_bytes", model.weight_bytes},
                   {"formats", std::move(used)},
                   {"vocab_size", spec.vocab_size},
                   {"context_length", spec.context_length},
                   {"kv_bytes_per_token", kv_bytes_per_token(spec, options.kv_type)},
                   {"recurrent_state_bytes", SequenceState::recurrent_bytes(spec)},
                   {"sequence_bytes", sequence_json(spec, options.kv_type)},
                   {"memory", memory_json(batch_engine_options(options, spec), shares)},
                   {"d_model", spec.d_model},
                   {"d_embedding", spec.d_embedding > 0 ? spec.d_embedding : spec.d_model},
                   {"embedding_scale", shortest(spec.embedding_scale)},
                   {"embedding_norm", norm_json(spec.embedding_norm)},
                   {"positions", positions_json(spec.positions)},
                   {"layers", std::move(layers)},
                   {"final_norm", norm_json(spec.final_norm)},
                   {"tied_output", spec.tied_output},
                   {"output_bias", spec.output_bias},
                   {"output_scales", spec.output_scales},
                   {"logit_scale", shortest(spec.logit_scale)},
                   {"logit_cap", spec.final_logit_softcap > 0 ? shortest(spec.final_logit_softcap) : Answer()},
                   {"bos_token", spec.bos_token ? Answer(*spec.bos_token) : Answer()},
                   {"end_tokens", spec.eos_tokens},
                   {"sampling", sampling_json(sampling)}};
  if (spec.layer_embedding) {
    answer["layer_embedding"] = {{"vocab_size", spec.layer_embedding->vocab_size},
                                 {"width", spec.layer_embedding->width}};
  }
  if (spec.loop) answer["loop"] = loop_json(spec);
  if (spec.output_head) answer["output_head"] = {{"norm", norm_json(spec.output_head->norm)}};
  for (const TokenRole& role : roles) answer["roles"][role.role] = role.id;
  for (const LeftOut& left : model.left_out) {
    answer["left_out"].push_back(
        {{"prefix", left.prefix}, {"what", left.what}, {"tensors", left.tensors}, {"bytes", left.bytes}});
  }
  if (!options.tensors) return answer;
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
    while (end < layers.size() && layer_text(layers[end]) == text) ++end;
    out += end - first == 1 ? fmt::format("layer {}\n", first) : fmt::format("layers {} to {}, each\n", first, end - 1);
    out += text;
    first = end;
  }
  return out;
}

std::string embedding_text(const ModelSpec& spec) {
  std::string out = fmt::format("embedding    {} tokens of {}", grouped(spec.vocab_size),
                                spec.d_embedding > 0 ? fmt::format("{}, widened to {}", spec.d_embedding, spec.d_model)
                                                     : std::to_string(spec.d_model));
  if (spec.embedding_scale != 1) out += fmt::format(", times {}", spec.embedding_scale);
  if (spec.embedding_norm) out += fmt::format(", {}", norm_text(spec.embedding_norm));
  return out + "\n";
}

std::string output_text(const ModelSpec& spec) {
  std::string out = fmt::format("output       {} scores, {}", grouped(spec.vocab_size),
                                spec.tied_output ? "the embedding again" : "a matrix of its own");
  if (spec.d_embedding > 0) out += fmt::format(", of a state narrowed to {}", spec.d_embedding);
  if (spec.output_head) out += fmt::format(", of one more map and {}", norm_text(spec.output_head->norm));
  if (spec.output_bias) out += ", bias";
  if (spec.output_scales) out += ", each times a learned number";
  if (spec.logit_scale != 1) out += fmt::format(", times {}", spec.logit_scale);
  if (spec.final_logit_softcap > 0) out += fmt::format(", capped at {}", spec.final_logit_softcap);
  return out + "\n";
}

std::string inspect_text(const Inspected& inspected, const Options& options, const MemoryShares& shares) {
  const auto& [model, sampling, name, roles] = inspected;
  const ModelSpec& spec = model.spec;
  const Format kv_type = options.kv_type;
  std::string out =
      fmt::format("model        {}\nfamily       {}\nparameters   {}\n", name, spec.family, grouped(parameters(model)));
  out += fmt::format("weights      {} bytes:", grouped(model.weight_bytes));
  for (const auto& [format, use] : formats(model))
    out += fmt::format(" {} {} ({} tensors)", grouped(use.bytes), format, use.tensors);
  out += fmt::format("\ncontext      {} tokens\nkv cache     {} bytes a token\n", grouped(spec.context_length),
                     grouped(kv_bytes_per_token(spec, kv_type)));
  if (const std::size_t bytes = SequenceState::recurrent_bytes(spec); bytes > 0)
    out += fmt::format("state        {} bytes a sequence, whatever its length\n", grouped(bytes));
  out += remembers_text(spec, kv_type);
  out += memory_text(spec, batch_engine_options(options, spec), shares);
  out += embedding_text(spec);
  const bool learned = !std::holds_alternative<std::monostate>(spec.positions);
  out += fmt::format("positions    {}\n", learned ? positions_text(spec.positions) : "in attention, layer by layer");
  if (spec.layer_embedding) {
    out += fmt::format("layer inputs {} tokens of {} a layer\n", grouped(spec.layer_embedding->vocab_size),
                       spec.layer_embedding->width);
  }
  out += loop_text(spec);
  out += layers_text(spec.layers);
  out += fmt::format("final norm   {}\n", norm_text(spec.final_norm));
  out += output_text(spec);
  out += fmt::format("begins with  {}\n", spec.bos_token ? std::to_string(*spec.bos_token) : "nothing");
  out += fmt::format("ends with    {}\n",
                     spec.eos_tokens.empty() ? "nothing" : fmt::format("{}", fmt::join(spec.eos_tokens, ", ")));
  for (std::size_t i = 0; i < roles.size(); ++i)
    out += fmt::format("{}{} {}{}", i == 0 ? "roles        " : ", ", roles[i].role, roles[i].id,
                       i + 1 == roles.size() ? "\n" : "");
  for (const LeftOut& left : model.left_out) {
    out += fmt::format("left out     {}*: {}, {} tensors, {} bytes\n", escaped(left.prefix), left.what,
                       grouped(left.tensors), grouped(left.bytes));
  }
  out += fmt::format("sampling     temperature {}, top-k {}, top-p {}, min-p {}, typical-p {}, repeat-penalty {}\n",
                     sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p, sampling.typical_p,
                     sampling.repeat_penalty);
  return out;
}

std::string tensors_text(const Model& model) {
  std::string out;
  for (const TensorUse& tensor : model.tensors) {
    out += fmt::format("{}\t{}\t{}\t{}\t{}\n", escaped(tensor.name), tensor.role, format_info(tensor.format).name,
                       fmt::join(tensor.shape, "x"), tensor.bytes);
  }
  return out;
}

// A model that cannot be run is told as its files are, where they can be read; the error remains.
Result<void> inspect_unsupported(const ModelFiles& files, const Options& options, const Error& error) {
  const auto checkpoint = load_checkpoint(files);
  if (!checkpoint) return error;
  CONTINUO_TRY_VOID(options.json ? print_json(checkpoint_json(*checkpoint, error.message(), options.tensors))
                                 : print(checkpoint_text(*checkpoint, error.message(), options.tensors)));
  return error;
}

}  // namespace

Result<void> run_inspect(const Options& options) {
  if (options.families) return options.json ? print_json(families_json()) : print(families_text());
  CONTINUO_TRY(const ModelFiles files, find_model(options.model));
  auto loaded = load_model(files);
  if (!loaded) return inspect_unsupported(files, options, loaded.error());
  CONTINUO_TRY_VOID(set_loops(options, loaded->spec));
  const Model& model = *loaded;
  CONTINUO_TRY(const SamplingOptions sampling, generation_defaults(*model.storage));
  CONTINUO_TRY(const MemoryShares shares, share_memory(model.spec, batch_engine_options(options, model.spec)));
  // What the network is can be shown without a tokenizer.
  const auto tokenizer = has_tokenizer(files) ? load_tokenizer(files) : Result<Tokenizer>(Error{});
  Inspected inspected{model, sampling, files.name(),
                      token_roles(*model.storage, tokenizer ? &*tokenizer : nullptr, model.spec.vocab_size)};
  if (options.json) return print_json(inspect_json(inspected, options, shares));
  inspected.name = printable(files.name());
  std::string text = inspect_text(inspected, options, shares);
  if (options.tensors) text += "\n" + tensors_text(model);
  return print(text);
}

}  // namespace continuo
