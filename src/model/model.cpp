#include "model/model.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"
#include "io/checkpoint.h"
#include "model/bind.h"
#include "model/families.h"
#include "model/fp8.h"
#include "model/gguf.h"
#include "model/hyper_parameters.h"
#include "model/wrappers.h"

namespace continuo {

namespace {

Result<const Family*> family_of(const HyperParameters& parameters) {
  CONTINUO_TRY(const std::string model_type, parameters.text("family"));
  if (const Family* family = find_family(model_type)) return family;
  return parameters.wrong("family", "one that 'continuo inspect --families' lists",
                          "this kind of model is not supported");
}

// Weights packed by a quantization tool cannot be read as plain numbers, whatever their tensors are called.
Result<void> refuse_quantized(const HyperParameters& parameters, const TensorNames& names) {
  const Json* quantization = parameters.raw("quantization_config");
  if (!quantization) return {};
  std::string method;
  if (quantization->is_object()) {
    CONTINUO_TRY(method,
                 HyperParameters(*quantization, parameters.file(), "quantization_config.").text_or("quantization", ""));
  }
  const auto has_blocks = [](const TensorName& name) { return name.role == Role::expert_gate_up_blocks; };
  if (method == "mxfp4" && std::any_of(names.tensors.begin(), names.tensors.end(), has_blocks)) return {};
  return model_error(
      parameters.file(),
      method.empty() ? "the weights are quantized" : fmt::format("the weights are quantized by {}", method),
      "use the model they were made from");
}

// The ids of `field`: a number, a list of numbers, or absent. An id outside the vocabulary can never be
// drawn: it is left out, and said.
Result<std::set<TokenId>> token_ids(const HyperParameters& parameters, const char* field, int vocab_size) {
  const Json* value = parameters.raw(field);
  std::set<TokenId> ids;
  if (!value) return ids;
  std::string outside;
  const Json list = value->is_array() ? *value : Json::array({*value});
  for (const Json& id : list) {
    if (!id.is_number_integer()) {
      return model_error(parameters.file(), fmt::format("'{}' holds {}, expected token ids", field, id.type_name()));
    }
    // A number of 2^63 and more turns negative here, which is as much outside.
    const auto number = id.get<std::int64_t>();
    if (number >= 0 && number < vocab_size) {
      ids.insert(static_cast<TokenId>(number));
    } else if (outside.empty()) {
      outside = id.dump();
    }
  }
  if (!outside.empty()) {
    spdlog::warn("{}: '{}' names token {}, which is not among the {} of the vocabulary; it is ignored",
                 parameters.file(), field, outside, vocab_size);
  }
  return ids;
}

// Either file may name tokens that end a text; any of them does. So does the token that begins one: a model
// that draws it has started on another text.
Result<void> add_special_tokens(const HyperParameters& config, const Checkpoint& checkpoint, ModelSpec& spec) {
  CONTINUO_TRY(const std::set<TokenId> first, token_ids(config, "bos_token_id", spec.vocab_size));
  if (!first.empty()) spec.bos_token = *first.begin();
  const std::string folder = config.file().substr(0, config.file().rfind('/') + 1);
  const HyperParameters generation(checkpoint.generation_config, folder + "generation_config.json");
  CONTINUO_TRY(std::set<TokenId> ends, token_ids(config, "eos_token_id", spec.vocab_size));
  CONTINUO_TRY(std::set<TokenId> more, token_ids(generation, "eos_token_id", spec.vocab_size));
  ends.merge(more);
  if (spec.bos_token) ends.insert(*spec.bos_token);
  spec.eos_tokens.assign(ends.begin(), ends.end());
  return {};
}

}  // namespace

namespace {

Model assembled(std::shared_ptr<const Checkpoint> storage, ModelSpec spec, BoundWeights bound) {
  return Model{.name = storage->name,
               .spec = std::move(spec),
               .weights = std::move(bound.weights),
               .tensors = std::move(bound.tensors),
               .left_out = std::move(bound.left_out),
               .weight_bytes = bound.bytes,
               .storage = std::move(storage)};
}

// As Matrix::paired_head says, for the biases of such outputs.
void unpair(std::vector<float>& bias, std::size_t head) {
  const std::vector<float> pairs = bias;
  for (std::size_t first = 0; first + head <= bias.size(); first += head) {
    for (std::size_t i = 0; i < head / 2; ++i) {
      bias[first + i] = pairs[first + 2 * i];
      bias[first + i + head / 2] = pairs[first + 2 * i + 1];
    }
  }
}

// Rows of queries and keys that a file has in pairs come out of their product in the network's order.
void mark_paired_heads(const ModelSpec& spec, Weights& weights) {
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const AttentionSpec* const attention = attention_in(spec.layers[i].mixer);
    if (!attention) continue;
    AttentionWeights& bound = *attention_in(weights.layers[i].mixer);
    for (Linear* map : {&bound.q, &bound.k}) {
      map->weight.paired_head = static_cast<std::size_t>(attention->head_dim);
      unpair(map->bias, map->weight.paired_head);
    }
  }
}

Result<Model> build_gguf_model(std::shared_ptr<const Checkpoint> storage) {
  CONTINUO_TRY(const Family* family, gguf_family(*storage));
  CONTINUO_TRY(const Json config, gguf_hyper_parameters(*family, *storage));
  const HyperParameters parameters(config, storage->config_file);
  CONTINUO_TRY(ModelSpec spec, family->spec(parameters));
  spec.family = family->model_type;
  follow_gguf(*storage, spec);
  CONTINUO_TRY_VOID(add_special_tokens(parameters, *storage, spec));
  const std::vector<TensorName> names = gguf_tensor_names(*family);
  constexpr std::array<std::string_view, 1> kNoPrefix = {""};
  CONTINUO_TRY(BoundWeights bound, bind_weights({names, kNoPrefix, kGgufIgnoredTensors}, spec, *storage));
  if (family->gguf.paired_heads) mark_paired_heads(spec, bound.weights);
  return assembled(std::move(storage), std::move(spec), std::move(bound));
}

const Wrapper* wrapper_of(const Checkpoint& checkpoint) {
  const auto type = checkpoint.config.find("model_type");
  return type != checkpoint.config.end() && type->is_string() ? find_wrapper(type->get<std::string>()) : nullptr;
}

// The text model of a checkpoint of several senses.
Result<Model> build_text_model(std::shared_ptr<const Checkpoint> storage, const Wrapper& wrapper) {
  CONTINUO_TRY(const TextConfig text, text_config(wrapper, *storage));
  const HyperParameters parameters(text.config, storage->config_file, text.section);
  CONTINUO_TRY(const Family* family, family_of(parameters));
  CONTINUO_TRY_VOID(refuse_quantized(parameters, family->names));
  CONTINUO_TRY(ModelSpec spec, family->spec(parameters));
  spec.family = family->model_type;
  CONTINUO_TRY_VOID(add_special_tokens(parameters, *storage, spec));
  const TextPlace place = text_place(*storage);
  const std::array prefixes = {place.prefix};
  CONTINUO_TRY(BoundWeights bound, bind_weights({family->names.tensors, prefixes, family->names.ignored}, spec,
                                                *storage, {place.outer, wrapper.others}));
  return assembled(std::move(storage), std::move(spec), std::move(bound));
}

}  // namespace

void Model::release_pages(std::span<const std::byte> some) const {
  if (!storage) return;
  for (const Blob& blob : storage->storage) blob.release_pages(some);
}

Result<Model> build_model(Checkpoint checkpoint) {
  CONTINUO_TRY_VOID(unpack_fp8(checkpoint));
  const auto storage = std::make_shared<const Checkpoint>(std::move(checkpoint));
  if (storage->is_gguf) return build_gguf_model(storage);
  if (const Wrapper* wrapper = wrapper_of(*storage)) return build_text_model(storage, *wrapper);
  const HyperParameters parameters(storage->config, storage->config_file);
  CONTINUO_TRY(const Family* family, family_of(parameters));
  CONTINUO_TRY_VOID(refuse_quantized(parameters, family->names));
  CONTINUO_TRY(ModelSpec spec, family->spec(parameters));
  spec.family = family->model_type;
  CONTINUO_TRY_VOID(add_special_tokens(parameters, *storage, spec));
  CONTINUO_TRY(BoundWeights bound, bind_weights(family->names, spec, *storage));
  return assembled(storage, std::move(spec), std::move(bound));
}

}  // namespace continuo
