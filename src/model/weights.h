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
//   panels:    as kernels/int8.h lays weights out anew; no file has it
// strides count values. `data` has no alignment beyond a byte.
enum class Layout : std::uint8_t { out_major, in_major, panels };

struct Matrix {
  const std::byte* data = nullptr;
  Format format = Format::f32;
  Layout layout = Layout::out_major;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t stride = 0;
  // Above 0: rows make heads of so many, and rows 2i and 2i + 1 of a head are its outputs i and i + paired_head / 2 (GGUF's
  // Llama).
  std::size_t paired_head = 0;
};

struct Linear {
  Matrix weight;
  std::vector<float> bias;  // empty or weight.rows long, in the order of the outputs
};

struct NormWeights {
  std::vector<float> weight;  // one per value normalized (ones where the file holds none; 1 added where the spec says)
  std::vector<float> bias;    // empty or as long
};

struct AttentionWeights {
  Linear q;    // n_heads * head_dim rows
  Linear k;    // n_kv_heads * head_dim rows
  Linear v;    // n_kv_heads * head_dim rows
  Linear qkv;  // instead of the three where grouped_qkv: for each group its queries' rows, its key's, its value's
  Linear out;  // d_model rows
  NormWeights q_norm, k_norm;  // head_dim, or n_heads (n_kv_heads) * head_dim long, as QkNormSpec says
};
using MixerWeights = std::variant<AttentionWeights>;

struct FeedForwardWeights {
  Linear gate;  // d_ff rows; weight.data null unless gated
  Linear up;    // d_ff rows
  Linear down;  // d_model rows
};
struct ExpertsWeights {
  Linear router;                            // n_experts rows
  std::vector<FeedForwardWeights> experts;  // n_experts
  FeedForwardWeights shared;                // if there is one
  Linear shared_gate;                       // one row
};
using FeedWeights = std::variant<FeedForwardWeights, ExpertsWeights>;

struct LayerWeights {  // the norms that the spec has
  NormWeights mixer_norm, mixer_out_norm;
  MixerWeights mixer;
  NormWeights feed_norm, feed_out_norm;
  FeedWeights feed;
};

struct Weights {
  Matrix embedding;          // vocab_size rows of d_embedding (d_model where that is 0), out_major
  Linear widen;              // d_model rows of d_embedding; data null unless the widths differ
  NormWeights embedding_norm;
  Matrix learned_positions;  // count + offset rows of d_model, out_major; data null if the model has none
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  Linear narrow;             // d_embedding rows of d_model; data null unless the widths differ
  Linear output;             // vocab_size rows; the embedding's bytes again when tied
};

}  // namespace continuo
