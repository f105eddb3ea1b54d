// Binding the parts of a block: helpers that find the tensors of linear maps and norms, and one function for each kind
// of mixer and feed-forward part.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "model/spec.h"
#include "model/tensor_finder.h"
#include "model/weights.h"

namespace continuo {

struct MapSize {
  std::size_t rows, cols;
};

// `count` outputs of a map, from output `first`: the same bytes, seen through a window.
Matrix outputs_of(const Matrix& whole, std::size_t first, std::size_t count);
Linear outputs_of(const Linear& whole, std::size_t first, std::size_t count);

// The roles of a norm's weight and bias, and where the norm stands. Some norms have no role for a bias.
struct NormRoles {
  Role weight;
  std::optional<Role> bias;
  TensorPlace place;
};

class PartBinder {
 public:
  // Both must outlive this.
  PartBinder(TensorFinder& finder, std::size_t d_model) : finder_(finder), d_model_(d_model) {}

  TensorFinder& finder() { return finder_; }
  // Memory for values that are computed with otherwise than they are stored.
  std::byte* make(std::size_t bytes) {
    auto memory = std::make_shared<std::vector<std::byte>>(bytes);
    made_.push_back(memory);
    return memory->data();
  }
  std::vector<std::shared_ptr<const std::vector<std::byte>>> take_made() { return std::move(made_); }
  std::size_t d_model() const { return d_model_; }

  // Whether the file has two roles in one tensor: the names know the role `together` and not `apart`, or that is what
  // is stored.
  bool fused(Role together, Role apart, const TensorPlace& place) const;
  Result<Linear> linear(Role weight, Role bias, const TensorPlace& place, bool has_bias, MapSize size);
  // Without a bias.
  Result<Linear> linear(Role weight, const TensorPlace& place, MapSize size);
  // `shape`: of the weights in the file. Nothing where the spec has no norm.
  Result<NormWeights> norm(const NormRoles& roles, const std::optional<NormSpec>& spec,
                           std::initializer_list<std::size_t> shape);
  // Extents of 1 may be left out of the file's shape, or be there besides.
  Result<std::vector<float>> values(Role role, const TensorPlace& place, std::initializer_list<std::size_t> shape);
  // Values that a state fades by, each changed by `change`: an error names one that comes to no finite number.
  template <class Change>
  Result<std::vector<float>> decays(Role role, const TensorPlace& place, std::initializer_list<std::size_t> shape,
                                    Change change);
  // What layers share, bound once; by the layer under which it is stored.
  std::map<std::size_t, SharedBlockWeights>& shared() { return shared_; }
  // The filters of a causal convolution, one a channel: kernel rows of `channels`, the oldest token's first.
  Result<std::vector<float>> filters(Role role, const TensorPlace& place, std::size_t channels, std::size_t kernel);

 private:
  Result<NormWeights> norm_of(const NormRoles& roles, const RmsNormSpec& spec, std::span<const std::size_t> shape);
  Result<NormWeights> norm_of(const NormRoles& roles, const LayerNormSpec& spec, std::span<const std::size_t> shape);
  Result<std::vector<float>> norm_weight(const NormRoles& roles, bool stored, std::span<const std::size_t> shape);

  TensorFinder& finder_;
  std::size_t d_model_;
  std::vector<std::shared_ptr<const std::vector<std::byte>>> made_;
  std::map<std::size_t, SharedBlockWeights> shared_;
};

template <class Change>
Result<std::vector<float>> PartBinder::decays(Role role, const TensorPlace& place,
                                              std::initializer_list<std::size_t> shape, Change change) {
  CONTINUO_TRY(std::vector<float> all, values(role, place, shape));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double changed = change(static_cast<double>(all[i]));
    if (!std::isfinite(static_cast<float>(changed)))
      return finder_.wrong(role, place, fmt::format("holds {} as value {}, which makes no decay", all[i], i));
    all[i] = static_cast<float>(changed);
  }
  return all;
}

// The weights of one part of the layer at `place`.
Result<AttentionWeights> bind_part(PartBinder& binder, const TensorPlace& place, const AttentionSpec& spec);
Result<ShortConvWeights> bind_part(PartBinder& binder, const TensorPlace& place, const ShortConvSpec& spec);
Result<BesideWeights> bind_part(PartBinder& binder, const TensorPlace& place, const BesideSpec& spec);
Result<MambaWeights> bind_part(PartBinder& binder, const TensorPlace& place, const MambaSpec& spec);
Result<Mamba2Weights> bind_part(PartBinder& binder, const TensorPlace& place, const Mamba2Spec& spec);
Result<DeltaNetWeights> bind_part(PartBinder& binder, const TensorPlace& place, const DeltaNetSpec& spec);
Result<RgLruWeights> bind_part(PartBinder& binder, const TensorPlace& place, const RgLruSpec& spec);
Result<Rwkv4Weights> bind_part(PartBinder& binder, const TensorPlace& place, const Rwkv4Spec& spec);
Result<RwkvWeights> bind_part(PartBinder& binder, const TensorPlace& place, const RwkvSpec& spec);
Result<ChannelMixWeights> bind_part(PartBinder& binder, const TensorPlace& place, const ChannelMixSpec& spec);
Result<FeedForwardWeights> bind_part(PartBinder& binder, const TensorPlace& place, const FeedForwardSpec& spec);
Result<ExpertsWeights> bind_part(PartBinder& binder, const TensorPlace& place, const ExpertsSpec& spec);
Result<SharedBlockWeights> bind_part(PartBinder& binder, const TensorPlace& place, const SharedBlockSpec& spec);
inline Result<std::monostate> bind_part(PartBinder&, const TensorPlace&, std::monostate) { return std::monostate(); }

Result<MixerWeights> bind_mixer(PartBinder& binder, const TensorPlace& place, const MixerSpec& spec);
Result<FfnWeights> bind_ffn(PartBinder& binder, const TensorPlace& place, const FfnSpec& spec);

}  // namespace continuo
