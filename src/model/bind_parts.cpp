#include "model/bind_parts.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace continuo {

Matrix outputs_of(const Matrix& whole, std::size_t first, std::size_t count) {
  Matrix part = whole;
  part.rows = count;
  part.data += stored_bytes(whole.format, whole.layout == Layout::row_major ? first * whole.stride : first);
  return part;
}

Linear outputs_of(const Linear& whole, std::size_t first, std::size_t count) {
  Linear part{outputs_of(whole.weight, first, count), {}};
  if (!whole.bias.empty()) {
    const auto begin = whole.bias.begin() + static_cast<std::ptrdiff_t>(first);
    part.bias.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return part;
}

bool PartBinder::fused(Role together, Role apart, const TensorPlace& place) const {
  return finder_.named(together) && (!finder_.named(apart) || finder_.stored(together, place));
}

Result<Linear> PartBinder::linear(Role weight, const TensorPlace& place, MapSize size) {
  return linear(weight, weight, place, false, size);
}

Result<Linear> PartBinder::linear(Role weight, Role bias, const TensorPlace& place, bool has_bias, MapSize size) {
  Linear into;
  CONTINUO_TRY(into.weight, finder_.matrix(weight, place, size.rows, size.cols));
  if (has_bias) {
    CONTINUO_TRY(into.bias, finder_.values(bias, place, std::array{size.rows}));
  }
  return into;
}

Result<NormWeights> PartBinder::norm(const NormRoles& roles, const std::optional<NormSpec>& spec,
                                     std::initializer_list<std::size_t> shape) {
  if (!spec) return NormWeights{};
  const std::span<const std::size_t> extents(shape.begin(), shape.size());
  return std::visit([&](const auto& kind) { return norm_of(roles, kind, extents); }, *spec);
}

Result<NormWeights> PartBinder::norm_of(const NormRoles& roles, const RmsNormSpec& spec,
                                        std::span<const std::size_t> shape) {
  NormWeights into;
  CONTINUO_TRY(into.weight, norm_weight(roles, spec.weight, shape));
  if (spec.unit_offset) {
    for (float& weight : into.weight) weight += 1;
  }
  if (spec.unit_length) {
    CONTINUO_CHECK(!spec.weight, "a norm to length 1 has no weights");
    const float factor = 1 / std::sqrt(static_cast<float>(shape.front()));
    std::fill(into.weight.begin(), into.weight.end(), factor);
  }
  return into;
}

Result<NormWeights> PartBinder::norm_of(const NormRoles& roles, const LayerNormSpec& spec,
                                        std::span<const std::size_t> shape) {
  NormWeights into;
  CONTINUO_TRY(into.weight, norm_weight(roles, spec.weight, shape));
  if (spec.unit_offset) {
    for (float& weight : into.weight) weight += 1;
  }
  if (!spec.bias) return into;
  CONTINUO_CHECK(roles.bias, "there is no role for this norm's bias");
  CONTINUO_TRY(into.bias, finder_.values(*roles.bias, roles.place, shape));
  return into;
}

Result<std::vector<float>> PartBinder::norm_weight(const NormRoles& roles, bool stored,
                                                   std::span<const std::size_t> shape) {
  if (stored) return finder_.values(roles.weight, roles.place, shape);
  CONTINUO_CHECK(shape.size() == 1, "a norm without weights of its own is a row");
  return std::vector<float>(shape.front(), 1);
}

Result<std::vector<float>> PartBinder::values(Role role, const TensorPlace& place,
                                              std::initializer_list<std::size_t> shape) {
  return finder_.squeezed_values(role, place, std::span(shape.begin(), shape.size()));
}

Result<std::vector<float>> PartBinder::filters(Role role, const TensorPlace& place, std::size_t channels,
                                               std::size_t kernel) {
  CONTINUO_TRY(const std::vector<float> stored, values(role, place, {channels, kernel}));
  std::vector<float> by_tap(stored.size());
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t k = 0; k < kernel; ++k) by_tap[k * channels + c] = stored[c * kernel + k];
  }
  return by_tap;
}

Result<MixerWeights> bind_mixer(PartBinder& binder, const TensorPlace& place, const MixerSpec& spec) {
  return std::visit(
      [&](const auto& kind) -> Result<MixerWeights> {
        CONTINUO_TRY(auto weights, bind_part(binder, place, kind));
        return MixerWeights(std::move(weights));
      },
      spec);
}

Result<FfnWeights> bind_ffn(PartBinder& binder, const TensorPlace& place, const FfnSpec& spec) {
  return std::visit(
      [&](const auto& kind) -> Result<FfnWeights> {
        CONTINUO_TRY(auto weights, bind_part(binder, place, kind));
        return FfnWeights(std::move(weights));
      },
      spec);
}

Result<BesideWeights> bind_part(PartBinder& binder, const TensorPlace& place, const BesideSpec& spec) {
  BesideWeights into;
  for (const BesidePart& part : spec.parts) {
    CONTINUO_TRY(MixerWeights weights, bind_mixer(binder, place, part.mixer));
    into.parts.push_back(std::move(weights));
  }
  return into;
}

}  // namespace continuo
