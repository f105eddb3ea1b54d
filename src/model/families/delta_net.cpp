#include "model/families/delta_net.h"

#include <fmt/format.h>

namespace continuo {

Result<DeltaNetSpec> delta_net_spec(const HyperParameters& p, const DeltaNetDefaults& defaults) {
  DeltaNetSpec spec;
  CONTINUO_TRY(spec.n_key_heads, p.count_or("n_key_heads", defaults.n_key_heads, kMaxHeads));
  CONTINUO_TRY(spec.n_value_heads, p.count_or("n_value_heads", defaults.n_value_heads, kMaxHeads));
  CONTINUO_TRY(spec.key_dim, p.count_or("key_dim", defaults.key_dim));
  CONTINUO_TRY(spec.value_dim, p.count_or("value_dim", defaults.value_dim > 0 ? defaults.value_dim : 2 * spec.key_dim));
  CONTINUO_TRY(spec.d_conv, p.count_or("conv_kernel", 4, kMaxConvKernel));
  if (spec.n_value_heads % spec.n_key_heads != 0) {
    return model_error(p.file(), fmt::format("{} heads of values for {} heads of keys, expected a multiple",
                                             spec.n_value_heads, spec.n_key_heads));
  }
  // The state of a layer has so many floats, and the widths are below that; the first product fits 64 bits.
  const long long keys = static_cast<long long>(spec.n_value_heads) * spec.key_dim;
  if (keys > HyperParameters::kLargest || keys * spec.value_dim > HyperParameters::kLargest) {
    return model_error(
        p.file(), fmt::format("{} heads with states of {} x {}, expected at most {} values in all", spec.n_value_heads,
                              spec.key_dim, spec.value_dim, HyperParameters::kLargest));
  }
  // The same activation stands in the feed-forward network and behind the convolution.
  CONTINUO_TRY(const Activation kind, activation(p, "silu"));
  if (kind != Activation::silu) return p.wrong("activation", "silu, the only one that delta nets are run with");
  return spec;
}

Result<std::vector<bool>> full_attention_layers(const HyperParameters& p, std::size_t n_layers, int interval) {
  std::vector<bool> full(n_layers);
  CONTINUO_TRY(const bool listed, p.has("layer_types"));
  if (!listed) {
    for (std::size_t i = 0; i < n_layers; ++i) full[i] = (i + 1) % static_cast<std::size_t>(interval) == 0;
    return full;
  }
  CONTINUO_TRY(const std::vector<std::string> types, p.texts("layer_types", n_layers));
  for (std::size_t i = 0; i < n_layers; ++i) {
    if (types[i] != "linear_attention" && types[i] != "full_attention")
      return p.wrong_item("layer_types", i, "linear_attention or full_attention");
    full[i] = types[i] == "full_attention";
  }
  return full;
}

}  // namespace continuo
