// The tensors of a model bound to their roles. Matrices stay in the file's bytes and format; vectors (norms, biases)
// become float32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "quant/format.h"

namespace continuo {

// A linear map from `cols` inputs to `rows` outputs over stored values.
//   out_major: value (r, c) stands at data + r * stride + c   (PyTorch's Linear; each row one output)
//   in_major:  value (r, c) stands at data + c * stride + r   (GPT-2's Conv1D)
// strides count values. `data` has no alignment beyond a byte.
enum class Layout : std::uint8_t { out_major, in_major };

struct Matrix {
  const std::byte* data = nullptr;
  Format format = Format::f32;
  Layout layout = Layout::out_major;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;
};

struct Linear {
  Matrix weight;
  std::vector<float> bias;  // empty or weight.rows long
};

struct NormWeights {
  std::vector<float> weight;  // d_model
  std::vector<float> bias;    // empty or d_model
};

struct AttentionWeights {
  Linear q;    // n_heads * head_dim rows
  Linear k;    // n_kv_heads * head_dim rows
  Linear v;    // n_kv_heads * head_dim rows
  Linear out;  // d_model rows
};
using MixerWeights = std::variant<AttentionWeights>;

struct FeedForwardWeights {
  Linear gate;  // d_ff rows; weight.data null unless gated
  Linear up;    // d_ff rows
  Linear down;  // d_model rows
};
using FeedWeights = std::variant<FeedForwardWeights>;

struct LayerWeights {
  NormWeights mixer_norm;
  MixerWeights mixer;
  NormWeights feed_norm;
  FeedWeights feed;
};

struct Weights {
  Matrix embedding;           // vocab_size rows of d_model, out_major
  Matrix learned_positions;   // count rows of d_model, out_major; data null if the model has none
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  Linear output;              // vocab_size rows; the embedding's bytes again when tied
};

}  // namespace continuo
