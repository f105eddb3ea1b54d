#include "model/gguf_export.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>
#include <numbers>

#include "model/gguf.h"

namespace continuo {

namespace {

// Families whose files are written. `fused_qkv`: queries, keys and values make one tensor.
struct Written {
  std::string_view family, architecture;
  bool fused_qkv;
};
constexpr auto kWritten = std::to_array<Written>({
    {"llama", "llama", false},
    {"mistral", "llama", false},
    {"qwen2", "qwen2", false},
    {"qwen3", "qwen3", false},
    {"gpt2", "gpt2", true},
});

// One output's weights, whatever the layout.
void output_row(const Matrix& w, std::size_t r, float* values) {
  const FormatInfo& info = format_info(w.format);
  if (w.layout == Layout::row_major)
    return info.to_float(w.data + stored_bytes(w.format, r * w.stride), values, w.cols);
  for (std::size_t c = 0; c < w.cols; ++c) {
    info.to_float(w.data + stored_bytes(w.format, c * w.stride + r), values + c, 1);
  }
}

// Which of a matrix's outputs is row `r` in the file, where heads of `head` outputs stand in pairs (0: they do not).
std::size_t paired_output(std::size_t r, std::size_t head) {
  if (head == 0) return r;
  const std::size_t i = r % head;
  return r - i + i / 2 + i % 2 * (head / 2);
}

class Exporter {
 public:
  Exporter(const Model& model, const Written& written, GgufWriter& into)
      : model_(model), spec_(model.spec), arch_(written.architecture), fused_(written.fused_qkv), into_(into) {}

  Result<void> run() {
    CONTINUO_TRY_VOID(numbers());
    tensors();
    return {};
  }

 private:
  Error cannot(std::string what) const {
    return model_error(model_.name, fmt::format("{} cannot be written as GGUF yet", what));
  }
  std::string key(std::string_view name) const { return fmt::format("{}.{}", arch_, name); }
  void add(std::string_view name, int value) { into_.add(key(name), static_cast<std::uint32_t>(value)); }
  void add(std::string_view name, float value) { into_.add(key(name), value); }

  Result<void> numbers() {
    const LayerSpec& layer = spec_.layers.front();
    const auto* attention = std::get_if<AttentionSpec>(&layer.mixer);
    const auto* feed = std::get_if<FeedForwardSpec>(&layer.ffn);
    if (!attention || !feed || !spec_.final_norm) return cannot(fmt::format("this {}", spec_.family));
    into_.add("general.architecture", arch_);
    into_.add("general.name", std::string_view(model_.name).substr(model_.name.rfind('/') + 1));
    add("block_count", static_cast<int>(spec_.layers.size()));
    add("context_length", spec_.context_length);
    add("embedding_length", spec_.d_model);
    add("feed_forward_length", feed->d_ff);
    add("attention.head_count", attention->n_heads);
    add("attention.head_count_kv", attention->n_kv_heads);
    add("vocab_size", spec_.vocab_size);
    if (const auto* norm = std::get_if<RmsNormSpec>(&*spec_.final_norm))
      add("attention.layer_norm_rms_epsilon", norm->eps);
    if (const auto* norm = std::get_if<LayerNormSpec>(&*spec_.final_norm))
      add("attention.layer_norm_epsilon", norm->eps);
    if (!attention->rope) return {};
    add("attention.key_length", attention->head_dim);
    add("attention.value_length", attention->head_dim);
    add("rope.dimension_count", attention->rope->rotary_dim);
    add("rope.freq_base", static_cast<float>(attention->rope->theta));
    return scaling(*attention->rope);
  }

  Result<void> scaling(const RopeSpec& rope) {
    if (std::holds_alternative<std::monostate>(rope.scaling)) return {};
    if (const auto* linear = std::get_if<RopeLinear>(&rope.scaling)) {
      into_.add(key("rope.scaling.type"), std::string_view("linear"));
      add("rope.scaling.factor", static_cast<float>(linear->factor));
      return {};
    }
    if (const auto* llama3 = std::get_if<RopeLlama3>(&rope.scaling)) {
      vector("rope_freqs.weight", std::make_shared<std::vector<float>>(factors(rope, *llama3)));
      return {};
    }
    return cannot("this scaling of rotary positions");
  }

  // By how much each pair's frequency is divided, in the words of RopeLlama3.
  static std::vector<float> factors(const RopeSpec& rope, const RopeLlama3& scaling) {
    std::vector<float> out;
    for (int i = 0; i < rope.rotary_dim / 2; ++i) {
      const double length = 2 * std::numbers::pi * std::pow(rope.theta, 2.0 * i / rope.rotary_dim);
      const double turns = scaling.original_context / length;  // in the original context
      double factor = scaling.factor;
      if (turns > scaling.high_freq_factor) {
        factor = 1;
      } else if (turns >= scaling.low_freq_factor) {
        const double smooth = (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
        factor = 1 / ((1 - smooth) / scaling.factor + smooth);
      }
      out.push_back(static_cast<float>(factor));
    }
    return out;
  }

  void tensors() {
    const Weights& weights = model_.weights;
    matrix("token_embd.weight", weights.embedding);
    if (weights.learned_positions.data) matrix("position_embd.weight", weights.learned_positions);
    norm("output_norm", weights.final_norm);
    if (!spec_.tied_output) matrix("output.weight", weights.output.weight);
    if (!weights.output.bias.empty()) vector("output.bias", share(weights.output.bias));
    for (std::size_t i = 0; i < weights.layers.size(); ++i) {
      const std::string prefix = fmt::format("blk.{}.", i);
      const LayerWeights& layer = weights.layers[i];
      norm(prefix + "attn_norm", layer.mixer_norm);
      norm(prefix + "post_attention_norm", layer.post_mixer_norm);
      norm(prefix + "ffn_norm", layer.ffn_norm);
      norm(prefix + "post_ffw_norm", layer.post_ffn_norm);
      attention(prefix, std::get<AttentionSpec>(spec_.layers[i].mixer), std::get<AttentionWeights>(layer.mixer));
      const auto& feed = std::get<FeedForwardWeights>(layer.ffn);
      if (feed.gate.weight.data) linear(prefix + "ffn_gate", {&feed.gate});
      linear(prefix + "ffn_up", {&feed.up});
      linear(prefix + "ffn_down", {&feed.down});
    }
  }

  void attention(const std::string& prefix, const AttentionSpec& spec, const AttentionWeights& weights) {
    if (fused_) {
      linear(prefix + "attn_qkv", {&weights.q, &weights.k, &weights.v});
    } else {
      const std::size_t head = arch_ == "llama" ? static_cast<std::size_t>(spec.head_dim) : 0;
      linear(prefix + "attn_q", {&weights.q}, head);
      linear(prefix + "attn_k", {&weights.k}, head);
      linear(prefix + "attn_v", {&weights.v});
    }
    norm(prefix + "attn_q_norm", weights.q_norm);
    norm(prefix + "attn_k_norm", weights.k_norm);
    linear(prefix + "attn_output", {&weights.out});
  }

  // Maps of the same inputs, their outputs one after the other.
  void linear(const std::string& name, const std::vector<const Linear*>& parts, std::size_t head = 0) {
    std::size_t rows = 0;
    auto bias = std::make_shared<std::vector<float>>();
    for (const Linear* part : parts) {
      for (std::size_t r = 0; r < part->bias.size(); ++r) bias->push_back(part->bias[paired_output(r, head)]);
      rows += part->weight.rows;
    }
    const auto row = [parts, head](std::size_t r, float* values) {
      std::size_t part = 0;
      for (; r >= parts[part]->weight.rows; ++part) r -= parts[part]->weight.rows;
      output_row(parts[part]->weight, paired_output(r, head), values);
    };
    into_.add(
        {.name = name + ".weight", .shape = {rows, parts.front()->weight.cols}, .format = Format::f32, .row = row});
    if (!bias->empty()) vector(name + ".bias", std::move(bias));
  }

  void matrix(const std::string& name, const Matrix& w) {
    into_.add(
        {.name = name, .shape = {w.rows, w.cols}, .format = Format::f32, .row = [&w](std::size_t r, float* values) {
           output_row(w, r, values);
         }});
  }

  void norm(const std::string& name, const NormWeights& norm) {
    if (!norm.weight.empty()) vector(name + ".weight", share(norm.weight));
    if (!norm.bias.empty()) vector(name + ".bias", share(norm.bias));
  }

  static std::shared_ptr<std::vector<float>> share(const std::vector<float>& values) {
    return std::make_shared<std::vector<float>>(values);
  }
  void vector(const std::string& name, std::shared_ptr<std::vector<float>> values) {
    const std::size_t n = values->size();
    into_.add({.name = name, .shape = {n}, .format = Format::f32, .row = [values](std::size_t, float* out) {
                 std::copy(values->begin(), values->end(), out);
               }});
  }

  const Model& model_;
  const ModelSpec& spec_;
  std::string_view arch_;
  bool fused_;
  GgufWriter& into_;
};

Format of_smaller_blocks(Format format) {
  switch (format) {
    case Format::q2_k:
    case Format::q3_k:
    case Format::iq4_xs:
      return Format::iq4_nl;
    case Format::q4_k:
      return Format::q5_0;
    case Format::q5_k:
      return Format::q5_1;
    case Format::q6_k:
      return Format::q8_0;
    default:
      return Format::f16;
  }
}

}  // namespace

Result<void> export_gguf(const Model& model, GgufWriter& into) {
  std::string known;
  for (const Written& written : kWritten) {
    if (written.family == model.spec.family) return Exporter(model, written, into).run();
    known += fmt::format("{}{}", known.empty() ? "" : ", ", written.family);
  }
  return model_error(model.name, fmt::format("a {} cannot be written as GGUF, only {}", model.spec.family, known));
}

Format format_for(const GgufOutput& tensor, Format wanted) {
  const bool matters = tensor.name.find("ffn_gate_inp") != std::string::npos || tensor.name == "position_embd.weight";
  if (tensor.shape.size() < 2 || matters) return Format::f32;
  Format format = wanted;
  while (tensor.shape.back() % format_info(format).block_values != 0) format = of_smaller_blocks(format);
  return format;
}

}  // namespace continuo
