// The arithmetic of recurrent mixers: one token at a run of channels, whose state is a matrix with a column for each.
// Every column is computed by itself, over the rows in order, each step of a sum one fused multiply-add, so that no cut
// into runs changes a bit.
#pragma once

#include <cstddef>

namespace continuo {

// A state S of `keys` rows that decays, forgets and is written to (Mamba-2, gated delta nets, RWKV-5 to 7; see
// layers/recurrence_view.h):
//   held = key' S;  S' = diag(keep) S - take held + write v';  y = direct v + read' S' (or read' S, where reads_before)
// with, for column j and the rows i in order,
//   held = fma(key_i, S_i, held) from 0;  S'_i = fma(write_i, v, fma(-take_i, held, keep_i S_i));  y = fma(read_i,
//   S'_i, y)
//   from direct v. Where key is null nothing is taken, and S'_i = fma(write_i, v, keep_i S_i).
struct MatrixStateArgs {
  float* state;  // row i stands at state + i * stride
  std::size_t stride;
  std::size_t keys;
  std::size_t n;                                  // columns
  const float *keep, *take, *key, *write, *read;  // keys each; take and key are null together
  float direct;
  bool reads_before;
  const float* value;  // n
  float* out;          // n; may be value
};

// Mamba's: each channel has d_state values that decay at rates of their own, and reads and writes shared by all
// channels.
//   input = delta x;  h_s = fma(input, b_s, exp(delta rate_s) h_s);  y = fma(c_s, h_s, y) from skip x
struct ChannelStateArgs {
  float* state;        // d_state rows, `stride` apart
  const float* rates;  // the same
  std::size_t stride;
  std::size_t d_state;
  std::size_t n;                  // channels
  const float *b, *c;             // d_state
  const float *delta, *x, *skip;  // n
  float* out;                     // n
};

// RWKV-4's: each channel keeps an average of values weighted by exp(key), as sums divided by exp(largest).
//   y = the average with this token's weight times exp(first); then all weights times exp(decay), and this token's
//   added.
inline constexpr float kNothingSeen = -1e38f;  // the largest exponent then
struct AverageStateArgs {
  float *numerator, *denominator, *largest;  // n each; a denominator of 0: nothing was seen
  std::size_t n;
  const float *key, *value, *first, *decay;  // n
  float* out;                                // n
};

// out = bias + sum over k of weights[k] * inputs[k], in order of k; `stride` floats from one row of weights to the
// next.
struct ConvArgs {
  const float* const* inputs;  // taps rows of n
  const float* weights;
  std::size_t stride;
  std::size_t taps;
  const float* bias;  // n, or null
  float* out;         // n; may be the last input
  std::size_t n;
};

struct ScanKernels {
  void (*matrix_state)(const MatrixStateArgs& args);
  void (*channel_state)(const ChannelStateArgs& args);
  void (*average_state)(const AverageStateArgs& args);
  void (*conv)(const ConvArgs& args);
};

}  // namespace continuo
