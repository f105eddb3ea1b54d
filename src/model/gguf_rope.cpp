#include "model/gguf_rope.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "io/checkpoint.h"
#include "model/gguf_metadata.h"

namespace continuo {

namespace {

constexpr std::size_t kMostPairs = 4096;

// What the keys say, each of them by itself, as llama.cpp reads them.
struct Scaling {
  std::string type = "linear";
  double factor = 1;     // positions are divided by it
  double attention = 1;  // cosine and sine are multiplied by it
};

Result<Scaling> read_scaling(const Checkpoint& file) {
  Scaling scaling;
  if (const Json* type = gguf_value(file, "rope.scaling.type")) {
    if (!type->is_string()) return gguf_wrong(file, "rope.scaling.type", "is no text");
    scaling.type = type->get<std::string>();
  }
  CONTINUO_TRY(const auto stated, gguf_number(file, "rope.scaling.factor"));
  CONTINUO_TRY(const auto old, gguf_number(file, "rope.scale_linear"));
  CONTINUO_TRY(const auto attention, gguf_number(file, "rope.scaling.attn_factor"));
  const double factor = stated ? *stated : old.value_or(0);
  if (factor != 0 && scaling.type != "none") scaling.factor = factor;
  scaling.attention = attention.value_or(1);
  for (const auto& [key, value] :
       {std::pair("rope.scaling.factor", scaling.factor), std::pair("rope.scaling.attn_factor", scaling.attention)}) {
    if (!(value > 0) || !std::isfinite(value)) return gguf_wrong(file, key, fmt::format("is {}, expected more", value));
  }
  for (const char* known : {"none", "linear", "yarn", "longrope"}) {
    if (scaling.type == known) return scaling;
  }
  return gguf_wrong(file, "rope.scaling.type",
                    fmt::format("is '{}', expected none, linear, yarn or longrope", scaling.type));
}

// The values of a tensor of factors, one for each pair that turns, each times `factor`.
Result<Json> factors(const Checkpoint& file, const std::string& name, double factor) {
  const auto it = file.tensors.find(name);
  if (it == file.tensors.end()) return model_error(file.name, fmt::format("tensor '{}' is missing", name));
  const TensorView& tensor = it->second;
  if (tensor.shape.size() != 1 || tensor.shape[0] > kMostPairs || !format_is_plain(tensor.format)) {
    return model_error(tensor.file, fmt::format("tensor '{}' is not a short row of floats", name));
  }
  std::vector<float> values(tensor.shape[0]);
  format_info(tensor.format).to_float(tensor.bytes.data(), values.data(), values.size());
  for (float& value : values) value = static_cast<float>(value * factor);
  return Json(values);
}

Result<void> copy_number(const Checkpoint& file, std::string_view key, Json& into, const char* field) {
  CONTINUO_TRY(const auto value, gguf_number(file, key));
  if (value) into[field] = *value;
  return {};
}

// Factors in the file: by two tensors for short and long texts, or by one for all.
Result<Json> scaling_by_factors(const Checkpoint& file, const Scaling& scaling, bool by_length) {
  if (scaling.type == "yarn") {
    return gguf_wrong(file, "rope.scaling.type", "is 'yarn', and the file has a tensor of factors besides");
  }
  Json out = {{"rope_type", "longrope"}, {"attention_factor", scaling.attention}};
  const char* const short_name = by_length ? "rope_factors_short.weight" : "rope_freqs.weight";
  const char* const long_name = by_length ? "rope_factors_long.weight" : "rope_freqs.weight";
  CONTINUO_TRY(out["short_factor"], factors(file, short_name, scaling.factor));
  CONTINUO_TRY(out["long_factor"], factors(file, long_name, scaling.factor));
  if (by_length) {
    CONTINUO_TRY_VOID(
        copy_number(file, "rope.scaling.original_context_length", out, "original_max_position_embeddings"));
  }
  return out;
}

Result<Json> yarn_scaling(const Checkpoint& file, const Scaling& scaling) {
  Json out = {{"rope_type", "yarn"}, {"factor", scaling.factor}};
  // A tenth of the weight of the logarithm by which scores are scaled; cosines and sines are not.
  CONTINUO_TRY(const auto log_multiplier, gguf_number(file, "rope.scaling.yarn_log_multiplier"));
  const bool scales_scores = log_multiplier && *log_multiplier != 0;
  if (scales_scores) out["mscale"] = out["mscale_all_dim"] = *log_multiplier * 10;
  CONTINUO_TRY_VOID(copy_number(file, "rope.scaling.original_context_length", out, "original_max_position_embeddings"));
  CONTINUO_TRY_VOID(copy_number(file, "rope.scaling.yarn_beta_fast", out, "beta_fast"));
  CONTINUO_TRY_VOID(copy_number(file, "rope.scaling.yarn_beta_slow", out, "beta_slow"));
  const double by_factor = scaling.factor > 1 && !scales_scores ? 0.1 * std::log(scaling.factor) + 1 : 1;
  out["attention_factor"] = scaling.attention * by_factor;
  return out;
}

// The same factor for all of `pairs`, with a factor on cosine and sine.
Json linear_scaling(const Scaling& scaling, std::size_t pairs) {
  if (scaling.attention == 1) return {{"rope_type", "linear"}, {"factor", scaling.factor}};
  const std::vector<double> all(std::min(pairs, kMostPairs), scaling.factor);
  return {
      {"rope_type", "longrope"}, {"attention_factor", scaling.attention}, {"short_factor", all}, {"long_factor", all}};
}

}  // namespace

Result<void> add_gguf_rope(const Checkpoint& file, Json& config) {
  if (!config.contains("rope_theta")) config["rope_theta"] = 10000.0;  // llama.cpp's, whatever the family's is
  double head_dim = config.value("head_dim", 0.0);
  if (head_dim == 0) {
    head_dim = std::floor(config.value("hidden_size", 0.0) / config.value("num_attention_heads", 1.0));
  }
  CONTINUO_TRY(const auto stated, gguf_number(file, "rope.dimension_count"));
  const double turning = stated.value_or(head_dim);
  if (stated && (!(turning >= 1) || turning > head_dim)) {
    return gguf_wrong(file, "rope.dimension_count", fmt::format("is {}, expected 1 to {}", turning, head_dim));
  }
  // A little more than the quotient, so that rounding cannot lose a dimension.
  if (turning < head_dim) config["partial_rotary_factor"] = (turning + 1e-6) / head_dim;
  if (stated && turning == head_dim) config["partial_rotary_factor"] = 1.0;  // whatever the family's part is

  CONTINUO_TRY(const Scaling scaling, read_scaling(file));
  const bool by_length =
      gguf_stored(file, "rope_factors_long.weight") || gguf_stored(file, "rope_factors_short.weight");
  if (by_length || gguf_stored(file, "rope_freqs.weight")) {
    CONTINUO_TRY(config["rope_scaling"], scaling_by_factors(file, scaling, !gguf_stored(file, "rope_freqs.weight")));
  } else if (scaling.type == "yarn") {
    CONTINUO_TRY(config["rope_scaling"], yarn_scaling(file, scaling));
  } else if (scaling.factor != 1 || scaling.attention != 1) {
    config["rope_scaling"] = linear_scaling(scaling, static_cast<std::size_t>(std::max(turning, 0.0) / 2));
  }
  return {};
}

}  // namespace continuo
