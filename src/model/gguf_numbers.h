// The numbers of a model under GGUF's names, on their way into a file.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/spec.h"

namespace continuo {

class GgufWriter;

class GgufNumbers {
 public:
  // Keys stand behind "ARCHITECTURE."; a later value of a key replaces an earlier one.
  void set(std::string_view key, int value) { put(key, static_cast<std::uint32_t>(value)); }
  void set(std::string_view key, float value) { put(key, value); }
  void set(std::string_view key, double value) { put(key, static_cast<float>(value)); }
  void set(std::string_view key, bool value) { put(key, value); }
  void set(std::string_view key, const char* value) { put(key, std::string(value)); }
  void set(std::string_view key, std::vector<bool> values) { put(key, std::move(values)); }
  void set(std::string_view key, std::vector<std::int32_t> values) { put(key, std::move(values)); }
  // One number where all layers have the same, else a list.
  void set_by_layer(std::string_view key, const std::vector<std::int32_t>& values);
  void drop(std::string_view key);

  void write(std::string_view architecture, GgufWriter& into) const;

 private:
  using Value = std::variant<std::uint32_t, float, bool, std::string, std::vector<bool>, std::vector<std::int32_t>>;
  void put(std::string_view key, Value value) { values_.insert_or_assign(std::string(key), std::move(value)); }

  std::map<std::string, Value, std::less<>> values_;
};

// What all architectures say in the same way.
GgufNumbers gguf_numbers(const ModelSpec& spec);

// The number whose inverse, rounded to float32, is `scale`: files hold divisors.
float gguf_divisor(float scale);
// "attention.sliding_window_pattern": whether each layer has a window, as a list.
void set_window_pattern(const ModelSpec& spec, GgufNumbers& into);
// "leading_dense_block_count": the layers before the first with experts.
void set_leading_dense(const ModelSpec& spec, GgufNumbers& into);
// The first layer's part of a kind, as a mixer or beside others; null where no layer has one.
const AttentionSpec* first_attention(const ModelSpec& spec);
template <class Part>
const Part* first_mixer(const ModelSpec& spec) {
  for (const LayerSpec& layer : spec.layers) {
    if (const auto* part = std::get_if<Part>(&layer.mixer)) return part;
    if (const auto* beside = std::get_if<BesideSpec>(&layer.mixer)) {
      for (const BesidePart& each : beside->parts) {
        if (const auto* part = std::get_if<Part>(&each.mixer)) return part;
      }
    }
  }
  return nullptr;
}
template <class Part>
const Part* first_ffn(const ModelSpec& spec) {
  for (const LayerSpec& layer : spec.layers) {
    if (const auto* part = std::get_if<Part>(&layer.ffn)) return part;
  }
  return nullptr;
}

}  // namespace continuo
