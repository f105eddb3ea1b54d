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
  // Above 0: rows make heads of so many, and rows 2i and 2i + 1 of a head are its outputs i and i + paired_head / 2
  // (GGUF's Llama).
  std::size_t paired_head = 0;
};

struct Linear {
  Matrix weight;
  std::vector<float> bias;  // empty or weight.rows long, in the order of the outputs
};

struct NormWeights {
  // one per value normalized (ones where the file holds none; 1 added where the spec says)
  std::vector<float> weight;
  std::vector<float> bias;  // empty or as long
};

// Where the rows come from that a linear map of a branch reads.
enum class MapInput : std::uint8_t {
  branch,  // what goes into the branch
  inner,   // something that the branch computed
  expert,  // rows of tokens that were routed to this expert
};

// Each kind of weights has for_each_linear(f), which calls f(const Linear&, MapInput) for all of its maps, those that
// are not stored (weight.data null) included.

// What is added to the outputs of a linear map: out(in(x)), of low rank (Hu et al. 2021, arXiv:2106.09685).
struct Adapter {
  Linear in;   // rank rows
  Linear out;  // as many rows as the map
};

struct AttentionWeights {
  Linear q;    // n_heads * head_dim rows
  Linear k;    // n_kv_heads * head_dim rows
  Linear v;    // n_kv_heads * head_dim rows
  Linear qkv;  // instead of the three where grouped_qkv: for each group its queries' rows, its key's, its value's
  Linear out;  // d_model rows
  NormWeights q_norm, k_norm;  // head_dim, or n_heads (n_kv_heads) * head_dim long, as QkNormSpec says
  // OutputGate::head: n_heads rows; apart: n_heads * head_dim; OutputGate::value makes q twice as many rows
  Linear gate;
  std::vector<float> sinks;                      // n_heads, or empty
  std::vector<float> gate_scales, query_scales;  // n_heads * head_dim, or empty
  NormWeights v_norm;                            // head_dim ones, or empty
  NormWeights out_norm;                          // n_heads * head_dim long, or empty
  // Latent attention, instead of q, k and v: low-rank maps and what comes behind them (q_a is not stored where the
  // queries are made directly, by q_b); for each head the map of its queries into the latent space, and of its results
  // out of it.
  Linear q_a, q_b, kv_a;
  NormWeights q_a_norm, kv_a_norm;
  std::vector<Linear> k_b, v_b;
  Adapter q_adapter, k_adapter, v_adapter;  // where there is a rank

  template <class F>
  void for_each_linear(F&& f) const {
    for (const Linear* map : {&qkv, &q, &k, &v, &gate, &q_a, &kv_a}) f(*map, MapInput::branch);
    f(q_b, q_a.weight.data ? MapInput::inner : MapInput::branch);
    for (const std::vector<Linear>* maps : {&k_b, &v_b}) {
      for (const Linear& map : *maps) f(map, MapInput::inner);
    }
    f(out, MapInput::inner);
    for (const Adapter* adapter : {&q_adapter, &k_adapter, &v_adapter}) {
      f(adapter->in, MapInput::inner);
      f(adapter->out, MapInput::inner);
    }
  }
};

struct ShortConvWeights {
  Linear in;                     // 3 * d_inner rows: B, C, u
  std::vector<float> conv;       // d_inner filters of `kernel` taps, the oldest token's first
  std::vector<float> conv_bias;  // empty or d_inner
  Linear out;                    // d_model rows of d_inner

  template <class F>
  void for_each_linear(F&& f) const {
    f(in, MapInput::branch);
    f(out, MapInput::inner);
  }
};

struct MambaWeights {
  Linear in;                     // 2 * d_inner rows: x, z
  std::vector<float> conv;       // d_conv rows of d_inner, the oldest token's first
  std::vector<float> conv_bias;  // empty or d_inner
  Linear x;                      // dt_rank + 2 * d_state rows of d_inner: dt, B, C
  Linear dt;                     // d_inner rows of dt_rank, with a bias
  NormWeights dt_norm, b_norm, c_norm;
  std::vector<float> a;     // d_state rows of d_inner: A itself, which is -exp of what files hold
  std::vector<float> skip;  // d_inner
  Linear out;

  template <class F>
  void for_each_linear(F&& f) const {
    f(in, MapInput::branch);
    for (const Linear* map : {&x, &dt, &out}) f(*map, MapInput::inner);
  }
};

struct Mamba2Weights {
  Linear in;                            // d_inner + conv_channels + n_heads rows: z, x B C, dt
  std::vector<float> conv;              // d_conv rows of conv_channels, the oldest token's first
  std::vector<float> conv_bias;         // empty or conv_channels
  std::vector<float> a, dt_bias, skip;  // n_heads each; a: A itself
  NormWeights norm;                     // d_inner
  Linear out;

  template <class F>
  void for_each_linear(F&& f) const {
    f(in, MapInput::branch);
    f(out, MapInput::inner);
  }
};

struct DeltaNetWeights {
  Linear q, k, v, z, b, a;            // or
  Linear qkv;                         // the first three in one, and z, b, a; or
  Linear qkvz, ba;                    // by key head, where grouped
  std::vector<float> conv;            // d_conv rows of conv_channels, the oldest token's first
  std::vector<float> decay, dt_bias;  // n_value_heads each; decay: -exp of A_log
  NormWeights norm;                   // value_dim
  Linear out;

  template <class F>
  void for_each_linear(F&& f) const {
    for (const Linear* map : {&q, &k, &v, &z, &b, &a, &qkv, &qkvz, &ba}) f(*map, MapInput::branch);
    f(out, MapInput::inner);
  }
};

struct RgLruWeights {
  Linear x, y;  // width rows
  std::vector<float> conv, conv_bias;
  // n_blocks matrices of width / n_blocks squared, inputs outermost, and their biases.
  std::vector<float> input_gate, input_gate_bias, recurrent_gate, recurrent_gate_bias;
  std::vector<float> decay;  // width: -8 * softplus of what files hold
  Linear out;

  template <class F>
  void for_each_linear(F&& f) const {
    f(x, MapInput::branch);
    f(y, MapInput::branch);
    f(out, MapInput::inner);
  }
};

struct Rwkv4Weights {
  std::vector<float> mix_k, mix_v, mix_r;  // d_model: the share of the row itself
  std::vector<float> decay, first;         // d_attention; decay: -exp of what files hold
  Linear key, value, receptance, out;

  template <class F>
  void for_each_linear(F&& f) const {
    for (const Linear* map : {&key, &value, &receptance, &out}) f(*map, MapInput::inner);
  }
};

// What RWKV-5.2, 6 and 7 have; the rest is empty.
struct RwkvWeights {
  std::vector<float> mix_x, mix_w, mix_k, mix_v, mix_r, mix_g, mix_a;  // d_model
  Linear shift_1;                                                      // 6: 5 * shift_rank rows
  std::vector<Linear> shift_2;                                         // 6: w, k, v, r, g: d_model rows of shift_rank
  std::vector<float> decay;                                            // d_model: 5: exp(-exp(..)); 6 and 7: the base
  std::vector<float> first;                                            // d_model: 5, 6: u; 7: r_k
  Linear decay_1, decay_2, learning_1, learning_2, value_1, value_2, gate_1, gate_2;  // small two-layer maps
  std::vector<float> learning, value_mix, key_scale, key_learning;                    // 7: a0, v0, k_k, k_a
  Linear receptance, key, value, gate, out;
  NormWeights norm;  // d_model: of each head's result

  template <class F>
  void for_each_linear(F&& f) const {
    for (const Linear* map : {&shift_1, &decay_1, &decay_2, &learning_1, &learning_2, &value_1, &value_2, &gate_1,
                              &gate_2, &receptance, &key, &value, &gate, &out})
      f(*map, MapInput::inner);
    for (const Linear& map : shift_2) f(map, MapInput::inner);
  }
};

struct SharedBlockWeights {
  // The same in all layers of one owner.
  NormWeights norm, ffn_norm;  // 2 * d_model, d_model
  AttentionWeights attention;  // but for its adapters
  Linear gate, up, down;
  // Each layer's own.
  Adapter gate_adapter, up_adapter;
  Linear link;  // d_model rows of d_model
  NormWeights mixer_norm;
  Mamba2Weights mixer;

  template <class F>
  void for_each_linear(F&& f) const {
    const auto inner = [&](const Linear& map, MapInput) { f(map, MapInput::inner); };
    attention.for_each_linear(inner);
    for (const Linear* map :
         {&gate, &up, &down, &gate_adapter.in, &gate_adapter.out, &up_adapter.in, &up_adapter.out, &link})
      f(*map, MapInput::inner);
    mixer.for_each_linear(inner);
  }
};

struct BesideWeights;
using MixerWeights =
    std::variant<AttentionWeights, ShortConvWeights, BesideWeights, MambaWeights, Mamba2Weights, DeltaNetWeights,
                 RgLruWeights, Rwkv4Weights, RwkvWeights, SharedBlockWeights, std::monostate>;

struct FeedForwardWeights {
  Linear gate;               // d_ff rows; weight.data null unless gated
  Linear up;                 // d_ff rows
  Linear down;               // d_model rows
  NormWeights inner_norm;    // d_ff, or empty
  std::vector<float> xielu;  // the activation's alpha of positive and of negative values, beta and eps; or empty
  std::vector<float> gate_scales, up_scales;  // d_ff, or empty

  template <class F>
  void for_each_linear(F&& f) const {
    f(gate, MapInput::branch);
    f(up, MapInput::branch);
    f(down, MapInput::inner);
  }
};
struct ExpertsWeights {
  Linear router;                            // n_experts rows
  std::vector<float> selection_bias;        // n_experts, or empty
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
struct ChannelMixWeights {
  std::vector<float> mix_k, mix_r;  // d_model
  Linear key, value, receptance;

  template <class F>
  void for_each_linear(F&& f) const {
    for (const Linear* map : {&key, &value, &receptance}) f(*map, MapInput::inner);
  }
};
using FfnWeights = std::variant<FeedForwardWeights, ExpertsWeights, std::monostate, ChannelMixWeights>;

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
  if (auto* shared = std::get_if<SharedBlockWeights>(&mixer)) return &shared->attention;
  return std::get_if<AttentionWeights>(&mixer);
}

struct LayerWeights {  // the norms that the spec has
  NormWeights mixer_norm, post_mixer_norm;
  MixerWeights mixer;
  NormWeights ffn_norm, post_ffn_norm;
  FfnWeights ffn;
  Linear input_gate, input_projection;  // of the layer's input, and
  NormWeights input_norm;               // the norm behind them
  float output_scale = 1;
  std::vector<float> mixer_rate, ffn_rate;  // d_model, where the order is toward
};

struct Weights {
  Matrix embedding;   // vocab_size rows of d_embedding (d_model where that is 0), row_major
  Linear project_in;  // d_model rows of d_embedding; data null unless the widths differ
  NormWeights embedding_norm;
  Matrix token_types;        // n_token_types rows of d_embedding; data null if there are none
  Matrix learned_positions;  // count + offset rows of d_model, row_major; data null if the model has none
  std::vector<LayerWeights> layers;
  NormWeights final_norm;
  Linear project_out;                // d_embedding rows of d_model; data null unless the widths differ
  Linear output;                     // vocab_size rows; the embedding's bytes again when tied
  Matrix layer_embedding;            // rows of all layers' parts; data null unless the spec has it
  Linear layer_embedding_project;    // d_model inputs
  NormWeights layer_embedding_norm;  // of one layer's part
  Linear output_head;                // d_model rows of d_model; data null unless the spec has it
  NormWeights output_head_norm;
  std::vector<float> output_scales;  // vocab_size, or empty
  Linear loop_map;                   // d_model rows of 2 * d_model inputs; data null unless the spec joins by it
  std::vector<float> loop_start;     // d_model, or empty
  Linear exit_gate;                  // one row; data null unless the spec has it
  // Values that stand in no file as they are computed with; matrices point into them.
  std::vector<std::shared_ptr<const std::vector<std::byte>>> made;
};

}  // namespace continuo
