#include "layers/alibi.h"

#include <bit>
#include <cstdint>

#include "kernels/kernel_table.h"

namespace continuo {

namespace {

// The nearest bfloat16, ties to the even one.
float to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u);
}

float bias_at(const AlibiSpec& spec, float slope, std::size_t position) {
  const float at = static_cast<float>(position);
  return spec.scale * (spec.bf16_products ? to_bf16(slope * to_bf16(at)) : slope * at);
}

}  // namespace

void AlibiTable::reserve(std::size_t length) {
  for (std::size_t head = 0; head < heads_.size(); ++head) {
    std::vector<float>& bias = heads_[head];
    while (bias.size() < round_up(length, kKeyBlock)) {
      bias.push_back(bias_at(spec_, spec_.slopes[head], bias.size()));
    }
  }
}

}  // namespace continuo
