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
//   row_major: value (r, c) stands at data + r * stride + c   (PyTorch's Linear; each row one output)
//   transposed:  value (r, c) stands at data + c * stride + r   (GPT-2's Conv1D)
//   panels:    as kernels/int8.h lays weights out anew; no file has it
// strides count values. `data` has no alignment beyond a byte.
enum class Layout : std::uint8_t { row_major, transposed, panels };

struct Matrix {
  const std::byte* data = nullptr;
  Format format = Format::f32;
  Layout layout = Layout::row_major;
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

// Where the rows come from that a linear map of a branch reads.
enum class MapInput : std::uint8_t {
  branch,  // what goes into the branch
  inner,   // something that the branch computed
  expert,  // rows of tokens that were routed to this expert
};

// Each kind of weights has for_each_linear(f), which calls f(const Linear&, MapInput) for all of its maps, those that
// are not stored (weight.data null) included.

struct AttentionWeights {
  Linear q;    // n_heads * head_dim rows
  Linear k;    // n_kv_heads * head_dim rows
  Linear v;    // n_kv_heads * head_dim rows
  Linear qkv;  // instead of the three where grouped_qkv: for each group its queries' rows, its key's, its value's
  Linear out;  // d_model rows
  NormWeights q_norm, k_norm;  // head_dim, or n_heads (n_kv_heads) * head_dim long, as QkNormSpec says

  template <class F>
  void for_each_linear(F&& f) const {
    for (const Linear* map : {&qkv, &q, &k, &v}) f(*map, MapInput::branch);
    f(out, MapInput::inner);
  }
};

struct ShortConvWeights {
  Linear in;                 // 3 * d_inner rows: B, C, u
  std::vector<float> conv;   // d_inner filters of `kernel` taps, the oldest token's first
  std::vector<float> conv_bias;  // empty or d_inner
  Linear out;                // d_model rows of d_inner

  template <class F>
  void for_each_linear(F&& f) const {
    f(in, MapInput::branch);
    f(out, MapInput::inner);
  }
};

struct BesideWeights;
using MixerWeights = std::variant<AttentionWeights, ShortConvWeights, BesideWeights>;

struct FeedForwardWeights {
  Linear gate;  // d_ff rows; weight.data null unless gated
  Linear up;    // d_ff rows
  Linear down;  // d_model rows

  template <class F>
  void for_each_linear(F&& f) const {
    f(gate, MapInput::branch);
    f(up, MapInput::branch);
    f(down, MapInput::inner);
  }
};
struct ExpertsWeights {
  Linear router;                            // n_experts rows
  std::vector<FeedForwardWeights> experts;  // n_experts
  FeedForwardWeights shared;                // if there is one
  Linear shared_gate;                       // one row

  template <class F>
  void for_each_linear(F&& f) const {
    f(router, MapInput::branch);
    for (const FeedForwardWeights& expert : experts) {
      expert.for_each_linear([&](const Linear& map, MapInput) { f(map, MapInput::expert); });
    }
    shared.for_each_linear(f);
    f(shared_gate, MapInput::branch);
  }
};
using FfnWeights = std::variant<FeedForwardWeights, ExpertsWeights, std::monostate>;

// f(const Linear&, MapInput) for all maps of a mixer or a feed-forward part.
template <class Weights, class F>
void for_each_linear(const Weights& weights, F&& f) {
  std::visit(
      [&](const auto& kind) {
        if constexpr (requires { kind.for_each_linear(f); }) kind.for_each_linear(f);
      },
      weights);
}

struct BesideWeights {
  std::vector<MixerWeights> parts;  // as many as BesideSpec::parts

  template <class F>
  void for_each_linear(F&& f) const {
    for (const MixerWeights& part : parts) continuo::for_each_linear(part, f);
  }
};

// The attention of a mixer, or of the part of it that is attention; null where there is none.
inline AttentionWeights* attention_in(MixerWeights& mixer) {
  if (auto* beside = std::get_if<BesideWeights>(&mixer)) {
    for (MixerWeights& part : beside->parts) {
      if (AttentionWeights* attention = attention_in(part)) return attention;
    }
  }
  return std::get_if<AttentionWeights>(&mixer);
}

struct LayerWeights {  // the norms that the spec has
  NormWeights mixer_norm, post_mixer_norm;
  MixerWeights mixer;
  NormWeights ffn_norm, post_ffn_norm;
  FfnWeights ffn;
};

struct Weights {
  Matrix embedding;          // vocab_size rows of d_embedding (d_model where that is 0), row_major
  Linear project_in;              // d_model rows of d_embedding; data null unless the widths differ
  NormWeights embedding_norm;
  Matrix learned_positions;  // count + offset rows of d_model, row_major; data null if the model has none
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  Linear project_out;             // d_embedding rows of d_model; data null unless the widths differ
  Linear output;             // vocab_size rows; the embedding's bytes again when tied
};

}  // namespace continuo
