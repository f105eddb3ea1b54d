// What families share: the parts of a spec that most files say in the same way.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/error.h"
#include "model/hyper_parameters.h"
#include "model/spec.h"

namespace continuo {

// More than any model has; what is made for each of them stays small.
inline constexpr int kMaxLayers = 4096;
inline constexpr int kMaxHeads = 4096;
inline constexpr int kMaxExperts = 4096;
inline constexpr int kMaxConvKernel = 64;  // layers/causal_conv.cpp has room for so many taps

struct PlainDefaults {
  bool tied_output = false;
  int context_length = 0;  // 0: the file must say
  std::string_view context_name = "context_length";
};
// d_model, vocab_size, context_length, tied_output; an error if one is missing.
Result<ModelSpec> plain_spec(const HyperParameters& parameters, const PlainDefaults& defaults);

// d_model / n_heads; an error if it leaves a rest.
Result<int> even_head_dim(const HyperParameters& parameters, int d_model, int n_heads);
// n_heads, n_kv_heads (default: n_heads), head_dim (default: the given one, or d_model / n_heads where that
// is 0), scale 1 / sqrt(head_dim); no positions.
Result<AttentionSpec> plain_attention(const HyperParameters& parameters, const ModelSpec& model, int head_dim = 0);

Result<Activation> activation(const HyperParameters& parameters, std::string fallback,
                              std::string_view name = "activation");
// d_ff (0: the file must say) and activation; the rest as given.
Result<FeedForwardSpec> plain_feed(const HyperParameters& parameters, FeedForwardSpec feed, std::string activation);
Result<float> norm_eps(const HyperParameters& parameters, double fallback);

// n_layers of the same kind.
Result<void> fill_layers(const HyperParameters& parameters, ModelSpec& spec, const LayerSpec& layer);
// A loop through all layers, with the last norm between where `norms`.
Result<LoopSpec> plain_loop(const HyperParameters& parameters, const ModelSpec& spec, int fallback, bool norms);
// `n` layers from `first` on.
std::vector<std::size_t> layer_range(std::size_t first, std::size_t n);
// An error if a field of the file that would change the network, and that nothing is known of here, is set: to neither
// null, false, 0 nor an empty list.
Result<void> refuse_fields(const HyperParameters& parameters, std::initializer_list<const char*> fields);

// The attention of a layer that has one by construction.
AttentionSpec& attention_of(LayerSpec& layer);

// The layers that look back through a window: those that "layer_types" says, else those that `rule` says.
// They get `window`, which must not be 0 then.
Result<void> set_windows(const HyperParameters& parameters, ModelSpec& spec, int window,
                         const std::function<bool(int layer)>& rule);
// The file's window: 0 for null, `fallback` where nothing is said.
Result<int> window_or(const HyperParameters& parameters, int fallback);

// n_experts, n_active and normalize, of experts like `expert`.
Result<ExpertsSpec> plain_experts(const HyperParameters& parameters, const FeedForwardSpec& expert,
                                  bool normalized_by_default);

// The slopes of Press et al. 2021 for n heads, from 2^(-bits/n) to 2^-bits: where n is no power of two, those
// of the next smaller one, and then every other one of twice as many.
std::vector<float> alibi_slopes(int n_heads, double bits = 8);

// An error unless the flag is as the network computed here has it; `why` says what is not supported.
Result<void> expect_flag(const HyperParameters& parameters, std::string_view name, bool expected, std::string_view why);

}  // namespace continuo
